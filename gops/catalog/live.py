"""Readings of published datasets go out on ``gops/live/v1/{dataset}/{datastream}`` once they are committed.

Which topics a Datastream has is a table, read from the records when a dataset changes. ``messages`` is pure. Ingest and
catalog do not know each other: ``compose`` hangs ``Live.after_commit`` on the store and gives it ingest's ``publish``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pyarrow as pa
from sqlalchemy import select

from gops import logs
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.states import PUBLIC
from gops.quality import WORDS
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors.exposure import COUNTS
from gops.sensors.model import Datastream
from gops.store.port import REPLACED, Receipt
from gops.timetext import write_times

TOPIC = "gops/live/v1/{dataset}/{datastream}"
UTC = ZoneInfo("UTC")
ROWS = 1000  # of one commit that go out, the last ones: a bulk import is no news, and answers to devices come first
KINDS = ("dataset.published", "dataset.changed", "dataset.withdrawn")
log = logs.get(__name__)

Publish = Callable[[str, bytes], bool]
"""``publish(topic, payload)``: queue a message; False when it was dropped. Must not wait."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where the readings of a Datastream go, and in which unit they are.

    ``topics`` with the moment (microseconds) from which on readings may go there, None for all, and the least amount
    that is shown there, 0 for all.
    """

    topics: tuple[tuple[str, int | None, int], ...]
    unit: str


Routes = Mapping[int, Route]


def messages(batch: pa.Table, receipt: Receipt, routes: Routes, most: int = ROWS) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of every row of ``store.port.READINGS`` that changed something and is public.

    Payload: ``{"time": ISO 8601 in UTC, "value": number, text or null, "unit": UCUM, "quality": word}``.
    """
    places = _news(batch, receipt, routes)[-most:]
    if not len(places):
        return
    fresh = batch.take(pa.array(places))
    times = write_times(fresh["t"].to_numpy(), UTC).to_pylist()
    columns = [fresh[name].to_pylist() for name in ("datastream", "value", "text", "quality")]
    moments = fresh["t"].to_pylist()
    for time, t, one, value, text, quality in zip(times, moments, *columns, strict=True):
        route = routes[one]
        shown = time.removesuffix("+00:00") + "Z"
        for topic, start, below in route.topics:
            if start is not None and t < start:
                continue
            told = (None if below and value is not None and value < below else value) if text is None else text
            body = {"time": shown, "value": told, "unit": route.unit, "quality": WORDS[quality]}
            yield topic, orjson.dumps(body)


def _news(batch: pa.Table, receipt: Receipt, routes: Routes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The places of rows that are public, and new or corrected as far as the store can tell."""
    datastreams = batch["datastream"].to_numpy()
    public = np.isin(datastreams, np.fromiter(routes, np.int64, len(routes)))
    if receipt.outcomes is not None:
        public &= receipt.outcomes.to_numpy() <= REPLACED
    return np.flatnonzero(public)


class Live:
    """``start`` reads the table; ``handlers`` belong into the event pump; ``publish`` may come later than the rest."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._routes: Routes = {}
        self.publish: Publish = lambda _topic, _payload: False
        self.handlers: Mapping[str, tuple[Callable[[Event], None], ...]] = dict.fromkeys(KINDS, (self._changed,))

    def start(self) -> None:
        self._routes = self._read()

    def after_commit(self, batch: pa.Table, receipt: Receipt) -> None:
        """Send what is public of a commit."""
        routes = self._routes
        if not routes:
            return
        dropped = sum(not self.publish(topic, payload) for topic, payload in messages(batch, receipt, routes))
        if dropped:
            log.debug("live_dropped", messages=dropped)

    def _changed(self, _event: Event) -> None:
        """Until the records can be read nothing goes out: what was withdrawn must not."""
        self._routes = {}
        self._routes = self._read()

    def _read(self) -> Routes:
        columns = select(
            *(DatasetDatastream.datastream_id, Dataset.slug, Dataset.start, Dataset.suppress_below),
            *(Datastream.unit, Datastream.kind, Datastream.label),
        )
        query = columns.join_from(DatasetDatastream, Dataset).join(Datastream)
        live = query.where(Dataset.state.in_(PUBLIC), Dataset.delay == 0)  # what comes late is not live
        topics: dict[int, list[tuple[str, int | None, int]]] = {}
        units: dict[int, str] = {}
        with self._database.read() as session:
            for one, slug, start, below, unit, kind, label in session.execute(live.order_by(Dataset.id)):
                first = start + 1 if start is not None and label == "end" else start
                least = (below or 0) if kind in COUNTS else 0
                topics.setdefault(one, []).append((TOPIC.format(dataset=slug, datastream=one), first, least))
                units[one] = unit
        return {one: Route(tuple(names), units[one]) for one, names in topics.items()}
