"""Who stands behind a topic: remembered, bounded, and forgotten when an event says that it changed.

A topic is parsed and its device looked up once; after that a message costs one look into a dictionary.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from gops.accounts.lookup import find_device, find_organisation
from gops.ingest import topics
from gops.ingest.declared.routes import FeedRoute
from gops.ingest.decoders import DECODERS
from gops.ingest.refused import Refused, shown
from gops.ingest.routes import routes_of
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors.retention import KEPT, Rule
from gops.sensors.routes import DeviceRoute

WORTH_IT = 10  # unknown devices in a batch from which on they are looked up together


@dataclass(frozen=True, slots=True)
class Source:
    """Where messages of one topic come from. ``codec`` is None on a status topic.

    ``feed`` is the declared feed that the topic belongs to: then its codec and mapping hold, not the device's. Without
    a ``route``, or the feed of another broker, everything from it is refused as ``refused`` says. ``organisation_id``
    is whose the address is, None where the topic names no organisation.
    """

    address: str
    codec: str | None
    route: DeviceRoute | None
    refused: Refused | None = None
    organisation_id: int | None = None
    feed: FeedRoute | None = None

    @property
    def is_read(self) -> bool:
        """Does it bring readings, and not statuses or what is refused unread?"""
        return self.refused is None and (self.feed is not None or (self.codec is not None and self.route is not None))


class Feeds(Protocol):
    """What is asked of ``declared.routes.FeedRoutes``."""

    def match(self, organisation_id: int, topic: str) -> FeedRoute | None: ...


class Speakers(Protocol):
    """What the pipeline asks of ``Sources``, or of the one feed of another broker."""

    def get(self, topic: str) -> Source: ...

    def load(self, wanted: Iterable[str]) -> None: ...


Route = Callable[[str], DeviceRoute | None]
"""The route of the device at an address, None for a device that has none."""


class Sources:
    """At most ``size`` topics are remembered. ``handlers`` belong into the event pump.

    ``platform`` is the platform's retention.
    """

    def __init__(
        self, database: Database, route: Route, size: int, platform: Rule = KEPT, feeds: Feeds | None = None
    ) -> None:
        self._database = database
        self._feeds = feeds
        self._route = route
        self._size = size
        self._platform = platform
        self._by_topic: OrderedDict[str, Source] = OrderedDict()  # of devices that have a route
        self._refused: OrderedDict[str, Source] = OrderedDict()  # by address; of those that have none
        self._topics_of: dict[int, set[str]] = {}  # device id -> its topics
        self._routes: dict[str, DeviceRoute] = {}  # by address; of those that have topics
        self._devices_of: dict[int, set[int]] = {}  # Datastream id -> the devices that write it
        self._changes = 0
        self._lock = threading.Lock()
        self.handlers: dict[str, tuple[Callable[[Event], None], ...]] = {
            "device.registered": (self._device_appeared,),
            "device.revoked": (self._device_changed,),
            "device.secret_changed": (self._device_changed, self._device_appeared),
            "mapping.changed": (self._device_changed,),
            "datastream.changed": (self._datastream_changed,),
            "organisation.changed": (self._everything_changed,),
            "feed.changed": (self._feed_changed,),
        }

    def __len__(self) -> int:
        return len(self._by_topic) + len(self._refused)

    def get(self, topic: str) -> Source:
        """Who publishes on ``topic``. Raises ``Unavailable`` when the records cannot say."""
        found = self._by_topic.get(topic)
        if found is not None:
            return found
        up = topics.parse_up(topic)
        address = up.address if up else topics.parse_status(topic)
        if address is None:
            note = f"found {shown(topic)}; expected {topics.up('{org}/{device}', '{codec}')} or /status"
            return Source("", None, None, Refused("foreign_topic", None, "", note))
        if up and up.codec not in DECODERS:  # not remembered: a device could think of any number of them
            source = self.get(topics.up(address))
            return replace(source, codec=up.codec, feed=self._feed_of(source.route, topic))
        refused = self._refused.get(address)
        if refused is not None:
            return replace(refused, codec=up.codec if up else None)
        return self._load(topic, address, up.codec if up else None)

    def load(self, wanted: Iterable[str]) -> None:
        """Look up the devices of many topics at once; what is not found so is asked for one by one later."""
        unknown = {topic: up for topic in wanted if topic not in self._by_topic and (up := topics.parse_up(topic))}
        if len(unknown) < WORTH_IT:
            return
        with self._lock:
            changes = self._changes
            routes = {up.address: self._routes[up.address] for up in unknown.values() if up.address in self._routes}
        addresses = {up.address for up in unknown.values()} - self._refused.keys() - routes.keys()
        if addresses:
            routes |= routes_of(self._database, addresses, self._platform)
        found = {
            topic: self._of_route(topic, up.address, up.codec, routes[up.address])
            for topic, up in unknown.items()
            if up.address in routes and up.codec in DECODERS
        }
        with self._lock:
            if changes == self._changes:
                for topic, source in found.items():
                    self._remember(topic, source)
        feeds = {source.feed for source in found.values() if source.feed is not None}
        for feed in feeds:
            feed.prepare(topic for topic, source in found.items() if source.feed is feed)

    def _load(self, topic: str, address: str, codec: str | None) -> Source:
        with self._lock:
            changes = self._changes
            route = self._routes.get(address)  # by another topic of the device
        source = self._look_up(topic, address, codec) if route is None else self._of_route(topic, address, codec, route)
        with self._lock:
            if changes == self._changes:  # else what was read may be old already
                self._remember(topic, source)
        return source

    def _look_up(self, topic: str, address: str, codec: str | None) -> Source:
        route = self._route(address)
        if route is not None:
            return self._of_route(topic, address, codec, route)
        with self._database.read() as session:
            found = find_device(session, address)
            home = found[1] if found else find_organisation(session, address.partition("/")[0])
        revoked = found is not None and found[0].revoked_at is not None
        code = "revoked_device" if revoked else "unknown_device"
        note = f"{address} was revoked; it may write no more" if revoked else f"no device is registered as {address}"
        return Source(address, codec, None, Refused(code, None, "", note), home.id if home else None)

    def _of_route(self, topic: str, address: str, codec: str | None, route: DeviceRoute) -> Source:
        feed = None if codec is None else self._feed_of(route, topic)
        return Source(address, codec, route, None, route.organisation_id, feed)

    def _feed_of(self, route: DeviceRoute | None, topic: str) -> FeedRoute | None:
        """The declared feed of the device's own organisation that reads ``topic``."""
        return None if route is None or self._feeds is None else self._feeds.match(route.organisation_id, topic)

    def _remember(self, topic: str, source: Source) -> None:
        if source.route is None:
            while len(self._refused) >= self._size:
                self._refused.popitem(last=False)
            self._refused[source.address] = source
            return
        while len(self._by_topic) >= self._size:
            self._drop(next(iter(self._by_topic)))
        self._by_topic[topic] = source
        self._routes[source.address] = source.route
        device = source.route.device_id
        self._topics_of.setdefault(device, set()).add(topic)
        for target in source.route.fields.values():
            self._devices_of.setdefault(target.datastream, set()).add(device)

    def _device_appeared(self, _event: Event) -> None:
        with self._lock:
            self._changes += 1
            self._refused.clear()

    def _device_changed(self, event: Event) -> None:
        with self._lock:
            self._changes += 1
            self._forget_device(event.payload["device"])

    def _datastream_changed(self, event: Event) -> None:
        with self._lock:
            self._changes += 1
            for device in list(self._devices_of.get(event.payload["datastream"], ())):
                self._forget_device(device)

    def _everything_changed(self, _event: Event) -> None:
        with self._lock:
            self._changes += 1
            for remembered in (self._by_topic, self._refused, self._routes, self._topics_of, self._devices_of):
                remembered.clear()

    def _feed_changed(self, event: Event) -> None:
        with self._lock:
            self._changes += 1
            for topic, source in list(self._by_topic.items()):
                if source.organisation_id == event.payload.get("organisation", source.organisation_id):
                    self._drop(topic)

    def _forget_device(self, device: int) -> None:
        for topic in list(self._topics_of.get(device, ())):
            self._drop(topic)

    def _drop(self, topic: str) -> None:
        """Forget a topic, and what only it led to."""
        source = self._by_topic.pop(topic)
        route = source.route
        if route is None:
            return
        own = self._topics_of[route.device_id]
        own.discard(topic)
        if all(self._by_topic[other].address != source.address for other in own):
            self._routes.pop(source.address, None)
        if own:
            return
        del self._topics_of[route.device_id]
        for target in route.fields.values():
            writers = self._devices_of.get(target.datastream, set())
            writers.discard(route.device_id)
            if not writers:
                self._devices_of.pop(target.datastream, None)
