"""Rows of pushes and of pulled pages that were refused, read once more by what is declared now. Writes nothing."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from gops.accounts.model import Organisation
from gops.errors import Invalid, Malformed
from gops.ingest.feeds import kept_rows as pulled_rows
from gops.ingest.feeds import stations
from gops.ingest.feeds.adapters import ADAPTERS
from gops.ingest.feeds.answers import Page
from gops.ingest.feeds.model import Feed
from gops.ingest.mapping import Limits, resolve, to_table
from gops.ingest.push import kept_rows as pushed_rows
from gops.ingest.push.formats import READERS
from gops.ingest.push.settle import EMPTY, settle
from gops.ingest.push.targets import Routes, Targets
from gops.ingest.refused import Refused
from gops.records.database import Database
from gops.sensors.retention import Rule, inherited
from gops.settings import Settings


@dataclass(slots=True)
class RowAnew:
    """What a row comes to: readings (``store.port.READINGS``), and what is refused of it."""

    table: pa.Table = field(default_factory=lambda: EMPTY)
    refusals: list[Refused] = field(default_factory=list)


class Rows:
    """Of one organisation, as its registry is when this is made."""

    def __init__(
        self, database: Database, settings: Settings, routes: Routes, limits: Limits, organisation_id: int
    ) -> None:
        self._database = database
        self._settings = settings
        self._routes = routes
        self._limits = limits
        self._organisation_id = organisation_id

    @cached_property
    def _targets(self) -> Targets:
        return Targets(self._database, self._settings, self._routes, self._organisation_id)

    @cached_property
    def _slug(self) -> str:
        with self._database.read() as session:
            return session.get_one(Organisation, self._organisation_id).slug

    @cached_property
    def _default(self) -> Rule:
        with self._database.read() as session:
            return inherited(session, Rule.of(self._settings), self._organisation_id)

    def pushed(self, topic: str, raw: bytes, arrival: int) -> RowAnew | None:
        """None where the row is not at hand. Raises ``Unavailable``."""
        how = pushed_rows.how_read(topic)
        if how is None or not raw:
            return None
        try:
            pieces = list(READERS[how.format](io.BytesIO(raw), how.reading, how.device, len(raw)))
        except (Invalid, Malformed):  # it was kept by another version
            return None
        made = RowAnew()
        for piece in pieces:
            settled = settle(piece, self._targets, arrival, self._limits)
            made.table = pa.concat_tables([made.table, settled.table])
            made.refusals += settled.refusals
        return made

    def pulled(self, feed: Feed, topic: str, raw: bytes, arrival: int) -> RowAnew | None:
        """None where the row is not at hand, or the feed no longer asks what it was an answer to."""
        kept = pulled_rows.read(topic, raw)
        if kept is None:
            return None
        try:
            source = ADAPTERS[feed.adapter].open(feed.config)
            sample = source.sample(Page((kept.row,), 1, made=kept.made), kept.query, arrival)
        except (Invalid, StopIteration):  # the feed asks otherwise by now
            return None
        with self._database.read() as session:
            registered = stations.look_up(session, feed, sample)
        to = stations.route(feed, self._slug, registered, source.measured, self._default)
        decoded, _silent = stations.told(sample.decoded, to)
        readings: Any = resolve(decoded, to, arrival, self._limits)
        return RowAnew(to_table([readings]), readings.refusals)
