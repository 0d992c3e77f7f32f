"""What was made for a page is kept for a moment; who comes meanwhile gets the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, each for ``seconds``. At most ``most`` are kept: the oldest goes first.

    A value is made outside of the lock, so two who come at once may both make it. What is withdrawn has to be gone
    within 2 s, so whole pages are kept for one.
    """

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._found: dict[Hashable, tuple[float, T]] = {}

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of ``key``, made where it is not there or too old. What ``make`` raises is not kept."""
        with self._lock:
            found = self._found.get(key)
        if found is not None and time.monotonic() < found[0]:
            return found[1]
        until, made = time.monotonic() + self._seconds, make()
        with self._lock:
            self._found.pop(key, None)
            while len(self._found) >= self._most:
                del self._found[next(iter(self._found))]
            self._found[key] = until, made
        return made
