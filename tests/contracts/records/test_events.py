"""The outbox: an event is as true as the unit that wrote it, and nobody misses one."""

from __future__ import annotations

import threading

import pytest

from gops.records import events
from gops.records.database import Database
from gops.records.events import Event


def all_of(database: Database, after: int = 0) -> list[Event]:
    with database.read() as session:
        return list(events.since(session, after))


def append(database: Database, count: int, kind: str = "thing.changed", at: int = 0) -> None:
    for number in range(count):
        with database.write() as session:
            events.append(session, at, kind, thing=number)


def test_events_come_in_the_order_they_were_written(either_database: Database) -> None:
    append(either_database, 3)
    found = all_of(either_database)
    assert [event.payload for event in found] == [{"thing": 0}, {"thing": 1}, {"thing": 2}]
    assert [event.sequence for event in found] == sorted({event.sequence for event in found})
    assert found[0].kind == "thing.changed"


def test_an_event_of_a_unit_that_failed_never_was(either_database: Database) -> None:
    def fail() -> None:
        with either_database.write() as session:
            events.append(session, 0, "device.revoked", device=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert all_of(either_database) == []


def test_reading_goes_on_where_it_stopped_in_bounded_pieces(either_database: Database) -> None:
    append(either_database, 5)
    with either_database.read() as session:
        first = list(events.since(session, 0, limit=2))
        rest = list(events.since(session, first[-1].sequence))
    assert [event.payload["thing"] for event in first + rest] == [0, 1, 2, 3, 4]
    assert len(first) == 2


def test_the_newest_of_none_is_zero(either_database: Database) -> None:
    with either_database.read() as session:
        assert events.newest(session) == 0
    append(either_database, 2)
    with either_database.read() as session:
        assert events.newest(session) == all_of(either_database)[-1].sequence


def test_old_events_are_dropped_and_their_numbers_stay_used(either_database: Database) -> None:
    append(either_database, 2, at=10)
    last = all_of(either_database)[-1].sequence
    with either_database.write() as session:
        events.forget_before(session, 11)
    append(either_database, 1, at=12)
    (left,) = all_of(either_database)
    assert left.sequence > last


def test_a_reader_that_follows_8_writers_sees_every_event_once_and_in_order(either_database: Database) -> None:
    """On PostgreSQL numbers are taken before the commit; a late commit of a low number must not be passed over."""
    writers, each = 8, 20
    done = threading.Event()
    seen: list[Event] = []

    def follow() -> None:
        last = 0
        while True:
            finished = done.is_set()
            found = all_of(either_database, last)
            seen.extend(found)
            last = found[-1].sequence if found else last
            if finished and not found:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    threads = [threading.Thread(target=append, args=(either_database, each, f"kind.{n}")) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    follower.join()
    assert len(seen) == writers * each
    assert [event.sequence for event in seen] == sorted({event.sequence for event in seen})
    for n in range(writers):
        assert [event.payload["thing"] for event in seen if event.kind == f"kind.{n}"] == list(range(each))
