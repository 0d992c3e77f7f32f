"""Outside clients and validators that tests use where they are installed (``pip install gops[proof]``)."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
from typing import Any

import pytest


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
