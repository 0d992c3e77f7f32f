"""Simulated devices: each connects by itself, tells its past, goes on in time, and stops when told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from gops.clock import FixedClock
from gops.demo import simulate as simulation
from gops.demo.fleet import FLEET
from gops.demo.hourly import HOURLY
from gops.demo.messages import fault_at
from gops.demo.simulate import MOST_UNACKNOWLEDGED, simulate
from gops.errors import Unavailable

FEW = FLEET[:3]
PATIENCE = 20  # seconds until a test fails on what did not come
SECRETS = {device.address: f"secret of {device.name}" for device in FEW}


class FastClock:
    """Runs a thousand times as fast as the machine's, from a time at which no device has a fault."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        slots = range(1_783_220_400, 1_799_999_999, 600)
        self._start = next(t for t in slots if all(fault_at(one, t) == "none" for one in FEW))

    def micros(self) -> int:
        return int((self._start + 3 + (time.monotonic() - self._begun) * 1000) * 1e6)

    def now(self) -> Any:
        raise AssertionError("not asked")


@dataclass
class FakeConnection:
    unacknowledged: int = 0
    payloads: list[bytes] = field(default_factory=list)
    closed: bool = False

    def publish(self, payload: bytes) -> None:
        self.payloads.append(payload)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class FastStop(threading.Event):
    """Waits a thousandth of what it is asked to, as fits the clock."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else timeout / 1000)


@pytest.fixture
def fast() -> FastClock:
    return FastClock()


def stop_when(stop: threading.Event, seconds: float, enough: Callable[[], bool]) -> None:
    """Set ``stop`` after ``seconds``, and as much later as the machine takes until there is ``enough``."""

    def watch() -> None:
        time.sleep(seconds)
        late = time.monotonic() + PATIENCE
        while not enough() and time.monotonic() < late:
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=watch).start()


def run(
    connections: dict[str, FakeConnection],
    clock: FastClock,
    seconds: float = 0.2,
    enough: Callable[[], bool] = lambda: True,
    **more: Any,
) -> None:
    stop = FastStop()
    stop_when(stop, seconds, enough)
    connect = more.pop("connect", lambda address, secret: connections.setdefault(address, FakeConnection()))
    simulate(connect, SECRETS, stop, clock, **more)


def test_every_device_with_credentials_connects_with_its_own(fast: FastClock) -> None:
    used: dict[str, str] = {}
    made: dict[str, FakeConnection] = {}

    def connect(address: str, secret: str) -> FakeConnection:
        used[address] = secret
        return made.setdefault(address, FakeConnection())

    run(made, fast, 0.05, lambda: used.keys() == SECRETS.keys(), connect=connect)
    assert used == SECRETS
    assert all(one.closed for one in made.values())


def messages_of(one: FakeConnection) -> list[Any]:
    return [json.loads(payload) for payload in list(one.payloads) if payload.endswith((b"}", b"]"))]


def told(one: FakeConnection) -> bool:
    """Its past, and a few moments after it?"""
    messages = messages_of(one)
    return any(isinstance(one, list) for one in messages) and sum(isinstance(one, dict) for one in messages) > 5


def test_a_device_tells_its_past_and_then_each_moment_once(fast: FastClock) -> None:
    made: dict[str, FakeConnection] = {}
    run(made, fast, enough=lambda: len(made) == 3 and all(told(one) for one in made.values()), fleet=FEW, history_s=600)
    for one in made.values():
        messages = messages_of(one)
        past = [row["ts"] for message in messages if isinstance(message, list) for row in message]
        live = [message["ts"] for message in messages if isinstance(message, dict)]
        assert past == sorted(past)
        assert past
        assert len(live) > 5
        assert len(set(live)) == len(live)
        assert min(live) > max(past)
        assert max(past) <= fast.micros() // 1000


def test_a_broker_that_is_not_there_yet_is_waited_for(fast: FastClock) -> None:
    tries: list[str] = []
    made: dict[str, FakeConnection] = {}

    def connect(address: str, _secret: str) -> FakeConnection:
        tries.append(address)
        if tries.count(address) < 5:
            raise Unavailable("no broker")
        return made.setdefault(address, FakeConnection())

    enough = lambda: len(made) == 3 and all(one.payloads for one in made.values())  # noqa: E731
    run(made, fast, enough=enough, fleet=FEW, connect=connect)
    assert len(made) == 3
    assert all(one.payloads for one in made.values())


def test_a_broker_that_never_comes_does_not_hold_up_the_end(fast: FastClock) -> None:
    def connect(_address: str, _secret: str) -> FakeConnection:
        raise Unavailable("no broker")

    begun = time.monotonic()
    run({}, fast, 0.05, fleet=FEW, connect=connect)
    assert time.monotonic() - begun < 5


def test_a_device_whose_broker_is_away_forgets_instead_of_waiting(fast: FastClock) -> None:
    full = FakeConnection(unacknowledged=MOST_UNACKNOWLEDGED)
    run({}, fast, 0.05, fleet=FEW, connect=lambda _address, _secret: full)
    assert full.payloads == []


def test_the_wait_ends_at_the_devices_own_moment_of_the_period() -> None:
    still = FixedClock(datetime(2026, 7, 5, 5, 20, 3, tzinfo=UTC))
    waits = {simulation._until_next(device, still) for device in FLEET}
    assert len(waits) == len(FLEET)
    assert all(0 < wait <= 10 for wait in waits)


class HourlyClock(FastClock):
    """A million times as fast: an hour in 3.6 milliseconds."""

    def micros(self) -> int:
        return int((self._start + (time.monotonic() - self._begun) * 1e6) * 1e6)


class HourlyStop(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else timeout / 1e6)


def visit(connections: dict[str, list[FakeConnection]], connect: Any) -> None:
    few = HOURLY[:7]
    stop = HourlyStop()
    threading.Timer(0.3, stop.set).start()
    simulate(connect, {device.address: "secret" for device in few}, stop, HourlyClock(), few)


def hours_told(made: list[FakeConnection]) -> list[int]:
    told = []
    for payload in (payload for one in made for payload in one.payloads):
        if payload.endswith((b"}", b"]")):
            whole = json.loads(payload)
            told += [row["ts"] // 1000 for row in (whole if isinstance(whole, list) else [whole])]
    return told


def test_hourly_devices_come_and_go_from_a_few_threads_and_tell_every_hour_once() -> None:
    made: dict[str, list[FakeConnection]] = {}
    threads: set[str] = set()

    def connect(address: str, _secret: str) -> FakeConnection:
        threads.add(threading.current_thread().name)
        made.setdefault(address, []).append(FakeConnection())
        return made[address][-1]

    visit(made, connect)
    assert len(threads) == simulation.ROUNDS
    assert set(made) == {device.address for device in HOURLY[:7]}
    for connections in made.values():
        assert all(one.closed for one in connections)
        told = [hour for hour in hours_told(connections) if hour % 3600 == 0]  # others are of a clock that runs ahead
        assert told == sorted(set(told))
        assert len(told) > 24


def test_an_hourly_device_that_found_no_broker_tells_what_it_missed_later() -> None:
    made: dict[str, list[FakeConnection]] = {}
    tries: list[str] = []

    def connect(address: str, _secret: str) -> FakeConnection:
        tries.append(address)
        if tries.count(address) < 4:
            raise Unavailable("no broker")
        made.setdefault(address, []).append(FakeConnection())
        return made[address][-1]

    visit(made, connect)
    assert len(made) == 7
    for connections in made.values():
        told = [hour for hour in hours_told(connections) if hour % 3600 == 0]
        assert told == sorted(set(told))
        assert told[1] - told[0] == 3600 or len(told) > 18
