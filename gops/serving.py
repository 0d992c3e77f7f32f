"""What Granian's worker loads: the platform, made while the garbage collector rests.

A start makes hundreds of thousands of objects that live as long as the process. Looked through again and again they
would cost a tenth of a second of the start, and later a pause of each full collection.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def whole() -> Callable[..., Any]:
    """``gops run``: ingest, jobs, API and pages."""
    with lasting():
        from gops import compose

        return compose.wsgi()


def api() -> Callable[..., Any]:
    """``gops api``: API and pages alone."""
    with lasting():
        from gops import separate

        return separate.api()


@contextmanager
def lasting() -> Iterator[None]:
    """What is made inside is not looked through by any later collection, but at the end of the process.

    What the last one does not see is left to nanobind, under DuckDB, which complains of it on the terminal.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
        atexit.register(gc.unfreeze)
    finally:
        gc.enable()
