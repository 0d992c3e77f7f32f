"""A town whose Datastreams have alert rules: real records, the memory store, a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pyarrow as pa
import pytest

from gops.accounts import lookup
from gops.alerts.model import AlertDelivery, AlertEvent
from gops.alerts.rules import Wish
from gops.alerts.running import RunningAlerts
from gops.alerts.service import Alerts
from gops.clock import MINUTE, FixedClock
from gops.outbound import Outbound
from gops.records.database import Database
from gops.sensors.datastreams import Datastreams
from gops.sensors.properties import seed
from gops.sensors.things import Things
from gops.settings import Settings
from gops.store.memory import MemoryStore
from gops.store.port import READINGS
from gops.store.watched import WatchedStore
from tests.conftest import People

WEBHOOK = "http://127.0.0.1:9/alerts"


class Letters:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def put(self, to: str, subject: str, text: str) -> None:
        self.sent.append((to, subject, text))


class Town:
    def __init__(self, database: Database, clock: FixedClock, settings: Settings) -> None:
        self.database, self.clock = database, clock
        self.settings = replace(settings, outbound_allow=(ip_network("127.0.0.0/8"),))
        people = People(database, clock)
        city = people.organisation("suwon")
        self.person = people.person("kim@example.kr")
        self.publisher = people.actor(city, "publisher", person=self.person)
        self.viewer = people.actor(city, "viewer")
        self.stranger = people.actor(people.organisation("seongnam"), "owner")
        with database.write() as session:
            seed(session)
        accounts: Any = lookup
        self._things = Things(database, clock, settings, accounts)
        self._streams = Datastreams(database, clock, settings, accounts, lambda _one: False)
        self.alerts = Alerts(database, clock, self.settings, Outbound.of(self.settings))
        self.engine = MemoryStore()
        self.letters = Letters()
        self.running = self.process()
        self.store = WatchedStore(self.engine, lambda batch, receipt: self.running.after_commit(batch, receipt))

    def process(self) -> RunningAlerts:
        """A process that evaluates; its threads are not started, ``turn`` is what they do."""
        return RunningAlerts(self.database, self.clock, self.settings, self.engine, self.letters)

    def stream(self, name: str = "air-1", observed_property: str = "temperature") -> int:
        thing = self._things.create(self.publisher, "suwon", name)
        made = self._streams.create(self.publisher, thing.id, sensor="S", observed_property=observed_property)
        return int(made.id)

    def rule(self, stream: int, condition: str = "gt", threshold: float | None = 80.0, **more: Any) -> int:
        wish = Wish("hot", [stream], condition, threshold, **more)
        rule, self.secret = self.alerts.create(self.publisher, "suwon", wish)
        self.turn(changed=True)
        return rule.id

    def turn(self, *, changed: bool = False) -> int:
        if changed:  # what the event pump would tell
            self.running.watching._changed = True
        return self.running.watching.turn()

    def measure(self, stream: int, *values: float | None, quality: int = 0, before: int = 0) -> None:
        """Readings a minute apart, the clock moving with them; ``before`` minutes earlier than it."""
        for value in values:
            self.clock.move(minutes=1)
            row = {"datastream": stream, "t": self.clock.micros() - before * MINUTE, "value": value, "quality": quality}
            self.store.write(pa.Table.from_pylist([{"text": None, "result_time": None} | row], READINGS), "replace")
            self.turn()

    def events(self, **only: Any) -> Sequence[AlertEvent]:
        return self.alerts.events(self.publisher, "suwon", **only)

    def happened(self) -> list[str]:
        return [event.what for event in self.events()]

    def deliveries(self, **only: Any) -> Sequence[AlertDelivery]:
        return self.alerts.deliveries(self.publisher, "suwon", **only)


@pytest.fixture
def town(database: Database, clock: FixedClock, settings: Settings) -> Iterator[Town]:
    made = Town(database, clock, settings)
    yield made
    made.engine.close()
