"""Online and last seen: written in bounds, for owners."""

from __future__ import annotations

import pytest

from gops.accounts.model import Device, Organisation
from gops.clock import FixedClock
from gops.errors import Forbidden, Unauthenticated, Unavailable
from gops.ingest.refused import Refused
from gops.ingest.status import DeviceStatus, ShownStatus, read_status
from gops.permissions import ANONYMOUS, Actor
from gops.records.database import Database

OWNER = Actor(1, 1, 1, frozenset({"owner"}), frozenset(), frozenset({"data:read"}))


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b'{"online": true}', True),
        (b'{"online":false}', False),
        (b'{"online":true,"rssi":-70}', True),
        (b'\xef\xbb\xbf{"online":true}', True),
    ],
)
def test_a_status_says_whether_the_device_is_online(payload: bytes, online: bool) -> None:
    assert read_status(payload) is online


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "empty"),
        (b"{", "bad_json"),
        (b"\xff", "bad_utf8"),
        (b"[" * 900, "too_deep"),
        (b"x" * 1025, "too_large"),
        (b"true", "wrong_type"),
        (b"[]", "wrong_type"),
        (b"{}", "wrong_type"),
        (b'{"online":1}', "wrong_type"),
        (b'{"online":"true"}', "wrong_type"),
        (b'{"online":null}', "wrong_type"),
        (b'{"online":NaN}', "wrong_type"),
    ],
)
def test_anything_else_is_refused_by_code(payload: bytes, code: str) -> None:
    found = read_status(payload)
    assert isinstance(found, Refused)
    assert found.code == code


def add_devices(database: Database) -> None:
    with database.write() as session:
        session.add(
            Organisation(id=1, slug="suwon", kind="municipality", name_ko="수원", name_en="Suwon", created_at=0)
        )
        session.flush()
        for number in range(1, 4):
            session.add(Device(id=number, organisation_id=1, name=f"air-{number}", digest=b"", created_at=0))


def shown(status: DeviceStatus) -> dict[int, tuple[bool | None, int | None, int | None]]:
    return {one.device_id: (one.online, one.online_since, one.last_seen) for one in status.list(OWNER, 1)}


def test_every_device_is_listed_also_one_that_was_never_heard(records: Database, clock: FixedClock) -> None:
    status = DeviceStatus(records, clock)
    assert status.list(OWNER, 1) == [ShownStatus(n, f"air-{n}", None, None, None) for n in (1, 2, 3)]
    assert [one.device_id for one in status.list(OWNER, 1, after=1, limit=1)] == [2]


def test_a_reading_is_seen_and_written_once_a_minute(records: Database, clock: FixedClock) -> None:
    status = DeviceStatus(records, clock)
    status.seen([1, 2], clock.micros())
    assert status.flush() == 2
    first = clock.micros()
    for _ in range(5):
        clock.move(seconds=10)
        status.seen([1], clock.micros())
        assert status.flush() == 0
    assert shown(status)[1] == (None, None, first)
    clock.move(seconds=10)
    assert status.flush() == 1
    assert shown(status)[1] == (None, None, first + 50_000_000)
    assert status.flush() == 0


def test_everything_is_written_at_the_end(records: Database, clock: FixedClock) -> None:
    status = DeviceStatus(records, clock)
    status.seen([1], clock.micros())
    status.flush()
    clock.move(seconds=1)
    status.seen([1], clock.micros())
    assert status.flush(everything=True) == 1
    assert shown(status)[1][2] == clock.micros()


def test_a_change_is_written_at_once_and_its_time_stays_while_it_holds(
    either_records: Database, clock: FixedClock
) -> None:
    status = DeviceStatus(either_records, clock)
    began = clock.micros()
    status.said(1, True, began)
    assert status.flush() == 1
    clock.move(minutes=2)
    status.said(1, True, clock.micros())
    status.flush()
    assert shown(status)[1] == (True, began, clock.micros())
    clock.move(seconds=1)
    status.said(1, False, clock.micros())
    status.flush()
    assert shown(status)[1] == (False, clock.micros(), clock.micros())
    seen = clock.micros()
    clock.move(minutes=2)
    status.seen([1], clock.micros())
    status.flush()
    assert shown(status)[1] == (False, seen, clock.micros())


def test_a_device_that_keeps_saying_the_same_is_written_once_a_minute(records: Database, clock: FixedClock) -> None:
    status = DeviceStatus(records, clock)
    written = 0
    for _ in range(60):
        status.said(1, True, clock.micros())
        written += status.flush()
        clock.move(seconds=1)
    assert written == 1


def test_a_retained_status_is_no_sign_of_life(records: Database, clock: FixedClock) -> None:
    status = DeviceStatus(records, clock)
    status.said(1, True, clock.micros(), retained=True)
    status.flush()
    assert shown(status)[1] == (True, clock.micros(), None)


def test_another_process_that_knows_less_takes_nothing_back(either_records: Database, clock: FixedClock) -> None:
    one, two = DeviceStatus(either_records, clock), DeviceStatus(either_records, clock)
    began = clock.micros()
    two.seen([1], began - 5)
    one.said(1, True, began)
    one.flush()
    two.flush(everything=True)
    assert shown(one)[1] == (True, began, began)


def test_what_could_not_be_written_is_written_later(records: Database, clock: FixedClock) -> None:
    class Broken:
        def write(self) -> None:
            raise Unavailable("down")

    status = DeviceStatus(Broken(), clock)  # type: ignore[arg-type]
    status.said(1, True, clock.micros())
    with pytest.raises(Unavailable):
        status.flush()
    status._database = records
    assert status.flush() == 1


def test_news_that_come_while_writing_are_not_lost(records: Database, clock: FixedClock) -> None:
    status = DeviceStatus(records, clock)
    began = clock.micros()

    class Slow:
        """Says something more while the unit is open."""

        def write(self) -> object:
            status._database = records
            status.said(1, False, began + 5)
            return records.write()

    status._database = Slow()  # type: ignore[assignment]
    status.said(1, True, began)
    status.flush()
    assert shown(status)[1][0] is True
    status.flush()
    assert shown(status)[1] == (False, began + 5, began + 5)


def test_a_revoked_device_is_not_listed(records: Database, clock: FixedClock) -> None:
    with records.write() as session:
        session.get_one(Device, 2).revoked_at = 1
    assert sorted(shown(DeviceStatus(records, clock))) == [1, 3]


def test_it_is_for_the_organisation_only(records: Database, clock: FixedClock) -> None:
    status = DeviceStatus(records, clock)
    with pytest.raises(Unauthenticated):
        status.list(ANONYMOUS, 1)
    with pytest.raises(Forbidden):
        status.list(OWNER, 2)


@pytest.fixture
def records(database: Database) -> Database:
    add_devices(database)
    return database


@pytest.fixture
def either_records(either_database: Database) -> Database:
    add_devices(either_database)
    return either_database
