"""From the words of a request to a question to the store: which Datastreams, which range, which windows."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gops.api.context import actor, services, settings
from gops.api.services import Services
from gops.catalog.exposed import exposed, moment
from gops.clock import MINUTE
from gops.durations import parse_duration
from gops.errors import Invalid, TooLarge
from gops.kinds import Kind, check_aggregates
from gops.quality import ANY, GOOD_ONLY, Quality
from gops.sensors.exposure import Exposure
from gops.store.port import Extent, Read, Series, Store, Windows
from gops.windows import EARLIEST, check_count, edges

_PROCESS = secrets.token_hex(8)  # a store that forgets at its end counts its versions anew


@dataclass(frozen=True)
class Question:
    """What a request asks of readings. Moments in microseconds; None: as far as there are readings."""

    datastreams: Sequence[Any]
    zone: ZoneInfo
    start: int | None
    end: int | None
    quality: frozenset[Quality] | None
    descending: bool = False

    @property
    def series(self) -> list[Series]:
        return [series_of(one) for one in self.datastreams]

    @property
    def ids(self) -> list[int]:
        return [one.id for one in self.datastreams]

    @cached_property
    def exposures(self) -> dict[int, Exposure]:
        """How much of each whoever asks sees."""
        return {one.id: Exposure.of(one) for one in self.datastreams}

    @cached_property
    def now(self) -> int:
        now: int = services().clock.micros()
        return now

    @cached_property
    def store(self) -> Store:
        """The store as whoever asks sees it."""
        return exposed(services().store, self.exposures, self.now)

    def facts(self) -> list[tuple[Any, ...]]:
        """See ``facts_of``."""
        return facts_of(self.datastreams, self.now)


def facts_of(datastreams: Sequence[Any], now: int) -> list[tuple[Any, ...]]:
    """What of the registry stands in an answer or decides it, and until when it is public; part of its ETag."""
    exposures = {one.id: Exposure.of(one) for one in datastreams}
    return [*(tuple(one) for one in datastreams), moment(exposures, now)]


def series_of(datastream: Any) -> Series:
    period = parse_duration(datastream.period) if datastream.period else None
    return Series(datastream.id, datastream.kind, datastream.label, period)


def question(ids: Sequence[int], query: Mapping[str, Any]) -> Question:
    """Raises ``NotFound`` for a Datastream that is not there or not for who asks, ``TooLarge`` for too many."""
    refuse_too_many(ids)
    return Question(
        services().datastreams.known(actor(), ids),
        query["zone"],
        query["start"],
        query["end"],
        query.get("quality"),
        query.get("order") == "desc",
    )


def refuse_too_many(ids: Sequence[int]) -> None:
    most = settings().latest_max
    if len(ids) > most:
        raise TooLarge(
            f"one answer has at most {most} Datastreams",
            field="datastream",
            found=len(ids),
            expected=f"at most {most} (GOPS_LATEST_MAX)",
        )


def raw(asked: Question, limit: int | None, after: tuple[int, int] | None) -> Read:
    """The rows themselves; of every quality unless some are named."""
    return Read(
        series=asked.series,
        start=asked.start,
        end=asked.end,
        quality=ANY if asked.quality is None else asked.quality,
        limit=limit,
        after=after,
        descending=asked.descending,
    )


def windows(asked: Question, every: str, aggregates: Sequence[str], fill: bool, store: Store | None = None) -> Windows:
    """The aggregates; of no window where there is no reading and so no range.

    Windows are whole; at the ends of a range that was asked for only what lies in it is counted; of states, only what
    is past. ``store`` is where the readings are. Raises
    ``Invalid``: ``mixed_kinds``, ``unknown_aggregate``, ``aggregate_of_kind``, ``too_many_windows``.
    """
    wanted = check_aggregates(one_kind(asked.datastreams), aggregates)
    quality = GOOD_ONLY if asked.quality is None else asked.quality
    store = asked.store if store is None else store
    span = _span(asked, store)
    if span is None:
        return Windows(asked.series, (0, 1), wanted, quality, start=0, end=0)
    check_count(*span, every, len(asked.datastreams), settings().windows_max)
    marks = edges(*span, every, asked.zone)
    known = known_until(asked, store)
    end = asked.end if known is None else min(known, marks[-1] if asked.end is None else asked.end)
    return Windows(asked.series, marks, wanted, quality, fill, asked.start, end)


def known_until(asked: Question, store: Store | None = None) -> int | None:
    """Until when it is known which state holds; None for other kinds. Microseconds.

    A state holds until the next reading, but not into the future: that ends with the last whole minute, so that an
    answer stays the same for as long, or with the newest reading.
    """
    if all(one.kind != "state" for one in asked.datastreams):
        return None
    now = services().clock.micros()
    store = asked.store if store is None else store
    newest = (one.last + 1 for one in store.extent(asked.ids).values())
    return max([now - now % MINUTE, *newest])


def one_kind(datastreams: Sequence[Any]) -> Kind:
    """Of Datastreams that are aggregated together. Raises ``Invalid`` (``mixed_kinds``)."""
    kinds = sorted({one.kind for one in datastreams})
    if len(kinds) > 1:
        raise Invalid(
            "windows of Datastreams of different kinds have no common columns",
            code="mixed_kinds",
            field="datastream",
            found=", ".join(kinds),
            expected="Datastreams of one kind",
        )
    return kinds[0]


def _span(asked: Question, store: Store) -> tuple[int, int] | None:
    """The range asked for, open ends taken from the readings; None for an empty one."""
    start, end = asked.start, asked.end
    if start is None or end is None:
        extents: Mapping[int, Extent] = store.extent(asked.ids)
        if not extents:
            return None
        back = {one.datastream: 1 if one.label == "end" else 0 for one in asked.series}  # (from, to] as [from, to)
        start = min(one.first - back[ds] for ds, one in extents.items()) if start is None else start
        end = max(one.last - back[ds] for ds, one in extents.items()) + 1 if end is None else end
    return (start, end) if start < end else None


def measured(asked: Question, table: pa.Table) -> pa.Table:
    """An aggregate without coverage where readings were thinned: what share of them there was is not known any more."""
    thinned = {one.id: one.thinned_until for one in asked.datastreams if one.thinned_until is not None}
    if not thinned or not table.num_rows:
        return table
    until = pa.array([thinned.get(one, EARLIEST) for one in table["datastream"].to_pylist()], pa.int64())
    coverage = pc.if_else(pc.less(table["start"], until), pa.scalar(None, pa.float64()), table["coverage"])
    return table.set_column(table.schema.get_field_index("coverage"), "coverage", coverage)


def behind(table: pa.Table, after: tuple[int, int] | None) -> pa.Table:
    """The rows of an aggregate behind (datastream, start)."""
    if after is None:
        return table
    datastreams, starts = table["datastream"].to_numpy(), table["start"].to_numpy()
    return table.filter(pa.array((datastreams > after[0]) | ((datastreams == after[0]) & (starts > after[1]))))


def life(of: Services | None = None) -> str:
    """What tells versions of one life of the store from those of another: of the process, or until a restore."""
    of = services() if of is None else of
    return of.life if of.store.capabilities.durable else _PROCESS


def count_rows(store: Store, wanted: Read, enough: int) -> int:
    """A bound of the rows of any quality in a range; counts only where there may be more than ``enough``."""
    extents = store.extent([one.datastream for one in wanted.series])
    bound = sum(one.rows for one in extents.values())
    if bound <= enough:
        return bound
    low = min(one.first for one in extents.values()) - 1 if wanted.start is None else wanted.start
    high = max(one.last for one in extents.values()) + 1 if wanted.end is None else wanted.end
    if low >= high:
        return 0
    counted = 0
    for kind in {one.kind for one in wanted.series}:
        some = [one for one in wanted.series if one.kind == kind]
        counted += sum(store.aggregate(Windows(some, [low, high], (), ANY))["count"].to_pylist())
    return counted
