# GOPS. `make` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
REAL ?=
SEED ?=
# Each start of GOPS in a test would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test test-real check lint types soak bench bench-full openapi clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Set up everything in .venv (Python 3.11 or later is enough)

$(READY): setup.cfg pyproject.toml gops/portal/assets/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "GOPS needs Python 3.11 or later, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --editable '.[test,dev,postgresql]'
	$(BIN)/python -m gops.portal.assets --tests
	@touch $@

run: setup ## Run the whole platform with the demo city, on http://127.0.0.1:8080
	$(BIN)/gops run --demo

test: setup ## Run the tests; live ones join where their servers are installed
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=40

test-real: setup ## Try things on real data: make test-real REAL=<folder>
	@test -n "$(REAL)" || { echo "name the folder of the real data: make test-real REAL=<folder>"; exit 2; }
	REAL_DATA='$(REAL)' $(BIN)/python -m pytest tests/real -m real -s --timeout=1800

lint: setup ## Style and mistakes (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Types (mypy)
	$(BIN)/mypy

check: lint types test ## What CI runs: lint, types, layering and tests

soak: setup ## Kill GOPS 1,000 times under load and count what is found: make soak [SEED=n]
	SOAK=1000 SOAK_SEED='$(SEED)' $(BIN)/python -m pytest tests/live/test_crash.py -s --timeout=36000

bench: setup ## Measure every claimed speed, short sizes
	$(BIN)/python -m bench

bench-full: setup ## The same at full size
	$(BIN)/python -m bench --full

openapi: setup ## Write the frozen OpenAPI document anew, after a wanted change of the API
	$(BIN)/python -m pytest tests/api -q --rewrite-openapi

clean: ## Remove what was built; data/ stays
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis gops/portal/static/vendor gops/portal/assets/checker node_modules
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.egg-info' -prune -exec rm -rf {} +
