"""One piece of upkeep at a time: two that rewrite the same files would undo each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gops.errors import Conflict
from gops.keeping.progress import Tell, quiet

WAIT_SECONDS = 600.0


class Turns:
    """``with turns.take("backup"):`` waits for what is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = ""

    @contextmanager
    def take(self, what: str, tell: Tell = quiet, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
        """Raises ``Conflict`` (``upkeep_busy``) when the turn does not come within ``wait_seconds``."""
        if not self._lock.acquire(blocking=False):
            tell({"what": f"waiting for: {self._under_way}", "done": 0, "of": 0, "unit": ""})
            if not self._lock.acquire(timeout=wait_seconds):
                raise Conflict(
                    f"{self._under_way} is under way, and was not done within {wait_seconds:g} s",
                    code="upkeep_busy",
                    found=self._under_way,
                    expected="no other upkeep of this store; try again later",
                )
        self._under_way = what
        try:
            yield
        finally:
            self._lock.release()
