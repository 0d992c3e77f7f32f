"""Which devices have been silent for longer than they should."""

from __future__ import annotations

from typing import Any

import pytest

from gops.accounts import lookup
from gops.accounts.devices import Devices
from gops.clock import HOUR, MINUTE, FixedClock
from gops.errors import Forbidden
from gops.ingest.silence import Silence
from gops.ingest.status import DeviceStatus
from gops.permissions import Actor
from gops.records.database import Database
from gops.sensors.datastreams import Datastreams
from gops.sensors.properties import seed
from gops.sensors.things import Things, thing_for_device
from gops.settings import Settings
from tests.conftest import People


@pytest.fixture
def boss(people: People) -> Actor:
    return people.actor(people.organisation("suwon"), "owner")


@pytest.fixture
def silence(database: Database, clock: FixedClock, settings: Settings) -> Silence:
    return Silence(database, clock, settings)


@pytest.fixture
def fleet(database: Database, clock: FixedClock, settings: Settings, boss: Actor) -> dict[str, int]:
    """``quick`` measures every ten minutes, ``slow`` says nothing of a period."""
    with database.write() as session:
        seed(session)
    accounts: Any = lookup
    devices = Devices(database, clock, (thing_for_device,))
    things = Things(database, clock, settings, accounts)
    streams = Datastreams(database, clock, settings, accounts, lambda _one: False)
    made = {name: devices.register(boss, "suwon", name)[0].id for name in ("quick", "slow")}
    thing = things.of_device(boss, made["quick"])[0].id
    streams.create(boss, thing, sensor="S", observed_property="pm10", field="pm10", period="PT10M")
    streams.create(boss, thing, sensor="S", observed_property="temperature", field="t", period="PT1H")
    return made


def names(silence: Silence, boss: Actor, after: int | None = None) -> list[str]:
    return [one.name for one in silence.list(boss, "suwon", after)]


def test_three_of_the_shortest_periods_may_pass_and_a_day_where_there_is_none(
    silence: Silence, boss: Actor, fleet: dict[str, int], clock: FixedClock, database: Database
) -> None:
    status = DeviceStatus(database, clock)
    status.seen(fleet.values(), clock.micros())
    status.flush(everything=True)
    assert names(silence, boss) == []
    clock.move(minutes=30)
    assert names(silence, boss) == []
    clock.move(minutes=1)
    (found,) = silence.list(boss, "suwon")
    assert (found.name, found.expected, found.learned) == ("quick", 30 * MINUTE, True)
    clock.move(hours=24)
    assert names(silence, boss) == ["quick", "slow"]


def test_what_is_asked_overrules_what_is_expected(
    silence: Silence, boss: Actor, fleet: dict[str, int], clock: FixedClock
) -> None:
    clock.move(hours=2)
    assert names(silence, boss, 3 * HOUR) == []
    assert names(silence, boss, HOUR) == ["quick", "slow"]


def test_a_device_that_was_never_heard_has_as_long_for_its_first_word(
    silence: Silence, boss: Actor, fleet: dict[str, int], clock: FixedClock
) -> None:
    assert names(silence, boss) == []
    clock.move(minutes=31)
    (found,) = silence.list(boss, "suwon")
    assert (found.name, found.last_seen) == ("quick", None)


def test_it_is_for_the_owner_alone(silence: Silence, boss: Actor, people: People) -> None:
    with pytest.raises(Forbidden):
        silence.list(people.actor(people.organisation("elsewhere"), "owner"), "suwon")
