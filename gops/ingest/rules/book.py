"""The rules of the Datastreams that are written now: remembered, bounded, forgotten when an event says they changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.ingest.rules.judging import INFINITY, Ruled
from gops.kinds import Kind
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors.model import Datastream
from gops.sensors.quality_rules import QualityRules, read

AT_ONCE = 5_000  # ids in one statement; SQLite takes 32,766
NOWHERE = Ruled("gauge", -INFINITY, INFINITY)  # of an id that there is no Datastream of


class RuleBook:
    """At most ``size`` Datastreams are remembered. ``handlers`` belong into the event pump."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._size = size
        self._known: OrderedDict[int, Ruled] = OrderedDict()
        self._any: bool | None = None
        self._changes = 0
        self._lock = threading.Lock()
        self.on_change: Callable[[int], None] = lambda _datastream: None
        self.handlers: Mapping[str, tuple[Callable[[Event], None], ...]] = {"datastream.changed": (self._changed,)}

    @property
    def is_empty(self) -> bool:
        """Has no Datastream any rules? Asked once; from the first one on it stays false. Raises ``Unavailable``."""
        if self._any is None:
            with self._database.read() as session:
                found = session.scalar(select(Datastream.id).where(Datastream.quality_rules.is_not(None)).limit(1))
            self._any = self._any or found is not None
        return not self._any

    def get(self, datastreams: Sequence[int]) -> dict[int, Ruled]:
        """What is known of each of these. Raises ``Unavailable``."""
        with self._lock:
            known, before = self._known, self._changes
            found = {one: known[one] for one in datastreams if one in known}
            for one in found:
                known.move_to_end(one)
            lacking = [one for one in datastreams if one not in found]
        if lacking:
            with self._database.read() as session:
                parts = (lacking[first : first + AT_ONCE] for first in range(0, len(lacking), AT_ONCE))
                loaded = {one: ruled for some in parts for one, ruled in _load(session, some)}
            found |= dict.fromkeys(lacking, NOWHERE) | loaded
            self._remember(loaded, before)
        return found

    def _remember(self, loaded: Mapping[int, Ruled], before: int) -> None:
        with self._lock:
            if before != self._changes:
                return  # one of them may have changed since it was read
            self._known |= loaded
            while len(self._known) > self._size:
                self._known.popitem(last=False)

    def _changed(self, event: Event) -> None:
        datastream = int(event.payload["datastream"])
        with self._lock:
            self._changes += 1
            self._known.pop(datastream, None)
        if not self._any:
            with self._database.read() as session:
                said = session.scalar(select(Datastream.quality_rules).where(Datastream.id == datastream))
            self._any = self._any or (True if said else self._any)
        self.on_change(datastream)


def _load(session: Session, ids: Sequence[int]) -> Iterable[tuple[int, Ruled]]:
    stream = Datastream
    query = select(stream.id, stream.kind, stream.range_low, stream.range_high, stream.quality_rules)
    for one, kind, low, high, rules in session.execute(query.where(stream.id.in_(ids))):
        yield one, ruled(kind, low, high, rules)


def ruled(kind: str, low: float | None, high: float | None, rules: Mapping[str, object] | None) -> Ruled:
    """From the columns of a Datastream; one object for those that are ruled alike."""
    bottom, top = -INFINITY if low is None else low, INFINITY if high is None else high
    return _alike(cast(Kind, kind), bottom, top, read(rules))


@lru_cache(10_000)
def _alike(kind: Kind, low: float, high: float, rules: QualityRules) -> Ruled:
    return Ruled(kind, low, high, rules)
