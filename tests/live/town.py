"""A small GOPS without HTTP for live tests of ingest: records, registry, a store, ingest on a broker of choice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from gops.accounts import lookup
from gops.accounts.devices import Devices
from gops.clock import SystemClock
from gops.ingest.mqtt import DeviceClient, parse
from gops.ingest.refusals import Refusals
from gops.ingest.service import Ingest
from gops.ingest.status import DeviceStatus
from gops.permissions import Actor
from gops.records.database import Database
from gops.records.pump import EventPump
from gops.sensors.datastreams import Datastreams
from gops.sensors.mapping import Mappings
from gops.sensors.properties import seed
from gops.sensors.things import Things, thing_for_device
from gops.settings import Settings, load
from gops.store.memory import MemoryStore
from gops.store.port import Read, Series, Store
from tests.conftest import People


class Broker(Protocol):
    port: int

    @property
    def url(self) -> str: ...

    def device_url(self, address: str, secret: str) -> str: ...

    def add_device(self, address: str, secret: str) -> None: ...


@dataclass
class TownDevice:
    """A registered device and the Datastream of each of its fields."""

    address: str
    secret: str
    streams: dict[str, int]


@dataclass
class Heard:
    """What a device heard from GOPS, by the last level of the topic."""

    receipts: list[Any] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)

    def __call__(self, topic: str, payload: bytes) -> None:
        import json

        (self.receipts if topic.endswith("receipt") else self.refused).append(json.loads(payload))

    @property
    def codes(self) -> list[str]:
        return [one["code"] for answer in self.refused for one in answer["refused"]]


class Town:
    """``city`` has devices; ``ingest`` is started on a broker and may be stopped and started again."""

    def __init__(self, settings: Settings, database: Database, store: Store | None = None) -> None:
        self.clock = SystemClock()
        self.settings = settings
        self.database = database
        self.store: Store = store or MemoryStore()
        people = People(database, self.clock)  # type: ignore[arg-type]
        self.owner: Actor = people.actor(people.organisation("city"), "owner")
        self.stranger: Actor = people.actor(people.organisation("elsewhere"), "owner")
        with database.write() as session:
            seed(session)
        accounts: Any = lookup
        self.devices = Devices(database, self.clock, (thing_for_device,))
        self.things = Things(database, self.clock, settings, accounts)
        self.streams = Datastreams(database, self.clock, settings, accounts, lambda _one: False)
        self.mappings = Mappings(database, self.clock, settings, accounts)
        self.refusals = Refusals(database, self.clock, settings)
        self.status = DeviceStatus(database, self.clock)
        self.broker: Broker | None = None
        self.ingest: Ingest | None = None
        self._pump: EventPump | None = None
        self._clients: list[DeviceClient] = []

    def add_device(self, name: str, fields: Mapping[str, str] | Sequence[str] = ("pm10",)) -> TownDevice:
        """``fields``: name -> observed property; a list names properties by themselves."""
        wanted = fields if isinstance(fields, Mapping) else {one: one for one in fields}
        device, secret = self.devices.register(self.owner, "city", name)
        thing = self.things.of_device(self.owner, device.id)[0]
        made = {
            one: self.streams.create(self.owner, thing.id, sensor="S1", observed_property=key, field=one).id
            for one, key in wanted.items()
        }
        if self.broker is not None:
            self.broker.add_device(f"city/{name}", secret)
        return TownDevice(f"city/{name}", secret, made)

    def start(self, broker: Broker, *, url: str = "", store: Store | None = None) -> Ingest:
        """Ingest on ``broker``; ``url`` in place of its own, for instance of a wire in between."""
        self.broker = broker
        settings = replace(self.settings, mqtt_url=url or broker.url)
        self.ingest = Ingest(
            settings, self.clock, store or self.store, self.database, self.mappings.route, self.refusals, self.status
        )
        self._pump = EventPump(self.database, self.ingest.handlers, 100)
        self._pump.start()
        self.ingest.start()
        until(lambda: self.ingest is not None and self.ingest.health().link.connected, "ingest is connected", 5.0)
        return self.ingest

    def stop(self) -> None:
        if self.ingest is not None:
            self.ingest.stop()
            self.ingest = None
        if self._pump is not None:
            self._pump.stop()
            self._pump = None

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.stop()
        self.store.close()

    def speak(self, device: TownDevice, heard: Heard | None = None, **options: Any) -> DeviceClient:
        """A connected client of a device; closed with the town."""
        assert self.broker is not None
        address = parse(self.broker.device_url(device.address, device.secret))
        client = DeviceClient(address, heard, **options).connect()
        self._clients.append(client)
        return client

    def values(self, datastream: int) -> list[float]:
        return self.store.read(Read([Series(datastream)])).column("value").to_pylist()

    def refused_codes(self, actor: Actor | None = None) -> dict[str, int]:
        """What the owner of ``city`` sees: how often which code."""
        who = actor or self.owner
        assert who.organisation_id is not None
        found: dict[str, int] = {}
        for row in self.refusals.counts(who, who.organisation_id):
            found[row.code] = found.get(row.code, 0) + row.total
        return found


def town(data: Path, database: Database, store: Store | None = None, **settings: str) -> Town:
    return Town(load({"GOPS_DATA": str(data), **settings}), database, store)


def until(holds: Callable[[], Any], what: str, seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds:g} s: {what}")
