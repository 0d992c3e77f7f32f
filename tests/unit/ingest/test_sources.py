"""Who stands behind a topic, over real records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gops.accounts import lookup
from gops.accounts.devices import Devices
from gops.clock import FixedClock
from gops.ingest.sources import Sources
from gops.permissions import Actor
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors.datastreams import Datastreams
from gops.sensors.mapping import Mappings
from gops.sensors.properties import seed
from gops.sensors.routes import DeviceRoute
from gops.sensors.things import Things
from gops.settings import Settings
from tests.conftest import People
from tests.unit.ingest.ingest_fakes import route_of


class Routes:
    """Counts the look-ups; ``while_reading`` happens during one."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.while_reading: Callable[[], None] = lambda: None
        self.ids: dict[str, int] = {}

    def __call__(self, address: str) -> DeviceRoute | None:
        self.asked.append(address)
        self.while_reading()
        device = self.ids.get(address)
        return None if device is None else route_of(address, device, a=device * 10)


@pytest.fixture
def routes() -> Routes:
    return Routes()


@pytest.fixture
def owner(people: People) -> Actor:
    return people.actor(people.organisation("city"), "owner")


@pytest.fixture
def devices(database: Database, clock: FixedClock) -> Devices:
    return Devices(database, clock)


@pytest.fixture
def device(devices: Devices, owner: Actor, routes: Routes) -> int:
    made, _secret = devices.register(owner, "city", "dev")
    routes.ids["city/dev"] = made.id
    return made.id


@pytest.fixture
def sources(database: Database, routes: Routes) -> Sources:
    return Sources(database, routes, 10)


def tell(sources: Sources, kind: str, **payload: Any) -> None:
    for handler in sources.handlers[kind]:
        handler(Event(1, 0, kind, payload))


def test_a_device_is_looked_up_once(sources: Sources, routes: Routes, device: int) -> None:
    for _ in range(3):
        assert sources.get("gops/v1/city/dev/up").route is not None
    assert routes.asked == ["city/dev"]


def test_the_other_topics_of_a_device_need_no_look_up(
    sources: Sources, routes: Routes, devices: Devices, owner: Actor, device: int
) -> None:
    """Until it changes, or none of them is remembered any more."""
    for topic in ("up", "up/senml", "status", "up/csv"):
        assert sources.get(f"gops/v1/city/dev/{topic}").route is not None
    sources.load(f"gops/v1/city/dev/up/{codec}" for codec in ("json", "ndjson", "influx", "value", "tts"))
    assert routes.asked == ["city/dev"]
    tell(sources, "mapping.changed", device=device)
    sources.get("gops/v1/city/dev/up/senml")
    assert routes.asked == ["city/dev"] * 2
    for number in range(10):
        made, _secret = devices.register(owner, "city", f"other-{number}")
        routes.ids[f"city/other-{number}"] = made.id
        sources.get(f"gops/v1/city/other-{number}/up")
    sources.get("gops/v1/city/dev/up")
    assert routes.asked.count("city/dev") == 3


def test_codec_and_status_are_told_apart(sources: Sources, device: int) -> None:
    assert sources.get("gops/v1/city/dev/up").codec == "json"
    assert sources.get("gops/v1/city/dev/up/json").codec == "json"
    assert sources.get("gops/v1/city/dev/up/x/y").codec == "x/y"
    assert sources.get("gops/v1/city/dev/status").codec is None


def test_invented_codecs_are_not_remembered(sources: Sources, device: int) -> None:
    """A device could fill the memory with them, and push the others out."""
    for number in range(50):
        sources.get(f"gops/v1/city/dev/up/codec-{number}")
    assert len(sources) == 1


@pytest.mark.parametrize(
    "topic", ["gops/v1/CITY/dev/up", "gops/v1/city/dev/down/x", "elsewhere", "", "gops/v1/city/up"]
)
def test_other_topics_are_foreign(sources: Sources, topic: str) -> None:
    source = sources.get(topic)
    assert source.refused is not None
    assert source.refused.code == "foreign_topic"
    assert source.organisation_id is None


def test_an_unknown_device_belongs_to_its_organisation(sources: Sources, owner: Actor) -> None:
    source = sources.get("gops/v1/city/ghost/up")
    assert source.refused is not None
    assert source.refused.code == "unknown_device"
    assert source.organisation_id == owner.organisation_id


def test_a_device_of_no_known_organisation_belongs_to_nobody(sources: Sources) -> None:
    assert sources.get("gops/v1/nowhere/ghost/up").organisation_id is None


def test_a_revoked_device_is_told_apart(
    sources: Sources, devices: Devices, owner: Actor, device: int, routes: Routes
) -> None:
    assert sources.get("gops/v1/city/dev/up").route is not None
    devices.revoke(owner, "city/dev", "stolen")
    routes.ids.clear()
    tell(sources, "device.revoked", device=device)
    source = sources.get("gops/v1/city/dev/up")
    assert source.route is None
    assert source.refused is not None
    assert source.refused.code == "revoked_device"


def test_a_device_is_taken_once_it_is_registered(
    sources: Sources, devices: Devices, owner: Actor, routes: Routes
) -> None:
    assert sources.get("gops/v1/city/late/up").route is None
    made, _secret = devices.register(owner, "city", "late")
    routes.ids["city/late"] = made.id
    tell(sources, "device.registered", device=made.id)
    assert sources.get("gops/v1/city/late/up").route is not None


@pytest.mark.parametrize(
    ("kind", "what"),
    [("mapping.changed", "device"), ("device.secret_changed", "device"), ("datastream.changed", "datastream")],
)
def test_a_change_is_looked_up(sources: Sources, routes: Routes, device: int, kind: str, what: str) -> None:
    sources.get("gops/v1/city/dev/up")
    sources.get("gops/v1/city/dev/status")
    tell(sources, kind, **{what: device if what == "device" else device * 10})
    sources.get("gops/v1/city/dev/up")
    sources.get("gops/v1/city/dev/status")
    assert len(routes.asked) == 2  # once for both topics


def test_a_change_of_others_is_not(sources: Sources, routes: Routes, device: int) -> None:
    sources.get("gops/v1/city/dev/up")
    tell(sources, "mapping.changed", device=device + 1)
    tell(sources, "datastream.changed", datastream=device * 10 + 1)
    sources.get("gops/v1/city/dev/up")
    assert len(routes.asked) == 1


def test_what_changed_while_it_was_read_is_not_remembered(sources: Sources, routes: Routes, device: int) -> None:
    """Else the old route would stay for ever: its event has been heard already."""
    routes.while_reading = lambda: tell(sources, "mapping.changed", device=device)
    sources.get("gops/v1/city/dev/up")
    routes.while_reading = lambda: None
    sources.get("gops/v1/city/dev/up")
    assert len(routes.asked) == 2


def test_memory_is_bounded(sources: Sources, devices: Devices, owner: Actor, routes: Routes) -> None:
    for number in range(30):
        made, _secret = devices.register(owner, "city", f"dev-{number}")
        routes.ids[f"city/dev-{number}"] = made.id
        sources.get(f"gops/v1/city/dev-{number}/up")
        sources.get(f"gops/v1/city/ghost-{number}/up")
    assert len(sources) <= 20
    assert len(sources._topics_of) <= 10
    assert len(sources._devices_of) <= 10


class TestMany:
    @pytest.fixture
    def city(self, devices: Devices, owner: Actor) -> list[int]:
        return [devices.register(owner, "city", f"dev-{number}")[0].id for number in range(12)]

    @pytest.fixture
    def topics(self, city: list[int]) -> list[str]:
        return [f"gops/v1/city/dev-{number}/up" for number in range(len(city))]

    @pytest.fixture
    def roomy(self, database: Database, routes: Routes) -> Sources:
        return Sources(database, routes, 100)

    def test_they_are_looked_up_together(
        self, roomy: Sources, routes: Routes, city: list[int], topics: list[str]
    ) -> None:
        roomy.load(topics)
        found = [roomy.get(topic).route for topic in topics]
        assert [route and route.device_id for route in found] == city
        assert routes.asked == []

    def test_together_they_get_the_same_as_alone(
        self, database: Database, settings: Settings, clock: FixedClock, owner: Actor, topics: list[str]
    ) -> None:
        """Fields, units, ranges and ended Datastreams, for every device."""
        accounts: Any = lookup
        mappings = Mappings(database, clock, settings, accounts)
        streams = Datastreams(database, clock, settings, accounts, lambda _one: False)
        with database.write() as session:
            seed(session)
        thing = Things(database, clock, settings, accounts).create(owner, "city", "roof", device_address="city/dev-3")
        prop = {"sensor": "S", "observed_property": "temperature"}
        streams.create(owner, thing.id, **prop, field="t", field_unit="K", range_low=-50.0)
        ended = streams.create(owner, thing.id, sensor="S2", observed_property="temperature", field="old")
        streams.end(owner, ended.id, "broken")
        together = Sources(database, mappings.route, 100)
        together.load(topics)
        for topic in topics:
            alone = Sources(database, mappings.route, 100).get(topic)
            assert together.get(topic) == alone
        assert together.get(topics[3]).route.fields["t"].offset == pytest.approx(-273.15)  # type: ignore[union-attr]

    def test_revoked_and_unknown_ones_are_refused_all_the_same(
        self, roomy: Sources, devices: Devices, owner: Actor, topics: list[str]
    ) -> None:
        devices.revoke(owner, "city/dev-3", "stolen")
        roomy.load([*topics, "gops/v1/city/ghost/up", "gops/v1/nowhere/x/up", "nonsense"])
        assert roomy.get(topics[3]).refused.code == "revoked_device"  # type: ignore[union-attr]
        assert roomy.get("gops/v1/city/ghost/up").refused.code == "unknown_device"  # type: ignore[union-attr]
        assert roomy.get(topics[4]).route is not None

    def test_a_change_meanwhile_makes_it_void(self, database: Database, routes: Routes, topics: list[str]) -> None:
        class Changing(Database):
            def read(self) -> Any:
                tell(sources, "device.registered", device=1)
                return super().read()

        changing = Changing(str(database.engine.url))
        sources = Sources(changing, routes, 100)
        sources.load(topics)
        assert len(sources) == 0
        changing.close()

    def test_few_are_not_worth_it(self, roomy: Sources, topics: list[str]) -> None:
        roomy.load(topics[:3])
        assert len(roomy) == 0
