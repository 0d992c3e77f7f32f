"""The house rules that a machine can check: import ranks, no cycles, one place for each driver, sizes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gops"

RANKS = {
    "errors": 0, "clock": 0, "logs": 0, "ucum": 0, "setting_types": 0,
    "durations": 1, "geo": 1, "units": 1, "settings": 1, "kinds": 1, "quality": 1, "windows": 1,
    "permissions": 1, "admin": 1, "process": 1, "metrics": 1,
    "records": 2, "areas": 2, "store.port": 2, "jobs": 2, "files": 2, "outbound": 2, "timetext": 2,
    "accounts": 3, "sensors": 3, "notify": 3.5, "store": 3, "formats": 3, "stores": 4,
    "ingest": 4, "catalog": 4, "testbed": 4, "alerts": 4, "usage": 4.5,
    "api": 5, "portal": 5, "keeping": 5, "doctor": 5, "figures": 5,
    "record_services": 5, "compose": 6, "demo": 7, "separate": 7, "serving": 7.5, "cli": 8, "__main__": 9,
}  # fmt: skip
DRIVERS = {
    "paho": {"gops.ingest.mqtt"},
    "amqtt": {"gops.ingest.broker"},
    "duckdb": {"gops.store.duckdb"},
    "influxdb_client": {"gops.store.influx", "gops.store.victoria"},
    "rdflib": {"gops.catalog.profiles", "gops.catalog.harvest"},
    "scipy": {"gops.testbed.allocation", "gops.testbed.review"},
    "holidays": {"gops.testbed.workdays"},
    "openpyxl": {"gops.catalog.filed"},
    "xlsxwriter": {"gops.formats"},
    "cql2": {"gops.catalog.querying"},
    "flask_limiter": {"gops.api"},
    "limits": {"gops.api"},
    "flask": {"gops.api", "gops.portal"},
    "flask_smorest": {"gops.api"},
    "granian": {"gops.cli"},
    "prometheus_client": {"gops.metrics"},
    "ucumvert": {"gops.ucum"},
    "lark": {"gops.ucum"},
    "cryptography": {"gops.accounts.sealing"},
    "shapely": {"gops.areas"},
    "pyproj": {"gops.areas"},
}
MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "helpers", "manager", "base_classes", "common", "misc"}


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        if "versions" in path.parts:
            continue
        parts = ("gops", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the rank"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def room(module: str) -> str:
    """The name in ``RANKS`` that a module of gops belongs to: the longest that matches."""
    parts = module.split(".")[1:]
    for size in range(len(parts), 0, -1):
        if ".".join(parts[:size]) in RANKS:
            return ".".join(parts[:size])
    return ""


def internal(path: Path) -> set[str]:
    return {name for name in imports(path) if name.startswith("gops.")}


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"gops"}))
def test_a_module_imports_only_lower_ranks_or_its_own_room(module: str) -> None:
    own = room(module)
    assert own, f"{module} has no rank; give it one in RANKS"
    for target in internal(MODULES[module]):
        other = room(target)
        assert other == own or RANKS[other] < RANKS[own], f"{module} (rank {RANKS[own]}) imports {target}"


def test_no_import_cycle() -> None:
    graph = {name: internal(path) & set(MODULES) for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "cycle: " + " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in sorted(graph[name] - {name}):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_a_driver_lives_in_one_place(driver: str) -> None:
    allowed = DRIVERS[driver]
    for module, path in MODULES.items():
        if any(module == home or module.startswith(home + ".") for home in allowed):
            continue
        users = {name for name in imports(path) if name.split(".")[0] == driver}
        assert not users, f"{module} imports {users}; {driver} lives in {sorted(allowed)}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_is_short_and_named_for_what_it_is(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= MAX_LINES
    assert not FORBIDDEN_NAMES & set(module.split("."))


def test_the_rule_itself_sees_a_breach(tmp_path: Path) -> None:
    breach = tmp_path / "clock.py"
    breach.write_text("from gops.api import app\nimport paho.mqtt.client\n")
    assert set(imports(breach)) >= {"gops.api.app", "paho.mqtt.client"}
    assert RANKS[room("gops.api.app")] > RANKS[room("gops.clock")]
