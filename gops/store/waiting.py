"""Requests that wait for a store's one writer: bounded, in their order, and taken some at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from gops.errors import Unavailable

PATIENCE_SECONDS = 5.0  # that a request waits for room
Request = TypeVar("Request")
Taking = Callable[[deque[Request]], list[Request]]


class Waiting(Generic[Request]):
    """``limit`` requests may wait, each ``patience_s`` for a place."""

    def __init__(self, limit: int, patience_s: float = PATIENCE_SECONDS) -> None:
        self._limit = limit
        self._patience_s = patience_s
        self._requests: deque[Request] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._woken = False

    def __len__(self) -> int:
        return len(self._requests)

    def put(self, request: Request) -> None:
        """Raises ``Unavailable`` when it is closed or there is no room for too long."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._requests) < self._limit, self._patience_s)
            if self._closed:
                raise Unavailable("the store is closed")
            if len(self._requests) >= self._limit:
                raise Unavailable(
                    f"{self._limit} requests wait for the store's writer, as many as the setting store_queue allows",
                    code="store_busy",
                    found=self._limit,
                    expected=f"room in the queue within {self._patience_s:g} s",
                )
            self._requests.append(request)
            self._changed.notify_all()

    def take(self, some: Taking[Request]) -> list[Request] | None:
        """Wait for requests, and what ``some`` takes of them; none when woken, None when closed and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._requests or self._closed or self._woken)
            self._woken = False
            if not self._requests:
                return None if self._closed else []
            taken = some(self._requests)
            self._changed.notify_all()
            return taken

    def wake(self) -> None:
        """Let ``take`` come back although nobody asks for anything."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more; what waits is still taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
