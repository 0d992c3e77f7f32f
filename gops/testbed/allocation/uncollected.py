"""Work that makes millions of objects and no cycle: the garbage collector would walk through them many times over."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """For seconds, not for minutes: what other threads leave in cycles waits as well."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
