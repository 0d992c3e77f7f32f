"""What a worker makes at its start is not looked through again, and the collector works afterwards."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gops.serving import lasting


@pytest.fixture(autouse=True)
def frozen_as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.freeze()  # what was collected by pytest


def test_what_is_made_inside_lasts() -> None:
    before = gc.get_freeze_count()
    with lasting():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(made)


def test_a_start_that_fails_leaves_the_collector_at_work() -> None:
    with pytest.raises(ValueError, match="not so"), lasting():
        raise ValueError("not so")
    assert gc.isenabled()


def test_the_last_collection_of_a_process_sees_all_of_it() -> None:
    """Else nanobind, under DuckDB, complains on the terminal of what was left."""
    code = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count()))  # after what is registered later
from gops.serving import lasting
with lasting():
    made = [[] for _ in range(1000)]
print(gc.get_freeze_count() > 1000)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["True", "0"]
