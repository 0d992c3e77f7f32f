"""Outside clients and validators that tests use where they are installed (``pip install gops[proof]``)."""

from __future__ import annotations

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
    return importlib.import_module(name)
