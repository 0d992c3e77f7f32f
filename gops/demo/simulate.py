"""Run the simulated devices: each with its own credentials and connection, over real MQTT."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from gops import logs
from gops.clock import SECOND, Clock
from gops.demo import messages
from gops.demo.fleet import FLEET, PERIOD_SECONDS, DemoDevice
from gops.demo.signals import chance
from gops.errors import GopsError

HISTORY_SECONDS = 3600
DAY_SECONDS = 86_400
COARSE_SECONDS = 300  # one value in five minutes of the day before that hour
MOST_UNACKNOWLEDGED = 50
PAUSE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
log = logs.get(__name__)


class Connection(Protocol):
    """A device's side of MQTT; ``mqtt.DeviceClient`` is one. It reconnects by itself."""

    @property
    def unacknowledged(self) -> int:
        """Messages that the broker has not acknowledged yet."""

    def publish(self, payload: bytes) -> None:
        """Send on the device's ``up`` topic."""

    def close(self) -> None: ...


Connect = Callable[[str, str], Connection]
"""address and secret -> a connection; raises ``Unavailable`` or ``Unauthenticated``."""


def simulate(
    connect: Connect,
    credentials: Mapping[str, str],
    stop: threading.Event,
    clock: Clock,
    fleet: Sequence[DemoDevice] = FLEET,
    history_s: int = HISTORY_SECONDS,
) -> None:
    """Run every device of the fleet that has credentials until ``stop`` is set.

    Each first tells what it measured in the last ``history_s`` seconds, and a little of the day before, so that there
    is something to look at.
    """
    runs = [
        threading.Thread(
            target=_run,
            args=(device, lambda one=device: connect(one.address, credentials[one.address]), stop, clock, history_s),
            name=f"demo-{device.name}",
            daemon=True,
        )
        for device in fleet
        if device.address in credentials
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()


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


def _tick(clock: Clock) -> int:
    """The newest multiple of the period, in seconds since 1970."""
    now = clock.micros() // SECOND
    return now - now % PERIOD_SECONDS


def _until_next(device: DemoDevice, clock: Clock) -> float:
    """Seconds to the device's next moment to send: devices are spread over the period."""
    own = chance(device.address, "offset") * PERIOD_SECONDS
    return float(PERIOD_SECONDS - (clock.micros() / SECOND - own) % PERIOD_SECONDS)
