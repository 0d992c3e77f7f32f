"""The job that carries out retention: deletes what is too old, and thins what is old.

It works in whole local days and is looked at every hour, so there is something to do once a day. It may be stopped at
any moment: what is deleted is gone, what is thinned stands in one swap, and thinning again changes nothing. Half of
the time at most it keeps the store's writer busy. What it did is audited as an act of the platform, together with how
far it came, after each ``BLOCK`` Datastreams.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pyarrow as pa
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gops import logs
from gops.clock import DAY, HOUR, Clock
from gops.errors import Conflict, Unavailable
from gops.kinds import Kind
from gops.permissions import ANONYMOUS
from gops.records import audit
from gops.records.database import Database
from gops.records.paging import page
from gops.sensors.datastreams import series_of
from gops.sensors.model import Datastream
from gops.sensors.retention import KEPT, NONE, Rule, inherited
from gops.sensors.spans import count, shift
from gops.sensors.thinning import thin
from gops.settings import Settings
from gops.store.port import READINGS, Read, Series, Store
from gops.windows import EARLIEST, edges

BLOCK = 100  # Datastreams whose rules are read together
ROWS = 100_000  # about how many are read, or deleted in one commit
TRIES = 5  # at a range that somebody writes into meanwhile
MARGIN = HOUR  # between what ingest still takes in and what is thinned, for messages on their way
LONGEST_REST_S = 1.0
log = logs.get(__name__)


@dataclass(slots=True)
class Tally:
    """What was done in a block: rows deleted, rows thinned and what became of them; how far thinning came, and which
    Datastreams changed too often to go on with."""

    deleted: int = 0
    thinned: int = 0
    left: int = 0
    touched: set[int] = field(default_factory=set)
    overtaken: set[int] = field(default_factory=set)
    reached: dict[int, tuple[int, str]] = field(default_factory=dict)


class _Stopped(Exception):
    """The server stops."""


class Ageing:
    """``run`` it from time to time, one at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        store: Store,
        stopping: threading.Event,
        *,
        rows: int = ROWS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._zone = settings.zone
        self._platform = Rule.of(settings)
        self._store = store
        self._stopping = stopping
        self._rows = rows

    def run(self) -> None:
        """Raises ``Unavailable`` when store or records fail; the next run goes on from there. A mistake of ours costs
        one block its turn, and is logged."""
        if not self._store.capabilities.deletes_range:
            log.info("retention_unsupported", lacks="deletes_range")
            return
        try:
            with self._database.read() as session:
                homes = session.scalars(select(Datastream.organisation_id).distinct()).all()
            for home in sorted(homes):
                for block in self._blocks(home):
                    self._try(home, block)
        except _Stopped:
            log.info("retention_stopped")

    def _try(self, home: int, block: Sequence[tuple[Datastream, Rule]]) -> None:
        try:
            self._age(home, block)
        except (Unavailable, _Stopped):
            raise
        except Exception:
            log.exception("retention_failed", organisation=home, first=block[0][0].id)

    def _blocks(self, home: int) -> Iterator[Sequence[tuple[Datastream, Rule]]]:
        """The Datastreams of an organisation that have a rule, each block with the rules that hold when it is asked
        for."""
        after = 0
        while True:
            with self._database.read() as session:
                default = inherited(session, self._platform, home)
                query = select(Datastream).where(Datastream.organisation_id == home)
                if default == KEPT:
                    said = (column.is_not(None) & (column != NONE) for column in _PARTS)
                    query = query.where(or_(*said))
                found = session.scalars(page(query, Datastream.id, after, BLOCK)).all()
            if not found:
                return
            after = found[-1].id
            yield [(one, default.under(one)) for one in found]

    def _age(self, home: int, block: Sequence[tuple[Datastream, Rule]]) -> None:
        tally = Tally()
        try:
            self._delete_old(block, tally)
            self._thin_old(block, tally)
        finally:
            self._note(home, tally)

    # deleting

    def _delete_old(self, block: Sequence[tuple[Datastream, Rule]], tally: Tally) -> None:
        now = self._clock.micros()
        cuts = {one.id: self._day(now - rule.retention) for one, rule in block if rule.retention is not None}
        extents = self._store.extent(sorted(cuts))
        doomed: dict[tuple[int, str, str], list[Series]] = {}
        for one, _rule in block:
            series = series_of(one)
            if one.id in extents and extents[one.id].first - shift(series) < cuts[one.id]:
                doomed.setdefault((cuts[one.id], one.kind, one.label), []).append(series)
        for (cut, _kind, _label), alike in sorted(doomed.items()):
            first = min(extents[one.datastream].first for one in alike) - shift(alike[0])
            self._delete(alike, first, cut, tally)
            tally.touched |= {one.datastream for one in alike}

    def _delete(self, alike: Sequence[Series], start: int, end: int, tally: Tally) -> None:
        """Of one kind and label; halved until a commit touches few enough."""
        found = count(self._store, alike, start, end)
        if found > self._rows and end - start > 1:
            middle = (start + end) // 2
            self._delete(alike, start, middle, tally)
            self._delete(alike, middle, end, tally)
        elif found:
            back, ids = shift(alike[0]), [one.datastream for one in alike]
            tally.deleted += self._paced(lambda: self._store.delete(ids, start + back, end + back))

    # thinning

    def _thin_old(self, block: Sequence[tuple[Datastream, Rule]], tally: Tally) -> None:
        """Together those of which the same days are thinned to the same step: they are read at once."""
        now = self._clock.micros()
        due: dict[int, int] = {}
        for one, rule in block:
            if rule.thin_after is not None and rule.thins(cast(Kind, one.kind), one.period):
                until = self._day(now - rule.thin_after - MARGIN)
                if one.thinned_until is None or one.thinned_until < until:
                    due[one.id] = until
        extents = self._store.extent(sorted(due))
        alike: dict[tuple[int, int, str], list[Series]] = {}
        for one, rule in block:
            if one.id in due and one.id in extents:
                series = series_of(one)
                start = self._first(one, extents[one.id].first - shift(series))
                if start < due[one.id]:
                    alike.setdefault((start, due[one.id], cast(str, rule.thin_every)), []).append(series)
        for (start, until, every), together in sorted(alike.items()):
            self._thin_days(together, every, edges(start, until, "1d", self._zone), tally)

    def _first(self, stream: Datastream, first: int) -> int:
        """The first day to thin: that of the first reading, or the one where thinning ended."""
        day = self._day(max(first, EARLIEST + 2 * DAY))
        return day if stream.thinned_until is None else max(day, stream.thinned_until)

    def _thin_days(self, series: Sequence[Series], every: str, days: Sequence[int], tally: Tally) -> None:
        """In the order of time, so that how far it came is one moment; halved until few enough are read at once.

        Datastreams are parted before days: a swap costs about the same for a month as for a day.
        """
        found = count(self._store, series, days[0], days[-1])
        if found > self._rows and len(series) > 1:
            middle = len(series) // 2
            self._thin_days(series[:middle], every, days, tally)
            self._thin_days(series[middle:], every, days, tally)
        elif found > self._rows and len(days) > 2:
            middle = len(days) // 2
            self._thin_days(series, every, days[: middle + 1], tally)
            self._thin_days(series, every, days[middle:], tally)
        else:
            self._thin_read(series, every, days[0], days[-1], found, tally)

    def _thin_read(self, series: Sequence[Series], every: str, start: int, end: int, found: int, tally: Tally) -> None:
        left = [one for one in series if one.datastream not in tally.overtaken]
        versions = {one.datastream: self._store.version([one.datastream]) for one in left}
        rows = self._store.read(Read(left, start, end)) if found and left else READINGS.empty_table()
        whose = rows["datastream"].to_numpy()
        for one in left:
            low, high = np.searchsorted(whose, [one.datastream, one.datastream + 1]).tolist()
            try:
                self._thin_one(one, every, start, end, (rows.slice(low, high - low), versions[one.datastream]), tally)
            except Conflict:  # somebody writes into it all the time
                log.warning("retention_overtaken", datastream=one.datastream, tries=TRIES)
                tally.overtaken.add(one.datastream)
            else:
                tally.reached[one.datastream] = end, every

    def _thin_one(
        self, series: Series, every: str, start: int, end: int, seen: tuple[pa.Table, int], tally: Tally
    ) -> None:
        """``seen`` are its rows, and its version before they were read. Raises ``Conflict`` after ``TRIES``."""
        one, back = series.datastream, shift(series)
        marks = edges(start, end, every, self._zone)
        rows, version = seen
        for attempt in range(TRIES):
            stay = thin(rows, marks, series.kind, series.label)
            if stay.num_rows == rows.num_rows:
                return
            try:
                self._paced(lambda: self._store.swap(one, start + back, end + back, stay, version))  # noqa: B023
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                version = self._store.version([one])
                rows = self._store.read(Read([series], start, end))
                continue
            tally.thinned += rows.num_rows
            tally.left += stay.num_rows
            tally.touched.add(one)
            return

    # around both

    def _paced(self, act: Callable[[], int]) -> int:
        """Do it, and rest for as long as it took. Raises ``_Stopped`` instead when the server stops."""
        if self._stopping.is_set():
            raise _Stopped
        begun = time.monotonic()
        done = act()
        self._stopping.wait(min(time.monotonic() - begun, LONGEST_REST_S))
        return done

    def _day(self, moment: int) -> int:
        """When the local day of a moment began."""
        return edges(moment, moment + 1, "1d", self._zone)[0]

    def _note(self, home: int, tally: Tally) -> None:
        if not tally.reached and not tally.touched:
            return
        now = self._clock.micros()
        with self._database.write() as session:
            _keep_reached(session, tally)
            if tally.deleted or tally.thinned:
                done = {"deleted": tally.deleted, "thinned": tally.thinned, "left": tally.left}
                detail = {**done, "datastreams": sorted(tally.touched)}
                audit.record(session, now, ANONYMOUS, "retention.run", "organisation", home, home, **detail)
        log.info("retention_run", organisation=home, deleted=tally.deleted, thinned=tally.thinned, left=tally.left)


_PARTS = (Datastream.retention, Datastream.thin_after)


def _keep_reached(session: Session, tally: Tally) -> None:
    query = select(Datastream).where(Datastream.id.in_(tally.reached)).order_by(Datastream.id).with_for_update()
    for stream in session.scalars(query):
        stream.thinned_until, stream.thinned_every = tally.reached[stream.id]
