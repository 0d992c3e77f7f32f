"""Declared feeds through real brokers: a gateway's topics, a network server's broker, changes in flight, strangers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from sqlalchemy import select

from gops.ingest.declared.links import FeedLinks
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.declared.service import FeedDeclarations, Watched
from gops.ingest.feeds.service import Feeds
from gops.ingest.mqtt import LinkHealth
from gops.ingest.service import Ingest
from gops.outbound import Outbound
from gops.records.database import Database
from gops.records.pump import EventPump
from gops.sensors.model import Datastream, ObservedProperty, Thing
from tests.live.mosquitto import INGEST_PASSWORD, Mosquitto, start_mosquitto
from tests.live.town import Town, TownDevice, town, until

pytestmark = pytest.mark.live

FIELDS = [{"field": "temperature", "aliases": ["temp"], "property": "temperature", "unit": "Cel"},
          {"field": "pm10", "property": "pm10"}]  # fmt: skip
UPLINK = {
    "end_device_ids": {"device_id": "node-1"},
    "uplink_message": {"decoded_payload": {"temperature": 21.5, "pm10": 41}},
}


class FeedTown:
    """A town whose ingest follows declared feeds, on ``own``; ``other`` is a broker that the operator approved."""

    def __init__(self, plain: Town, own: Mosquitto, other: Mosquitto) -> None:
        self.plain = plain
        self.other = other
        self.settings = replace(
            plain.settings,
            mqtt_url=own.url,
            feed_brokers=(f"mqtt://127.0.0.1:{other.port}",),
            outbound_allow=(ip_network("127.0.0.0/8"),),
        )
        plain.broker = own
        outbound, database = Outbound.of(self.settings), plain.database
        feeds = Feeds(database, plain.clock, self.settings, outbound)
        self.declared = FeedDeclarations(database, plain.clock, self.settings, outbound, feeds, Watched())
        self.start()

    def start(self) -> None:
        plain, settings = self.plain, self.settings
        self.routes = FeedRoutes(plain.database, settings)
        common: Any = (settings, plain.clock, plain.store, plain.database)
        self.ingest = Ingest(*common, plain.mappings.route, plain.refusals, plain.status, feeds=self.routes)
        self.links = FeedLinks(*common, self.routes, plain.refusals, Outbound.of(settings))
        self.declared.watched.link = self.links.health
        self.declared.watched.traffic = self.routes.traffic.get
        handlers: dict[str, Any] = {}
        for table in (self.routes.handlers, self.ingest.handlers, self.links.handlers):
            for kind, some in table.items():
                handlers[kind] = (*handlers.get(kind, ()), *some)
        self.pump = EventPump(plain.database, handlers, 100)
        self.pump.start()
        self.ingest.start()
        self.links.start()
        until(lambda: self.ingest.health().link.connected, "ingest is connected")

    def stop(self) -> None:
        self.links.stop()
        self.ingest.stop()
        self.pump.stop()

    def declare(self, slug: str, source: dict[str, Any], codec: str, **mapping: Any) -> None:
        rules = {"unknown_thing": "draft", "fields": FIELDS} | mapping
        plain = {"organisation": "city", "slug": slug, "name": slug, "source": source, "codec": {"name": codec}}
        self.declared.declare(self.plain.owner, plain | {"mapping": rules})

    def declare_broker(self, **source: Any) -> None:
        url = f"mqtt://127.0.0.1:{self.other.port}"
        login = {"username": "gops", "secret": INGEST_PASSWORD}
        self.declare("lora", {"kind": "broker", "url": url, "filter": "gops/v1/+/devices/up"} | login | source, "tts")

    def link(self) -> LinkHealth | None:
        return self.declared.health(self.plain.owner, "lora").link

    def values(self, thing: str, key: str = "temperature") -> list[float]:
        with self.plain.database.read() as session:
            query = select(Datastream.id).join(Thing, Thing.id == Datastream.thing_id).join(ObservedProperty)
            found = session.scalar(query.where(Thing.name == thing, ObservedProperty.key == key))
        return [] if found is None else self.plain.values(found)


@pytest.fixture
def place(settings: Any, database: Database, tmp_path: Path) -> Iterator[FeedTown]:
    with start_mosquitto(tmp_path / "own") as own, start_mosquitto(tmp_path / "other") as other:
        plain = town(settings.data, database)
        made = FeedTown(plain, own, other)
        yield made
        made.stop()
        plain.close()


@pytest.fixture
def speak(place: FeedTown) -> Iterator[Callable[[str, Any], None]]:
    """Publish to the other broker, QoS 1, as its device ``app``."""
    place.other.add_device("ttn/devices", "x")
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set("ttn/devices", "x")
    client.connect("127.0.0.1", place.other.port)
    client.loop_start()
    yield lambda topic, body: client.publish(topic, json.dumps(body), qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def pack(node: str, *values: float) -> bytes:
    return json.dumps(
        [{"bn": f"{node}:", "n": "temp", "u": "Cel", "t": -n, "v": v} for n, v in enumerate(values)]
    ).encode()


def test_a_gateway_of_the_own_organisation_brings_its_nodes_as_drafts(place: FeedTown) -> None:
    device = place.plain.add_device("gw-1", ["pm10"])
    client = place.plain.speak(device)
    client.publish(b'{"pm10": 7}')
    until(lambda: place.plain.values(device.streams["pm10"]) == [7.0], "the device's own mapping holds")
    place.declare("gateway", {"filter": "gops/v1/city/+/up/senml/#"}, "senml")
    until(
        lambda: place.routes.match(place.plain.owner.organisation_id or 0, "gops/v1/city/gw-1/up/senml"),
        "it is known",
        2,
    )
    client.publish(pack("node-7", 21.5, 21.0), "senml/floor-1")
    client.publish(pack("node-8", 19.0), "senml")
    until(lambda: place.values("node-7") and place.values("node-8"), "both nodes are there")
    assert (sorted(place.values("node-7")), place.values("node-8")) == ([21.0, 21.5], [19.0])
    client.publish(b'{"pm10": 8}')
    until(
        lambda: place.plain.values(device.streams["pm10"]) == [7.0, 8.0], "other topics stay with the device's mapping"
    )


def test_a_change_in_flight_holds_within_two_seconds_and_refusals_name_the_revision(place: FeedTown) -> None:
    place.declare("gateway", {"filter": "gops/v1/city/+/up"}, "senml")
    client = place.plain.speak(place.plain.add_device("gw-1"))
    client.publish(pack("node-7", 1.0))
    until(lambda: place.values("node-7") == [1.0], "it is read by revision 1")
    rows = [{"field": "hum", "property": "pm10"}]
    place.declared.edit(place.plain.owner, "gateway", {"mapping": {"unknown_thing": "draft", "fields": rows}})

    def revision() -> int | None:
        client.publish(pack("node-7", 2.0))
        client.flush()
        owner = place.plain.owner
        kept = place.plain.refusals.list(owner, owner.organisation_id or 0, code="unknown_field")
        return kept[0].revision if kept else None

    assert until(revision, "revision 2 refuses", 2.0) == 2
    owner = place.plain.owner
    (kept, *_more) = place.plain.refusals.list(owner, owner.organisation_id or 0)
    assert (kept.feed, kept.device, kept.field) == ("gateway", "city/gw-1", "node-7:temp")


def test_no_feed_catches_another_organisations_topics(place: FeedTown) -> None:
    place.declare("gateway", {"filter": "gops/v1/city/+/up/#"}, "senml")
    _stranger, secret = place.plain.devices.register(place.plain.stranger, "elsewhere", "gw-1")
    place.plain.broker.add_device("elsewhere/gw-1", secret)  # type: ignore[union-attr]
    client = place.plain.speak(TownDevice("elsewhere/gw-1", secret, {}))
    client.publish(pack("node-7", 1.0), "senml")
    client.flush()
    until(lambda: place.plain.refused_codes(place.plain.stranger), "it is refused for its own organisation")
    assert place.plain.refused_codes(place.plain.stranger) == {"unknown_field": 1}
    assert (place.values("node-7"), place.plain.refused_codes()) == ([], {})


def test_uplinks_of_another_broker_are_stored_once_also_when_gops_was_away(
    place: FeedTown, speak: Callable[[str, Any], None]
) -> None:
    place.declare_broker()
    until(lambda: (link := place.link()) is not None and link.connected, "the feed is connected")
    speak("gops/v1/ttn/devices/up", UPLINK)
    until(lambda: place.values("node-1") == [21.5], "the uplink is stored")
    place.stop()
    speak("gops/v1/ttn/devices/up", UPLINK | {"end_device_ids": {"device_id": "node-2"}})
    place.start()
    until(lambda: place.values("node-2") == [21.5], "what came meanwhile is stored")
    assert (place.values("node-1"), place.values("node-1", "pm10")) == ([21.5], [41.0])
    health = place.declared.health(place.plain.owner, "lora")
    assert (health.state, health.messages, health.errors) == ("ok", 1, {})


def test_a_link_follows_its_feed(place: FeedTown, speak: Callable[[str, Any], None]) -> None:
    place.declare_broker(secret="wrong")
    until(lambda: (link := place.link()) is not None and "refused" in link.last_error, "the password is wrong")
    source = {"kind": "broker", "url": f"mqtt://127.0.0.1:{place.other.port}", "filter": "gops/v1/+/devices/up"}
    right = {"source": source | {"username": "gops", "secret": INGEST_PASSWORD}}
    place.declared.edit(place.plain.owner, "lora", right)
    until(lambda: (link := place.link()) is not None and link.connected, "the new password is used")
    place.declared.edit(place.plain.owner, "lora", {"enabled": False})
    until(lambda: place.link() is None, "a feed that is off has no link")
    assert place.declared.health(place.plain.owner, "lora").state == "off"


def test_a_broker_that_is_approved_no_longer_is_not_connected_to(place: FeedTown) -> None:
    place.declare_broker()
    until(lambda: (link := place.link()) is not None and link.connected, "the feed is connected")
    place.stop()
    place.settings = replace(place.settings, feed_brokers=())
    place.start()
    until(lambda: (link := place.link()) is not None and "GOPS_FEED_BROKERS" in link.last_error, "it says why not")
    place.settings = replace(place.settings, feed_links=0)
    place.stop()
    place.start()
    until(lambda: (link := place.link()) is not None and "GOPS_FEED_LINKS" in link.last_error, "the bound names itself")
