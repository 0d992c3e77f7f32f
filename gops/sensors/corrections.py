"""Corrections: the owner deletes readings of a range, or gives them another quality.

A range is that of a read: ``[start, end)``, and ``(start, end]`` for label ``end``; so a read of the same range shows
the rows that are meant. What is asked is audited before the store is touched, what was done after it: a correction
that was cut short is seen. Datastreams of label ``end`` and others are corrected in one commit each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.clock import Clock, from_micros
from gops.errors import Invalid, TooLarge, Unsupported
from gops.permissions import Actor, missing, require
from gops.quality import ANY, Quality
from gops.records import audit, events
from gops.records.database import Database
from gops.sensors import texts
from gops.sensors.datastreams import series_of
from gops.sensors.model import Datastream
from gops.sensors.spans import count, shift
from gops.sensors.visibility import among, visible
from gops.settings import Settings
from gops.store.port import Read, Series, Store


@dataclass(frozen=True)
class Corrected:
    """``rows`` were removed or changed; with ``dry_run`` they would be. Microseconds."""

    datastreams: tuple[int, ...]
    start: int
    end: int
    rows: int
    dry_run: bool


Act = Callable[[Sequence[int], int, int], int]
"""Datastreams and a range ``start <= t < end``; how many rows it touched."""


class Corrections:
    """Raises ``Unsupported`` (``deletes_range``) where the store can't, ``NotFound``, ``Unauthenticated`` and
    ``Forbidden`` by who asks, ``Invalid`` for an empty range or no reason, and ``TooLarge`` above the settings
    correction_datastreams and correction_rows."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, store: Store) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store

    def delete(
        self, actor: Actor, datastreams: Sequence[int], start: int, end: int, reason: str, *, dry_run: bool = False
    ) -> Corrected:
        """Remove the readings of a range, of every quality."""
        series = self._checked(actor, datastreams, start, end)
        said = {"reason": texts.reason(reason)}
        found = self._count(series, start, end)
        return self._do(actor, "observation.delete", series, (start, end), found, self._store.delete, said, dry_run)

    def requalify(
        self,
        actor: Actor,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        reason: str,
        *,
        only: frozenset[Quality] = ANY,
        dry_run: bool = False,
    ) -> Corrected:
        """Give the readings of a range whose quality is in ``only`` another quality.

        A reading without a value is left as it is when ``quality`` is good or estimated. Raises ``Invalid``
        (``bad_quality``) for missing.
        """
        series = self._checked(actor, datastreams, start, end)
        _refuse_missing(quality)
        said = {
            "reason": texts.reason(reason),
            "quality": quality.name,
            "only": [one.name for one in sorted(only)] if only != ANY else "any",
        }
        self._count(series, start, end)
        found = self._count_requalified(series, start, end, quality, only)

        def act(ids: Sequence[int], low: int, high: int) -> int:
            return self._store.requalify(ids, low, high, quality, only)

        return self._do(actor, "observation.requalify", series, (start, end), found, act, said, dry_run)

    def _checked(self, actor: Actor, ids: Sequence[int], start: int, end: int) -> list[Series]:
        if not self._store.capabilities.deletes_range:
            raise Unsupported(
                "this store keeps readings as they came: it lacks deletes_range",
                field="deletes_range",
                expected="a store that has the capability deletes_range",
            )
        wanted = sorted(set(ids))
        most = self._settings.correction_datastreams
        if len(wanted) > most:
            raise TooLarge(
                f"one correction is of at most {most} Datastreams",
                field="datastream",
                found=len(wanted),
                expected=f"at most {most} (GOPS_CORRECTION_DATASTREAMS)",
            )
        with self._database.read() as session:
            found = _correctable(session, actor, wanted)
        if start >= end:
            raise Invalid(
                "the range is empty", code="bad_range", field="from", found=start, expected="from earlier than to"
            )
        return [series_of(one) for one in found]

    def _count(self, series: Sequence[Series], start: int, end: int) -> int:
        """Rows of the range. Raises ``TooLarge`` above the setting correction_rows."""
        counted = count(self._store, series, start, end)
        most = self._settings.correction_rows
        if counted > most:
            raise TooLarge(
                f"the range has {counted} readings; one correction is of at most {most}",
                field="from",
                found=counted,
                expected=f"at most {most} readings (GOPS_CORRECTION_ROWS): a shorter range or fewer Datastreams",
            )
        return counted

    def _count_requalified(
        self, series: Sequence[Series], start: int, end: int, quality: Quality, only: frozenset[Quality]
    ) -> int:
        """Rows that ``Store.requalify`` would change."""
        touched = only - {quality}
        if not touched:
            return 0
        batches = self._store.stream(Read(series, start, end, touched))
        needs_value = quality <= Quality.estimated
        return sum(_with_value(batch) if needs_value else batch.num_rows for batch in batches)

    def _do(
        self,
        actor: Actor,
        action: str,
        series: Sequence[Series],
        span: tuple[int, int],
        found: int,
        act: Act,
        said: dict[str, Any],
        dry_run: bool,
    ) -> Corrected:
        ids = tuple(one.datastream for one in series)
        start, end = span
        if dry_run or not found:
            return Corrected(ids, start, end, found, dry_run)
        times = {"from": from_micros(start).isoformat(), "to": from_micros(end).isoformat()}
        self._note(actor, action, ids, {**times, **said, "rows": found})
        done = 0
        for back in (0, 1):
            alike = [one.datastream for one in series if shift(one) == back]
            done += act(alike, start + back, end + back) if alike else 0
        self._note(actor, f"{action}.done", ids, {**times, "rows": done}, tell=True)
        return Corrected(ids, start, end, done, dry_run)

    def _note(
        self, actor: Actor, action: str, ids: Sequence[int], detail: dict[str, Any], *, tell: bool = False
    ) -> None:
        now, one = self._clock.micros(), ids[0] if len(ids) == 1 else None
        named = detail if one is not None else {"datastreams": list(ids), **detail}
        with self._database.write() as session:
            home = session.get_one(Datastream, ids[0]).organisation_id
            audit.record(session, now, actor, action, "datastream", one, home, **named)
            for datastream in ids if tell else ():
                events.append(session, now, "observation.corrected", datastream=datastream)


def _refuse_missing(quality: Quality) -> None:
    """As ``Store.requalify`` does, before anything is counted or audited."""
    if quality is Quality.missing:
        raise Invalid(
            "readings can't be declared missing; delete them",
            code="bad_quality",
            field="quality",
            found=quality.name,
            expected=", ".join(one.name for one in Quality if one is not Quality.missing),
        )


def _correctable(session: Session, actor: Actor, ids: Sequence[int]) -> list[Datastream]:
    """These Datastreams, ended or not, where ``actor`` may correct readings."""
    query = select(Datastream).where(among(Datastream, ids), visible(Datastream, actor, "observation.correct"))
    found = {row.id: row for row in session.scalars(query)}
    for one in ids:
        if one not in found:
            error = missing("datastream")
            error.found = one
            raise error
        require(actor, "observation.correct", found[one].organisation_id)
    return [found[one] for one in ids]


def _with_value(batch: pa.RecordBatch) -> int:
    """Rows that have a number or a text."""
    has = pc.or_(pc.is_valid(batch["value"]), pc.is_valid(batch["text"]))
    return cast(int, pc.sum(has).as_py() or 0)
