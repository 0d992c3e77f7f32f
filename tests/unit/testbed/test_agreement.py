"""The optimum of `optimal` is that of another solver, which reads nothing but the published round."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def agreement(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))  # benches stand beside the package
    return importlib.import_module("bench.agreement")


def test_each_stage_has_the_value_that_cp_sat_proves(agreement: Any) -> None:
    """Where OR-Tools has an environment of its own (bench/README.md); 60 such calls: ``python -m bench agreement``."""
    if not agreement.PYTHON.exists():
        pytest.skip(f"no interpreter with OR-Tools at {agreement.PYTHON}")
    found = agreement.compared(range(6))
    assert [(seed, agreement.differing(ours, theirs)) for seed, _, ours, theirs in found] == [
        (seed, []) for seed in range(6)
    ]
    assert {name for _, _, ours, _ in found for name in ours} == {"quotas", "scores", "placed", "ranks", "starts"}


def test_values_that_differ_are_named(agreement: Any) -> None:
    assert agreement.differing({"scores": 5, "ranks": 2}, {"quotas": 0, "scores": 6, "ranks": 2}) == ["scores"]
    assert agreement.differing({"scores": 5}, {"quotas": 1, "scores": 5}) == ["quotas"]
