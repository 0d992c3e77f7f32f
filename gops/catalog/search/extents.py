"""What the search learns from the store: when the readings of a dataset begin and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from gops.catalog.harvest.stating import origins
from gops.catalog.model import HARVESTED, Dataset, DatasetDatastream
from gops.catalog.search.entries import Seen
from gops.clock import DAY, Clock
from gops.records.database import Database
from gops.store.port import Store


class Extents:
    """``seen``: a dataset whose last reading is younger than a day has no end, so that it is not behind until the next
    look; of a harvested one it is what its source says. ``start`` and ``delay`` of a dataset hold: nothing is said of
    readings that others do not see."""

    def __init__(self, database: Database, store: Store, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    def seen(self, ids: Sequence[int]) -> Mapping[int, Seen]:
        held = select(DatasetDatastream.dataset_id, DatasetDatastream.datastream_id)
        with self._database.read() as session:
            rows = session.execute(held.where(DatasetDatastream.dataset_id.in_(ids))).all()
            terms = {
                one: (start, delay)
                for one, start, delay in session.execute(
                    select(Dataset.id, Dataset.start, Dataset.delay).where(Dataset.id.in_(ids))
                )
            }
            harvested = select(Dataset).where(Dataset.id.in_(ids), Dataset.kind == HARVESTED)
            told = origins(session, session.scalars(harvested).all())
        extents = self._store.extent(sorted({datastream for _, datastream in rows}))
        found: dict[int, list[tuple[int, int]]] = {}
        for dataset, datastream in rows:
            if datastream in extents:
                found.setdefault(dataset, []).append((extents[datastream].first, extents[datastream].last))
        seen = {one: self._of(found.get(one, ()), *terms[one]) for one in terms}
        spans = {one: Seen(origin.first, origin.last) for one, (origin, _url) in told.items()}
        return seen | {one: span for one, span in spans.items() if span.first is not None}

    def _of(self, spans: Sequence[tuple[int, int]], start: int | None, delay: int) -> Seen:
        now = self._clock.micros()
        first = max([min(first for first, _ in spans), *([] if start is None else [start])]) if spans else None
        last = min(max(last for _, last in spans), now - delay) if spans else None
        if first is None or last is None or first > last:
            return Seen()
        return Seen(first, None if last > now - delay - DAY else last)
