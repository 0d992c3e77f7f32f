"""Faults under load: what the broker acknowledged, GOPS receipted or a push was answered 2xx, against what is found.

Two devices (one sends times, one none) and a client that pushes send values 0, 1, 2, ... while a process is killed, a
wire cut, the disk filled, the store slowed or the clock turned. A lost reading is a missing value, a doubled one a
value found twice. Each fault is judged over what was sent from a moment before it until GOPS is back. A killed broker's
losses are its own: they are counted and not judged.

*back* is the time from the kill, or from the end of another fault, until GOPS has receipted something that was
sent after it: all that had waited is stored by then. Exit 1: a loss or a double; 3: back too late.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from gops import logs
from gops.clock import HOUR, SystemClock
from gops.errors import GopsError
from gops.records import migrate
from gops.records.database import Database
from gops.settings import load
from gops.store.duckdb import DuckdbStore
from gops.store.passing import PassingStore
from gops.store.port import Delivery, Mode, Receipt
from tests.live.mosquitto import BINARY, Mosquitto
from tests.live.running import RunningGops, wait_until
from tests.live.test_crash import Publisher, stored
from tests.live.town import Town
from tests.live.wire import Wire

BACK_SECONDS = 15.0  # the bar
PATIENCE_SECONDS = 180.0  # of a machine that is not ours alone
CALM_SECONDS = 1.0  # of load before each fault
CUT_SECONDS, FULL_SECONDS, SLOW_SECONDS = 3.0, 3.0, 6.0
SLOWED = 0.5  # seconds that a slow store takes to confirm a write
DISK_MB = 64
PUSHED_ROWS, PUSH_EVERY_SECONDS = 50, 0.25
DEVICES = ("timed", "untimed")
MAIL = "publisher@city.example"


class Sender(Publisher):
    """A device that also notes the highest number that was receipted, and hears receipts again on a new connection."""

    newest = -1

    def __init__(self, broker: Mosquitto, address: str, secret: str, *, timed: bool, field: str) -> None:
        super().__init__(broker, address, secret, timed=timed, field=field)
        self._client.on_connect = lambda client, *_: client.subscribe(f"gops/v1/{address}/down/receipt", 1)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        super()._on_message(client, data, message)
        self.newest = max(self.newest, int(json.loads(message.payload)["receipt"]))

    @property
    def confirmed(self) -> set[int]:
        return self.acknowledged | self.receipted


class Pusher(threading.Thread):
    """Pushes rows over HTTP; what is not answered 2xx is sent again until it is."""

    timed = True

    def __init__(self, gops: RunningGops, datastream: int) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.newest = -1
        self.confirmed: set[int] = set()
        self.receipted: set[int] = set()
        self._gops = gops
        self._datastream = datastream
        self._base = SystemClock().micros() - 24 * HOUR
        self._halt = threading.Event()

    def run(self) -> None:
        while not self._halt.wait(PUSH_EVERY_SECONDS):
            numbers = range(self.sent, self.sent + PUSHED_ROWS)
            self.sent += PUSHED_ROWS
            rows = [{"datastream": self._datastream, "time": self._time(one), "value": one} for one in numbers]
            while not self._push(rows):
                time.sleep(0.05)
            self.confirmed.update(numbers)
            self.newest = numbers[-1]

    def _time(self, number: int) -> int:
        return self._base // 1000 + number

    def _push(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        try:
            return self._gops.http("POST", "/api/v1/observations", list(rows))[0] == 200
        except (urllib.error.URLError, OSError):
            return False

    def finish(self) -> None:
        self._halt.set()
        self.join(PATIENCE_SECONDS)

    def close(self) -> None:
        self._halt.set()


@dataclass(frozen=True)
class Span:
    """A fault, and which numbers of each sender were sent around it."""

    name: str
    since: Sequence[int]
    until: Sequence[int]
    back: float
    judged: bool = True


@dataclass(frozen=True)
class Verdict:
    span: Span
    confirmed: int
    receipted: int
    found: int
    lost: int
    doubled: int

    def line(self) -> str:
        back = f"{self.span.back:.1f}" if self.span.back < math.inf else "never"
        said = "ok" if self.good else "LOSS" if self.lost else "DOUBLE" if self.doubled else "LATE"
        words = said if self.span.judged else "not judged"
        counts = (self.confirmed, self.receipted, self.found, self.lost, self.doubled)
        return f"{self.span.name:<26}" + "".join(f"{one:>11,}" for one in counts) + f"{back:>8}   {words}"

    @property
    def wrong(self) -> bool:
        return self.span.judged and bool(self.lost or self.doubled)

    @property
    def good(self) -> bool:
        return not self.wrong and self.span.back <= BACK_SECONDS


class Round:
    """Senders under way; ``read`` gives every value of a sender's Datastream."""

    def __init__(self, senders: Sequence[Any], read: Callable[[int], Sequence[float]]) -> None:
        self._senders = senders
        self._read = read
        self._spans: list[Span] = []
        for one in senders:
            one.start()

    def fault(self, name: str, make: Callable[[], float], *, judged: bool = True) -> None:
        """``make`` returns when it is over: the moment from which GOPS has to come back."""
        since = [one.sent for one in self._senders]
        time.sleep(CALM_SECONDS)
        begun = make()
        marks = [one.sent for one in self._senders]
        end = time.monotonic() + PATIENCE_SECONDS
        while any(one.newest < mark for one, mark in zip(self._senders, marks, strict=True)):
            if time.monotonic() > end:
                begun = -math.inf
                break
            time.sleep(0.01)
        back = time.monotonic() - begun
        self._spans.append(Span(name, since, [one.sent for one in self._senders], back, judged))

    def judge(self) -> list[Verdict]:
        for one in self._senders:
            one.finish()
        end = time.monotonic() + PATIENCE_SECONDS
        found = self._found()
        while time.monotonic() < end and any(
            one.confirmed - set(values) for one, values in zip(self._senders, found, strict=True)
        ):
            time.sleep(0.5)
            found = self._found()
            if not all(span.judged for span in self._spans):
                break  # what a killed broker lost never comes
        time.sleep(1.0)  # a doubled one may follow
        found = self._found()
        return [self._verdict(span, found) for span in self._spans]

    def _found(self) -> list[Counter[int]]:
        return [Counter(int(value) for value in self._read(place)) for place in range(len(self._senders))]

    def _verdict(self, span: Span, found: Sequence[Counter[int]]) -> Verdict:
        counts: Counter[str] = Counter()
        for one, values, since, until in zip(self._senders, found, span.since, span.until, strict=True):
            sent = set(range(since, until))
            confirmed = (one.confirmed | one.receipted) & sent
            counts["confirmed"] += len(confirmed)
            counts["receipted"] += len(one.receipted & sent)
            counts["found"] += len(sent & set(values))
            counts["lost"] += len(confirmed - set(values))
            counts["doubled"] += sum(values[number] - 1 for number in sent if values[number] > 1)
        return Verdict(span, **counts)

    def close(self) -> None:
        for one in self._senders:
            one.close()


@contextlib.contextmanager
def running(folder: Path, broker: Mosquitto, url: str, devices: Sequence[str]) -> Iterator[tuple[RunningGops, Round]]:
    """``gops run`` with its data in ``folder``, under load."""
    gops = RunningGops(folder, url, GOPS_LOG_LEVEL="WARNING")
    gops.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed GOPS is not compiled at every start
    (folder / "data").mkdir(parents=True)
    gops.command("init")
    gops.command("org", "add", "city", "--kind", "municipality", "--name-ko", "시", "--name-en", "City")
    made = [json.loads(gops.command("device", "add", f"city/{one}", "--field", "count", "--json")) for one in devices]
    pushed = json.loads(gops.command("device", "add", "city/pushed", "--field", "count", "--json"))
    streams = [one["fields"]["count"] for one in [*made, pushed]]
    for stream in streams:
        gops.command("datastream", "publish", "city", str(stream))
    gops.command("person", "add", "city", MAIL, "--name", "p", "--role", "publisher")
    gops.key = json.loads(gops.command("key", "issue", "city", MAIL, "--scope", "data:write", "--json"))["key"]
    for name, one in zip(devices, made, strict=True):
        broker.add_device(f"city/{name}", one["secret"])
    round_: Round | None = None
    try:
        start(gops)
        senders = [
            Sender(broker, f"city/{name}", one["secret"], timed=name == "timed", field="count")
            for name, one in zip(devices, made, strict=True)
        ]
        round_ = Round([*senders, Pusher(gops, streams[-1])], lambda place: stored(gops, streams[place]))
        yield gops, round_
    finally:
        if round_ is not None:
            round_.close()
        gops.stop()


@contextlib.contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, tls="\n".join(lines)).start()
    try:
        yield broker
    finally:
        broker.stop()


def kill(gops: RunningGops, *, supervisor: bool, worker: bool) -> float:
    begun = time.monotonic()
    gops.kill(supervisor=supervisor, worker=worker)
    if supervisor:
        start(gops)  # systemd's part
    return begun


def start(gops: RunningGops) -> None:
    """As long as it takes: how long is what is measured."""
    try:
        gops.start()
    except AssertionError:
        wait_until(gops.is_ready, "GOPS is ready", PATIENCE_SECONDS)


def processes(folder: Path) -> list[Verdict]:
    """Supervisor, worker, both; and the wire to the broker."""
    with mosquitto(folder / "broker") as broker:
        wire = Wire(broker.port)
        url = broker.url.replace(str(broker.port), str(wire.port))

        def cut() -> float:
            wire.cut(keep_down=True)
            time.sleep(CUT_SECONDS)
            wire.mend()
            return time.monotonic()

        def mute() -> float:
            """What GOPS acknowledges gets lost, then the connection: all of it is redelivered."""
            wire.mute()
            time.sleep(1.0)
            wire.cut()
            return time.monotonic()

        try:
            with running(folder / "gops", broker, url, DEVICES) as (gops, load_):
                load_.fault("worker killed", lambda: kill(gops, supervisor=False, worker=True))
                load_.fault("supervisor killed", lambda: kill(gops, supervisor=True, worker=False))
                load_.fault("both killed", lambda: kill(gops, supervisor=True, worker=True))
                load_.fault(f"network cut for {CUT_SECONDS:g} s", cut)
                load_.fault("acknowledgements lost", mute)
                return load_.judge()
        finally:
            wire.close()


def brokers(folder: Path) -> list[Verdict]:
    """The broker restarted in order, with its persistence; and killed. A device whose PUBACK got lost sends again under
    another packet id, which only a time in the message makes one reading: all have times here."""
    lines = ("persistence true", f"persistence_location {folder / 'broker'}/")

    with mosquitto(folder / "broker", *lines) as broker:

        def restart() -> float:
            broker.stop()
            time.sleep(0.5)
            broker.start()
            return time.monotonic()

        def shoot() -> float:
            os.kill(broker.pid, signal.SIGKILL)
            return restart()

        with running(folder / "gops", broker, broker.url, DEVICES[:1]) as (_gops, load_):
            load_.fault("broker restarted", restart)
            load_.fault("broker killed", shoot, judged=False)
            return load_.judge()


def full_disk(folder: Path) -> list[Verdict]:
    """Records and store on a disk of ``DISK_MB`` that is filled to its last byte for a while."""
    disk = folder / "gops"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        print("disk full: left out, this user may not mount a disk to fill")
        return []

    def fill() -> float:
        ballast = disk / "ballast"
        end = time.monotonic() + FULL_SECONDS
        with ballast.open("wb", buffering=0) as file:
            while time.monotonic() < end:
                try:
                    file.write(b"x" * 4_096)
                except OSError:
                    time.sleep(0.01)  # what GOPS frees meanwhile is taken, too
        ballast.unlink()
        return time.monotonic()

    try:
        with mosquitto(folder / "broker") as broker, running(disk, broker, broker.url, DEVICES) as (_gops, load_):
            load_.fault(f"disk full for {FULL_SECONDS:g} s", fill)
            return load_.judge()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


class SlowStore(PassingStore):
    """Confirms each write ``seconds`` after it."""

    seconds = 0.0

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        done = self._store.submit(batch, mode, deliveries)
        if not self.seconds:
            return done
        later: Future[Receipt] = Future()
        threading.Timer(self.seconds, lambda: later.set_result(done.result())).start()
        return later


class TurnedClock(SystemClock):
    """``offset`` microseconds from the system's."""

    offset = 0

    def micros(self) -> int:
        return super().micros() + self.offset


def within(folder: Path) -> list[Verdict]:
    """What can't be had from outside: a slow store, and a clock that is turned; ingest in this process."""
    settings = load({"GOPS_DATA": str(folder), "GOPS_MQTT_BATCH": "50", "GOPS_MQTT_UNCOMMITTED": "3"})
    database = Database(settings.records_address)
    migrate.upgrade(database)
    store = SlowStore(DuckdbStore(folder / "store", 128, 1, 64, 10_000))
    place = Town(settings, database, store)
    clock = place.clock = TurnedClock()

    def slow() -> float:
        store.seconds = SLOWED
        time.sleep(SLOW_SECONDS)
        store.seconds = 0.0
        return time.monotonic()

    def turn() -> float:
        for hours in (1, -1, -2, 0):
            clock.offset = hours * HOUR
            time.sleep(0.7)
        return time.monotonic()

    with mosquitto(folder / "broker") as broker:
        try:
            place.start(broker)
            devices = [place.add_device(name) for name in DEVICES]
            senders = [
                Sender(broker, one.address, one.secret, timed=name == "timed", field="pm10")
                for name, one in zip(DEVICES, devices, strict=True)
            ]
            load_ = Round(senders, lambda number: place.values(devices[number].streams["pm10"]))
            load_.fault(f"store {SLOWED * 1000:.0f} ms slow", slow)
            load_.fault("clock +1 h, -2 h, -1 h, +2 h", turn)
            found = load_.judge()
            load_.close()
            return found
        finally:
            place.close()
            database.close()


PARTS: Mapping[str, Callable[[Path], list[Verdict]]] = {
    "processes": processes,
    "disk": full_disk,
    "within": within,
    "brokers": brokers,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--part", choices=PARTS, help="one of them (default: all)")
    parser.add_argument("--rounds", type=int, default=1, help="of each part (1)")
    parser.add_argument("--full", action="store_true", help="5 rounds")
    chosen = parser.parse_args()
    if BINARY is None:
        print("left out: mosquitto is not installed")
        return 0
    logs.configure("CRITICAL")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is stopped
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    columns = ("confirmed", "receipted", "found", "lost", "doubled")
    print(f"{'fault':<26}" + "".join(f"{one:>11}" for one in columns) + f"{'back s':>8}")
    verdicts: list[Verdict] = []
    for _ in range(5 if chosen.full else chosen.rounds):
        for name in [chosen.part] if chosen.part else PARTS:
            with tempfile.TemporaryDirectory(prefix="gops-bench-") as folder:
                try:
                    found = PARTS[name](Path(folder))
                except (GopsError, AssertionError) as error:
                    print(f"{name}: {error}")
                    return 1
            for one in found:
                print(one.line(), flush=True)
            verdicts += found
    wrong, late = any(one.wrong for one in verdicts), not all(one.good for one in verdicts)
    print(f"nothing confirmed may be lost, nothing doubled: {'MISSED' if wrong else 'met'};", end=" ")
    print(f"back within {BACK_SECONDS:g} s: {'MISSED' if late and not wrong else 'met'}")
    return 1 if wrong else 3 if late else 0


if __name__ == "__main__":
    sys.exit(main())
