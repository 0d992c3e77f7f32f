"""Saying the quality rules of a Datastream, looking at what they flagged, and trying rules on what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from gops.clock import Clock
from gops.errors import Invalid, TooLarge
from gops.ingest.model import QualityCount
from gops.ingest.rules.book import ruled
from gops.ingest.rules.counts import QualityCounts
from gops.ingest.rules.trial import Tried, try_on
from gops.kinds import Kind
from gops.permissions import Actor, require
from gops.records import audit
from gops.records.database import Database
from gops.sensors import texts
from gops.sensors.datastreams import series_of
from gops.sensors.ending import refuse_ended, tell
from gops.sensors.model import Datastream
from gops.sensors.quality_rules import APPLIES, OF_CLOCKS, QualityRules, check
from gops.sensors.spans import count
from gops.sensors.visibility import changeable, seen
from gops.settings import Settings
from gops.store.port import Store


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules of a Datastream as JSON, those that apply to its kind, and what was flagged, the newest day first."""

    rules: Mapping[str, Any]
    applies: tuple[str, ...]
    range_low: float | None
    range_high: float | None
    flagged: Sequence[QualityCount]

    @property
    def last(self) -> QualityCount | None:
        """That of the latest reading that was flagged."""
        return max(self.flagged, key=lambda one: one.last_t, default=None)


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules would have flagged. ``untried`` are those that look at when a reading came, which is not stored."""

    rules: Mapping[str, Any]
    untried: tuple[str, ...]
    tried: Tried


class QualityRuling:
    """Raises ``NotFound`` for what the actor does not see, ``Unauthenticated`` and ``Forbidden`` by who asks."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, store: Store, counts: QualityCounts
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store
        self._counts = counts

    def of(self, actor: Actor, datastream: int) -> Ruling:
        """For whoever sees the Datastream. Counts may be some seconds behind."""
        with self._database.read() as session:
            return self._shown(seen(session, Datastream, actor, datastream, "datastream"))

    def put(self, actor: Actor, datastream: int, rules: Mapping[str, Any]) -> Ruling:
        """Say the rules in place of those that stand; null and what is not given say nothing.

        What is stored already keeps its quality. Raises ``Invalid`` as ``quality_rules.check`` does, and ``Conflict``
        for a Datastream that has ended.
        """
        with self._database.write() as session:
            stream = changeable(session, Datastream, actor, datastream, "datastream")
            refuse_ended(stream)
            said = _checked(rules, stream).document() or None
            if said != stream.quality_rules:
                stream.quality_rules = said
                session.flush()
                now = self._clock.micros()
                home = stream.organisation_id
                audit.record(session, now, actor, "quality.put", "datastream", stream.id, home, rules=said or {})
                tell(session, now, [stream.id])
        return self._shown(stream)

    def attempt(
        self,
        actor: Actor,
        datastream: int,
        rules: Mapping[str, Any] | None,
        start: int,
        end: int,
        bounds: Mapping[str, float | None],
    ) -> Trial:
        """How many readings of a range these rules would have flagged; None: those that stand. Nothing is changed.

        The range in microseconds is that of a read. ``bounds`` may have another ``range_low`` and ``range_high``.
        Raises ``Invalid``, and ``TooLarge`` above the setting quality_try_rows.
        """
        with self._database.read() as session:
            stream = seen(session, Datastream, actor, datastream, "datastream")
            require(actor, "registry.change", stream.organisation_id)
        wanted = _checked(stream.quality_rules or {} if rules is None else rules, stream)
        if start >= end:
            raise Invalid(
                "the range is empty", code="bad_range", field="from", found=start, expected="from earlier than to"
            )
        low, high = (_bound(bounds.get(name, getattr(stream, name)), name) for name in ("range_low", "range_high"))
        series = series_of(stream)
        self._refuse_many(count(self._store, [series], start, end))
        tried = try_on(self._store, series, ruled(stream.kind, low, high, wanted.document()), start, end)
        document = wanted.document()
        return Trial(document, tuple(name for name in OF_CLOCKS if name in document), tried)

    def _shown(self, stream: Datastream) -> Ruling:
        applies = APPLIES[cast(Kind, stream.kind)]
        flagged = self._counts.of(stream.id)
        return Ruling(stream.quality_rules or {}, applies, stream.range_low, stream.range_high, flagged)

    def _refuse_many(self, rows: int) -> None:
        most = self._settings.quality_try_rows
        if rows > most:
            raise TooLarge(
                f"the range has {rows} readings; rules are tried on at most {most}",
                field="from",
                found=rows,
                expected=f"at most {most} readings (GOPS_QUALITY_TRY_ROWS): a shorter range",
            )


def _checked(rules: Mapping[str, Any], stream: Datastream) -> QualityRules:
    return check(rules, cast(Kind, stream.kind), stream.period)


def _bound(value: Any, name: str) -> float | None:
    return None if value is None else texts.number(value, name)


def by_rule(flagged: Sequence[QualityCount]) -> Mapping[str, int]:
    """Readings flagged by each rule on all days that are kept."""
    totals: Counter[str] = Counter()
    for one in flagged:
        totals[one.rule] += one.readings
    return totals
