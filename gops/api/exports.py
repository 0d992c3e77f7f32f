"""Streams in turn: a reader who takes one slowly holds a thread of the server for as long as it likes.

Granian asks for the pieces of a stream in the thread of the request and waits until they are taken, so half of the
threads at most may stream at once, and pages are always answered.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import BoundedSemaphore

from flask import current_app

from gops.api.context import settings
from gops.errors import Unavailable

SLOTS = "gops-exports"
"""Where the app keeps the slots of streams under way."""


def begin() -> Callable[[], None]:
    """What ends the stream; call it once. Raises ``Unavailable`` (``exports_busy``) when no slot is free."""
    most = max(1, settings().http_threads // 2)
    slots: BoundedSemaphore = current_app.extensions.setdefault(SLOTS, BoundedSemaphore(most))
    if not slots.acquire(blocking=False):
        raise Unavailable(
            f"{most} streams are under way",
            code="exports_busy",
            expected=f"at most {most} at once (half of GOPS_HTTP_THREADS); try again, or take pages with limit",
        )
    return slots.release
