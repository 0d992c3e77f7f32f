"""What goals came to: bounded, and forgotten by Thing or Datastream when an event says that one changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from gops.ingest.declared.plan import Found, Goal
from gops.sensors.routes import Target

Answer = tuple[Found, int | None]
"""What a goal came to, and the id of its Thing where there is one."""


class Remembered:
    """At most ``size`` goals. Read by ingest, forgotten by the event pump; what was absent is forgotten with every
    change, as it may be there now."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[Goal, Answer] = OrderedDict()
        self._of_thing: dict[int, set[Goal]] = {}
        self._of_datastream: dict[int, set[Goal]] = {}
        self._absent: set[Goal] = set()
        self._lock = threading.Lock()
        self.changes = 0
        """Grows with whatever is forgotten: what was read before is not put in afterwards."""

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, goals: Iterable[Goal]) -> dict[Goal, Found]:
        """Of those that are remembered."""
        found: dict[Goal, Found] = {}
        for goal in goals:
            answer = self._answers.get(goal)
            if answer is not None:
                found[goal] = answer[0]
        return found

    def put(self, fresh: Mapping[Goal, Answer], changes: int) -> None:
        with self._lock:
            if changes != self.changes:
                return
            for goal, (found, thing) in fresh.items():
                self._drop((goal,))
                while len(self._answers) >= self._size:
                    self._drop((next(iter(self._answers)),))
                self._answers[goal] = found, thing
                if thing is not None:
                    self._of_thing.setdefault(thing, set()).add(goal)
                if isinstance(found, Target):
                    self._of_datastream.setdefault(found.datastream, set()).add(goal)
                else:
                    self._absent.add(goal)

    def clear(self) -> None:
        with self._lock:
            self.changes += 1
            for one in (self._answers, self._of_thing, self._of_datastream, self._absent):
                one.clear()

    def forget_thing(self, thing: int) -> None:
        with self._lock:
            self.changes += 1
            self._drop((*self._of_thing.get(thing, ()), *self._absent))

    def forget_datastream(self, datastream: int) -> None:
        with self._lock:
            self.changes += 1
            self._drop((*self._of_datastream.get(datastream, ()), *self._absent))

    def _drop(self, goals: Iterable[Goal]) -> None:
        for goal in goals:
            answer = self._answers.pop(goal, None)
            if answer is None:
                continue
            found, thing = answer
            if thing is not None:
                _remove(self._of_thing, thing, goal)
            if isinstance(found, Target):
                _remove(self._of_datastream, found.datastream, goal)
            self._absent.discard(goal)


def _remove(index: dict[int, set[Goal]], key: int, goal: Goal) -> None:
    goals = index.get(key)
    if goals is not None:
        goals.discard(goal)
        if not goals:
            del index[key]
