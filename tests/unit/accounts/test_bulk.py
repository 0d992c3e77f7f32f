"""Many devices at once: every row is done or named with its reason."""

from __future__ import annotations

import pytest

from gops.accounts.bulk import DeviceBulk, DeviceRow
from gops.accounts.devices import Devices
from gops.accounts.model import Organisation
from gops.clock import FixedClock
from gops.errors import Forbidden, Invalid
from gops.permissions import Actor
from gops.records.database import Database
from tests.conftest import People

ROWS = [DeviceRow(2, "air-1"), DeviceRow(3, "air 2"), DeviceRow(4, "air-1"), DeviceRow(5, "air-3", "x" * 3000)]


@pytest.fixture
def home(people: People) -> Organisation:
    return people.organisation("suwon")


@pytest.fixture
def boss(people: People, home: Organisation) -> Actor:
    return people.actor(home, "owner")


@pytest.fixture
def all_devices(database: Database, clock: FixedClock) -> Devices:
    return Devices(database, clock)


@pytest.fixture
def bulk(database: Database, all_devices: Devices) -> DeviceBulk:
    return DeviceBulk(database, all_devices, 1000)


def test_good_rows_are_made_and_bad_ones_named(bulk: DeviceBulk, boss: Actor, all_devices: Devices) -> None:
    done = bulk.register(boss, "suwon", ROWS)
    assert [(one.place, one.code) for one in done] == [
        (2, ""),
        (3, "invalid_value"),
        (4, "name_taken"),
        (5, "invalid_value"),
    ]
    assert [row.name for row in all_devices.list(boss, "suwon")] == ["air-1"]
    assert done[0].secret
    assert all_devices.authenticate("suwon/air-1", done[0].secret)
    assert [one.secret for one in done[1:]] == [None] * 3


def test_a_dry_run_says_the_same_and_makes_nothing(bulk: DeviceBulk, boss: Actor, all_devices: Devices) -> None:
    dry = bulk.register(boss, "suwon", ROWS, dry_run=True)
    assert not all_devices.list(boss, "suwon")
    real = bulk.register(boss, "suwon", ROWS)
    assert [(one.place, one.code) for one in dry] == [(one.place, one.code) for one in real]
    assert all(one.secret is None for one in dry)


def test_secrets_are_rotated_and_access_ended_many_at_a_time(
    bulk: DeviceBulk, boss: Actor, all_devices: Devices
) -> None:
    old = bulk.register(boss, "suwon", [DeviceRow(number, f"d{number}") for number in range(1, 4)])
    new = bulk.rotate(boss, ["suwon/d1", "suwon/none", "suwon/d2"])
    assert [one.code for one in new] == ["", "not_found", ""]
    assert not all_devices.authenticate("suwon/d1", old[0].secret or "")
    assert all_devices.authenticate("suwon/d1", new[0].secret or "")
    ended = bulk.revoke(boss, ["suwon/d1", "suwon/d3", "suwon/d9"], "the fleet is replaced")
    assert [one.code for one in ended] == ["", "", "not_found"]
    assert [all_devices.known(f"suwon/d{number}") for number in (1, 2, 3)] == ["revoked", "active", "revoked"]


def test_a_stranger_may_not_and_too_many_are_refused(bulk: DeviceBulk, boss: Actor, people: People) -> None:
    stranger = people.actor(people.organisation("elsewhere"), "owner")
    with pytest.raises(Forbidden):
        bulk.register(stranger, "suwon", ROWS)
    bulk.register(boss, "suwon", ROWS[:1])
    assert [one.code for one in bulk.revoke(stranger, ["suwon/air-1"], "mine now")] == ["not_found"]
    with pytest.raises(Invalid) as caught:
        bulk.register(boss, "suwon", [ROWS[0]] * 1001)
    assert caught.value.code == "too_many_devices"
