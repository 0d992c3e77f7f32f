"""A bounded memory of answers that are true for a moment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """At most ``most`` answers, each for at most ``seconds``; the oldest goes first.

    ``forget`` drops everything, also what is being looked up at that moment: a value that was read before a change
    and is put after it would otherwise outlive the change. Only answers that ``fit`` are remembered.
    """

    def __init__(
        self,
        most: int,
        seconds: float,
        elapsed: Callable[[], float] = time.monotonic,
        fit: Callable[[Value], bool] = lambda _value: True,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._fit = fit
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[Value, float]] = OrderedDict()
        self._generation = 0

    def find(self, key: Hashable, look_up: Callable[[], Value]) -> Value:
        """The remembered answer, or that of ``look_up``; what it raises is not remembered."""
        now = self._elapsed()
        with self._lock:
            generation = self._generation
            known = self._values.get(key)
        if known is not None and now < known[1]:
            return known[0]
        found = look_up()
        with self._lock:
            if generation == self._generation and self._fit(found):
                self._values[key] = (found, now + self._seconds)
                self._values.move_to_end(key)
                if len(self._values) > self._most:
                    self._values.popitem(last=False)
        return found

    def forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._values.clear()

    def __len__(self) -> int:
        return len(self._values)
