"""Declared feeds as ingest follows them: which feed a topic belongs to, and reading a message by it.

Remembered by organisation, and forgotten when an event says that a feed or the registry has changed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops import logs
from gops.accounts.model import Organisation
from gops.errors import Invalid
from gops.ingest.declared import filters
from gops.ingest.declared.declaration import Declaration, parse
from gops.ingest.declared.plan import Arranged, Found, Goal, Plan, arrange, settle
from gops.ingest.declared.targets import Owner, Targets
from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import decode
from gops.ingest.feeds.model import Feed
from gops.ingest.mapping import Limits, Readings, resolve
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors.routes import DeviceRoute, Target
from gops.settings import Settings

log = logs.get(__name__)
HEAD = 3  # levels of gops/v1/{organisation}: a changed slug changes no feed


@dataclass(slots=True)
class Traffic:
    """What came through a feed since this process started. Moments in microseconds."""

    messages: int = 0
    readings: int = 0
    last_message_at: int | None = None
    newest_t: int | None = None
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a message comes to, step by step. ``kept`` are the indexes in ``decoded`` of what is ``settled``."""

    decoded: Decoded
    arranged: Arranged
    found: Mapping[Goal, Found]
    settled: Decoded
    kept: list[int]
    route: DeviceRoute
    readings: Readings


class FeedRoute:
    """A feed of one revision, ready to read messages. ``levels`` are those of its filter."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        feed: Feed,
        organisation: str,
        declared: Declaration,
        traffic: Traffic,
    ) -> None:
        self.feed_id = feed.id
        self.slug = feed.slug
        self.revision = feed.revision
        self.organisation_id = feed.organisation_id
        self.codec = declared.codec.name
        self.levels = tuple(declared.source.filter.split("/"))
        self.traffic = traffic
        mapping = declared.mapping
        owner = Owner(feed.id or 0, feed.organisation_id, mapping.unknown_thing, mapping.unknown_field)
        self.targets = Targets(database, settings, owner)
        self._plan = Plan.of(declared)
        self._frame = Frame.of(settings, declared.zone, declared.codec.options)
        self._organisation = organisation

    def prepare(self, topics: Iterable[str]) -> None:
        """Look up together what messages on these topics will ask for, where the topic says whose it is.

        Raises ``Unavailable``.
        """
        things = {name for topic in topics if (name := self._plan.thing_of(topic))}
        rules = {rule.field: rule for rule in self._plan.rules.values()}
        if things:
            self.targets.prepare(Goal(thing, name, rule) for thing in things for name, rule in rules.items())

    def decode(self, payload: bytes) -> Decoded:
        """Never raises."""
        return decode(self.codec, payload, self._frame)

    def resolve(self, decoded: Decoded, topic: str, arrival: int, limits: Limits) -> Readings:
        """The rows of a message and everything in it that was refused. Raises ``Unavailable``."""
        readings = self.trial(decoded, topic, arrival, limits, registers=True).readings
        traffic = self.traffic
        traffic.messages += 1
        traffic.readings += len(readings.t)
        traffic.last_message_at = arrival
        if readings.t:
            traffic.newest_t = max(traffic.newest_t or readings.t[0], *readings.t)
        for one in readings.refusals:
            traffic.refused[one.code] += 1
        return readings

    def trial(self, decoded: Decoded, topic: str, arrival: int, limits: Limits, *, registers: bool = False) -> Trial:
        """The same with what led to it; without ``registers`` nothing is written or counted."""
        arranged = arrange(decoded, self._plan, topic)
        goals = {goal for goal in arranged.goals if goal is not None}
        found = self.targets.find(goals, arrival, registers=registers)
        settled, kept = settle(decoded, arranged, self._plan, found)
        fields = {
            name: target
            for name, goal in zip(arranged.names, arranged.goals, strict=True)
            if goal is not None and isinstance(target := found[goal], Target)
        }
        address = f"{self._organisation}/{self.slug}"
        route = DeviceRoute(0, self.organisation_id, self._organisation, address, fields)
        return Trial(decoded, arranged, found, settled, kept, route, resolve(settled, route, arrival, limits))


def route_of(
    session: Session, database: Database, settings: Settings, feed: Feed, traffic: Traffic | None = None
) -> FeedRoute:
    """Of a feed whose messages come to GOPS."""
    slug = session.get_one(Organisation, feed.organisation_id).slug
    return FeedRoute(database, settings, feed, slug, stored(feed), traffic or Traffic())


def stored(feed: Feed) -> Declaration:
    """The declaration of a feed, as it was checked when it was made."""
    document = feed.declaration or {}
    levels = str(document.get("source", {}).get("filter", "")).split("/")
    return parse(document, levels[2] if len(levels) >= HEAD else "")


class FeedRoutes:
    """``match`` a topic. ``handlers`` belong into the event pump, before those of what remembers topics."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._by_organisation: dict[int, tuple[FeedRoute, ...]] = {}
        self._others: dict[int, FeedRoute] = {}  # those of other brokers
        self._changes = 0
        self._lock = threading.Lock()
        self.traffic: dict[int, Traffic] = {}
        self.handlers: dict[str, tuple[Callable[[Event], None], ...]] = {
            "feed.changed": (self._feed_changed,),
            "organisation.changed": (self._everything_changed,),
            "thing.changed": (self._thing_changed,),
            "datastream.changed": (self._datastream_changed,),
        }

    def match(self, organisation_id: int, topic: str) -> FeedRoute | None:
        """The feed of the organisation whose filter matches ``topic``. Raises ``Unavailable``."""
        below = tuple(topic.split("/")[HEAD:])
        for route in self._of(organisation_id):
            if filters.matches(route.levels[HEAD:], "/".join(below)):
                return route
        return None

    def of_broker(self, feed_id: int) -> FeedRoute | None:
        """An enabled feed of another broker. Raises ``Unavailable``."""
        found = self._others.get(feed_id)
        if found is not None:
            return found
        changes = self._changes
        with self._database.read() as session:
            feed = session.get(Feed, feed_id)
            if feed is None or feed.kind != "broker" or not feed.enabled:
                return None
            route = self._route(session, feed)
        if route is None:
            return None
        with self._lock:
            if changes == self._changes:
                self._others[feed_id] = route
        return route

    def _of(self, organisation_id: int) -> tuple[FeedRoute, ...]:
        found = self._by_organisation.get(organisation_id)
        if found is not None:
            return found
        changes = self._changes
        with self._database.read() as session:
            query = select(Feed).where(Feed.organisation_id == organisation_id, Feed.kind == "mqtt", Feed.enabled)
            feeds = session.scalars(query.order_by(Feed.id)).all()
            routes = tuple(route for feed in feeds if (route := self._route(session, feed)) is not None)
        with self._lock:
            if changes == self._changes:  # else what was read may be old already
                self._by_organisation[organisation_id] = routes
        return routes

    def _route(self, session: Session, feed: Feed) -> FeedRoute | None:
        """None for a declaration of an earlier version that this one cannot read: one feed must not stop the others."""
        try:
            return route_of(session, self._database, self._settings, feed, self._traffic(feed.id))
        except Invalid as error:
            log.error("feed_unreadable", feed=feed.slug, field=error.field, reason=error.message)
            return None

    def _traffic(self, feed_id: int) -> Traffic:
        return self.traffic.setdefault(feed_id, Traffic())

    def _all(self) -> list[FeedRoute]:
        return [route for routes in list(self._by_organisation.values()) for route in routes] + list(
            self._others.values()
        )

    def _feed_changed(self, event: Event) -> None:
        with self._lock:
            self._changes += 1
            self._by_organisation.pop(event.payload.get("organisation", 0), None)
            self._others.pop(event.payload["feed"], None)

    def _everything_changed(self, _event: Event) -> None:
        with self._lock:
            self._changes += 1
            self._by_organisation.clear()
            self._others.clear()

    def _thing_changed(self, event: Event) -> None:
        for route in self._all():
            route.targets.remembered.forget_thing(event.payload["thing"])

    def _datastream_changed(self, event: Event) -> None:
        for route in self._all():
            route.targets.remembered.forget_datastream(event.payload["datastream"])
