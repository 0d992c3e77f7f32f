"""The pump: what one process commits, every process hears, within the poll time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from gops.clock import FixedClock, SystemClock
from gops.errors import Unavailable
from gops.records import events
from gops.records.database import Database
from gops.records.events import Event
from gops.records.pump import EventPump, Handler

PROMISE_SECONDS = 2.0
POLL_MS = 100

Start = Callable[..., EventPump]


class Ear:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self._some = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._some:
            self.heard.append(event)
            self._some.notify_all()

    def wait_for(self, count: int, seconds: float = PROMISE_SECONDS) -> None:
        with self._some:
            assert self._some.wait_for(lambda: len(self.heard) >= count, seconds), f"heard {len(self.heard)} of {count}"


@pytest.fixture
def other_process(either_database: Database) -> Iterator[Database]:
    """The same records by another engine, as another process has them."""
    opened = Database(either_database.engine.url.render_as_string(hide_password=False))
    yield opened
    opened.close()


@pytest.fixture
def start(either_database: Database) -> Iterator[Start]:
    started: list[EventPump] = []

    def begin(handlers: Mapping[str, Sequence[Handler]], poll_ms: int = POLL_MS, **options: object) -> EventPump:
        pump = EventPump(either_database, handlers, poll_ms, **options)  # type: ignore[arg-type]
        pump.start()
        started.append(pump)
        return pump

    yield begin
    for pump in started:
        pump.stop()


def append(database: Database, kind: str = "device.revoked", count: int = 1, at: int | None = None) -> None:
    for number in range(count):
        with database.write() as session:
            events.append(session, SystemClock().micros() if at is None else at, kind, device=number)


def test_what_another_process_commits_is_heard_within_the_promise(start: Start, other_process: Database) -> None:
    ear = Ear()
    start({"device.revoked": [ear]})
    append(other_process)
    ear.wait_for(1)
    assert ear.heard[0].payload == {"device": 0}


def test_events_are_heard_once_and_in_order(start: Start, other_process: Database) -> None:
    ear = Ear()
    start({"device.revoked": [ear]})
    append(other_process, count=20)
    ear.wait_for(20)
    time.sleep(3 * POLL_MS / 1000)
    assert [event.payload["device"] for event in ear.heard] == list(range(20))


def test_only_the_kinds_asked_for_are_heard_and_a_star_hears_all(start: Start, either_database: Database) -> None:
    some, every = Ear(), Ear()
    start({"device.revoked": [some], "*": [every]})
    append(either_database, "thing.changed")
    append(either_database, "device.revoked")
    every.wait_for(2)
    assert [event.kind for event in some.heard] == ["device.revoked"]


def test_what_was_before_the_start_is_not_told(start: Start, either_database: Database) -> None:
    append(either_database)
    ear = Ear()
    start({"*": [ear]})
    append(either_database, "thing.changed")
    ear.wait_for(1)
    assert [event.kind for event in ear.heard] == ["thing.changed"]


def test_a_handler_that_fails_stops_neither_the_others_nor_the_pump(start: Start, either_database: Database) -> None:
    def broken(_event: Event) -> None:
        raise RuntimeError("this handler is broken")

    ear = Ear()
    start({"device.revoked": [broken, ear]})
    append(either_database, count=2)
    ear.wait_for(2)


def test_a_handler_that_could_not_read_is_told_again(start: Start, either_database: Database) -> None:
    ear, tries = Ear(), iter([Unavailable("the records are busy"), Unavailable("still"), None])

    def reads(event: Event) -> None:
        trouble = next(tries)
        if trouble is not None:
            raise trouble
        ear(event)

    start({"device.revoked": [reads]})
    append(either_database)
    ear.wait_for(1)
    time.sleep(3 * POLL_MS / 1000)
    assert len(ear.heard) == 1


def test_wake_is_quicker_than_the_poll(start: Start, either_database: Database) -> None:
    ear = Ear()
    pump = start({"*": [ear]}, poll_ms=60_000)
    append(either_database)
    pump.wake()
    ear.wait_for(1)


def test_stop_ends_the_thread_also_in_a_long_poll(start: Start) -> None:
    pump = start({}, poll_ms=60_000)
    before = time.monotonic()
    pump.stop()
    assert time.monotonic() - before < PROMISE_SECONDS
    assert not pump.is_alive()


def test_a_pump_that_is_not_told_to_drops_nothing(start: Start, either_database: Database, clock: FixedClock) -> None:
    append(either_database, at=0)
    ear = Ear()
    start({"*": [ear]}, clock=clock)
    append(either_database)
    ear.wait_for(1)
    with either_database.read() as session:
        assert len(events.since(session, 0)) == 2


def test_old_events_are_dropped(start: Start, either_database: Database, clock: FixedClock) -> None:
    append(either_database, at=0)
    ear = Ear()
    start({"*": [ear]}, clock=clock, keep_days=7)
    end = time.monotonic() + PROMISE_SECONDS
    while time.monotonic() < end:
        with either_database.read() as session:
            if not events.since(session, 0):
                return
        time.sleep(0.02)
    pytest.fail("the old event is still there")
