"""Run the simulated devices: each with its own credentials, over real MQTT.

A live device has a thread and a connection. An hourly one connects once an hour at a moment of its own, tells what it
has not told yet, and leaves; a few threads do that for all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from gops import logs
from gops.clock import SECOND, Clock
from gops.demo import messages
from gops.demo.fleet import FLEET, PERIOD_SECONDS, DemoDevice
from gops.demo.hourly import HOURLY
from gops.demo.signals import chance
from gops.errors import GopsError

HISTORY_SECONDS = 3600
DAY_SECONDS = 86_400
COARSE_SECONDS = 300  # one value in five minutes of the day before that hour
MOST_UNACKNOWLEDGED = 50
ROUNDS = 3
"""Threads for all hourly devices together: one that waits for an answer holds up only its share."""
PAUSE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
log = logs.get(__name__)


class Connection(Protocol):
    """A device's side of MQTT; ``mqtt.DeviceClient`` is one. It reconnects by itself."""

    @property
    def unacknowledged(self) -> int:
        """Messages that the broker has not acknowledged yet."""

    def publish(self, payload: bytes) -> None:
        """Send on the device's ``up`` topic."""

    def flush(self) -> None:
        """Wait until all is acknowledged. Raises ``Unavailable``."""

    def close(self) -> None: ...


Connect = Callable[[str, str], Connection]
"""address and secret -> a connection; raises ``Unavailable`` or ``Unauthenticated``."""


def simulate(
    connect: Connect,
    credentials: Mapping[str, str],
    stop: threading.Event,
    clock: Clock,
    fleet: Sequence[DemoDevice] = FLEET + HOURLY,
    history_s: int = HISTORY_SECONDS,
) -> None:
    """Run every device of the fleet that has credentials until ``stop`` is set.

    Each live one first tells what it measured in the last ``history_s`` seconds, and a little of the day before, so
    that there is something to look at; an hourly one tells the hours of the last day that it has not told.
    """

    def ways(device: DemoDevice) -> Callable[[], Connection]:
        return lambda: connect(device.address, credentials[device.address])

    able = [device for device in fleet if device.address in credentials]
    live = [device for device in able if device.is_live]
    hourly = [device for device in able if not device.is_live]
    runs = [_thread(f"demo-{device.name}", _run, device, ways(device), stop, clock, history_s) for device in live]
    for number in range(ROUNDS):
        share = {device: ways(device) for device in hourly[number::ROUNDS]}
        if share:
            runs.append(_thread(f"demo-hourly-{number}", _visit, share, stop, clock))
    for run in runs:
        run.start()
    for run in runs:
        run.join()


def _thread(name: str, target: Callable[..., None], *args: Any) -> threading.Thread:
    return threading.Thread(target=target, args=args, name=name, daemon=True)


def _run(
    device: DemoDevice, connect: Callable[[], Connection], stop: threading.Event, clock: Clock, history_s: int
) -> None:
    connection = _connected(device, connect, stop)
    if connection is None:
        return
    try:
        told = _tick(clock)
        for payload in _past(device, told, history_s):
            _publish(connection, payload)
        while not stop.wait(_until_next(device, clock)):
            tick = _tick(clock)
            sent = messages.message(device, tick) if tick > told else None  # a wait may end a little early
            told = tick
            if sent is not None:
                _publish(connection, sent)
    finally:
        connection.close()


def _visit(ways: Mapping[DemoDevice, Callable[[], Connection]], stop: threading.Event, clock: Clock) -> None:
    """Let each hourly device speak in its turn; one that cannot tells it an hour later."""
    told: dict[DemoDevice, int] = {}
    while True:
        device = min(ways, key=lambda one: _until_next(one, clock))
        if stop.wait(_until_next(device, clock)):
            return
        tick = _tick(clock, device.period)
        since = max(told.get(device, 0), tick - DAY_SECONDS) + 1
        if tick < since:  # the wait ended a little early
            continue
        try:
            _tell(ways[device](), device, since, tick)
        except GopsError as error:
            log.info("demo_device_waits", device=device.address, reason=error.message, again_in_s=device.period)
        else:
            told[device] = tick


def _tell(connection: Connection, device: DemoDevice, since: int, tick: int) -> None:
    try:
        for payload in messages.history(device, since, tick):
            connection.publish(payload)
        newest = messages.message(device, tick)
        if newest is not None:
            connection.publish(newest)
        connection.flush()
    finally:
        connection.close()


def _past(device: DemoDevice, now: int, history_s: int) -> Iterator[bytes]:
    if history_s:
        yield from messages.history(device, now - DAY_SECONDS, now - history_s, COARSE_SECONDS)
    yield from messages.history(device, now - history_s, now + 1)


def _connected(device: DemoDevice, connect: Callable[[], Connection], stop: threading.Event) -> Connection | None:
    """Try until the broker is there and takes the credentials, ever slower; None when the demo ends before."""
    tries = 0
    while not stop.is_set():
        try:
            return connect()
        except GopsError as error:
            pause = PAUSE_SECONDS[min(tries, len(PAUSE_SECONDS) - 1)]
            log.info("demo_device_waits", device=device.address, reason=error.message, again_in_s=pause)
            tries += 1
            stop.wait(pause)
    return None


def _publish(connection: Connection, payload: bytes) -> None:
    """While the broker is away the device forgets, as one with little memory does; it must not wait for ever."""
    if connection.unacknowledged < MOST_UNACKNOWLEDGED:
        connection.publish(payload)


def _tick(clock: Clock, period: int = PERIOD_SECONDS) -> int:
    """The newest multiple of the period, in seconds since 1970."""
    now = clock.micros() // SECOND
    return now - now % period


def _until_next(device: DemoDevice, clock: Clock) -> float:
    """Seconds to the device's next moment to send: devices are spread over the period."""
    own = chance(device.address, "offset") * device.period
    return float(device.period - (clock.micros() / SECOND - own) % device.period)
