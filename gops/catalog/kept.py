"""What a dataset says of how long its readings are kept, and of what was thinned in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from gops.catalog.facts import Bilingual
from gops.catalog.model import DatasetDatastream
from gops.clock import from_micros
from gops.durations import write_duration
from gops.kinds import Kind
from gops.sensors.model import Datastream
from gops.sensors.retention import STEPS, Rule, Said, inherited


@dataclass(frozen=True, slots=True)
class Kept:
    """Of the Datastreams of a dataset the shortest durations (ISO 8601), the longest steps and the latest moment
    (microseconds); None: all are kept for ever, none is thinned, none was."""

    retention: str | None = None
    thin_after: str | None = None
    thin_every: str | None = None
    thinned_until: int | None = None
    thinned_every: str | None = None


def kept(session: Session, platform: Rule, datasets: Sequence[int]) -> dict[int, Kept]:
    """Of each of these datasets. ``platform`` is the platform's rule."""
    rows: dict[int, list[Any]] = {one: [] for one in datasets}
    for row in session.execute(_rules(), {"ids": list(datasets)}):
        rows[row.dataset_id].append(row)
    homes = {row.organisation_id for found in rows.values() for row in found}
    defaults = {home: inherited(session, platform, home) for home in homes}
    return {one: _together(found, defaults) for one, found in rows.items()}


@cache
def _rules() -> Select[*tuple[Any, ...]]:
    """Made once: to build it takes as long as to execute it."""
    alike = (
        *(Datastream.organisation_id, Datastream.kind, Datastream.period),
        *(Datastream.retention, Datastream.thin_after, Datastream.thin_every, Datastream.thinned_every),
    )
    columns = select(DatasetDatastream.dataset_id, *alike, func.max(Datastream.thinned_until).label("thinned_until"))
    query = columns.join_from(DatasetDatastream, Datastream).where(
        DatasetDatastream.dataset_id.in_(bindparam("ids", expanding=True))
    )
    return query.group_by(DatasetDatastream.dataset_id, *alike)


def _together(rows: Sequence[Any], defaults: dict[int, Rule]) -> Kept:
    rules = [(row, defaults[row.organisation_id].under(Said.of(row))) for row in rows]
    thinning = [rule for row, rule in rules if rule.thins(cast(Kind, row.kind), row.period)]
    return Kept(
        _shortest([rule.retention for _row, rule in rules]),
        _shortest([rule.thin_after for rule in thinning]),
        _longest([rule.thin_every for rule in thinning]),
        max((row.thinned_until for row in rows if row.thinned_until is not None), default=None),
        _longest([row.thinned_every for row in rows]),
    )


def _shortest(lengths: Sequence[int | None]) -> str | None:
    least = min((length for length in lengths if length is not None), default=None)
    return None if least is None else write_duration(least)


def _longest(steps: Sequence[str | None]) -> str | None:
    return max((step for step in steps if step is not None), key=STEPS.__getitem__, default=None)


def statement(of: Kept, zone: ZoneInfo) -> Bilingual | None:
    """The same in words, for metadata that have no place for it; None where there is nothing to say."""
    ko, en = [], []
    if of.retention is not None:
        ko.append(f"측정값은 {of.retention} 동안 보존한 뒤 삭제합니다.")
        en.append(f"Readings are deleted when they are older than {of.retention}.")
    if of.thin_after is not None:
        ko.append(f"{of.thin_after}보다 오래된 측정값은 {of.thin_every} 간격으로 솎아 냅니다.")
        en.append(f"Readings older than {of.thin_after} are thinned to one every {of.thin_every}.")
    if of.thinned_until is not None:
        until = from_micros(of.thinned_until).astimezone(zone).isoformat()
        ko.append(f"{until} 이전의 측정값은 {of.thinned_every} 간격으로 솎아 냈습니다.")
        en.append(f"Readings before {until} were thinned to one every {of.thinned_every}.")
    return Bilingual(" ".join(ko), " ".join(en)) if en else None
