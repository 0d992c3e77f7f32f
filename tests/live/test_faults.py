"""Faults under load, on a real Mosquitto and the embedded store: full disk, slow store, clock jumps, a killed broker.

Every reading carries a value of its own: a lost one is a missing value, a doubled one a value seen twice. Kills of GOPS
are in ``test_crash``, cut wires in ``test_mosquitto_ingest``, lost seats in ``test_separate``.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gops.clock import HOUR, SystemClock
from gops.records.database import Database
from gops.store.duckdb import DuckdbStore
from gops.store.memory import MemoryStore
from gops.store.port import Delivery, Mode, Receipt
from tests.live.mosquitto import Mosquitto, start_mosquitto
from tests.live.test_crash import Publisher
from tests.live.town import Town, TownDevice, town, until

pytestmark = [pytest.mark.live, pytest.mark.slow]
MB = 1 << 20
DISK_MB = 48


class SlowStore(MemoryStore):
    """Confirms each write a while after it."""

    seconds = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.most_under_way = 0
        self._timers: list[threading.Timer] = []

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        done = super().submit(batch, mode, deliveries)
        later: Future[Receipt] = Future()
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        timer = threading.Timer(self.seconds, self._confirm, (later, done))
        self._timers.append(timer)
        timer.start()
        return later

    def _confirm(self, later: Future[Receipt], done: Future[Receipt]) -> None:
        self.under_way -= 1
        later.set_result(done.result())

    def close(self) -> None:
        for timer in self._timers:
            timer.join()
        super().close()


class JumpingClock(SystemClock):
    """``offset`` microseconds from the system's."""

    offset = 0

    def micros(self) -> int:
        return super().micros() + self.offset


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of ``DISK_MB``; skips where we may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk to fill can't be mounted by this user")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def begun(place: Town, broker: Mosquitto, *, timed: bool) -> tuple[TownDevice, Publisher]:
    """Ingest runs, and a device sends 400 readings a second."""
    place.start(broker)
    device = place.add_device("air")
    sender = Publisher(broker, device.address, device.secret, timed=timed, field="pm10")
    sender.start()
    return device, sender


def counted(place: Town, device: TownDevice) -> Counter[int]:
    return Counter(int(value) for value in place.values(device.streams["pm10"]))


def all_once(place: Town, device: TownDevice, sender: Publisher) -> None:
    """Wait for the end of it: every value is there, none twice."""
    sender.finish()
    until(lambda: len(counted(place, device)) >= sender.sent, "every reading is stored", 30)
    found = counted(place, device)
    assert set(found) == set(range(sender.sent))
    assert max(found.values()) == 1
    assert sender.receipted <= set(found)


def fill(folder: Path) -> Path:
    """Until nothing goes on the disk any more; the file to delete."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65_536)
        except OSError:
            return ballast


def test_a_full_disk_pauses_ingestion_and_it_goes_on_by_itself(
    settings: Any, database: Database, broker: Mosquitto, small_disk: Path
) -> None:
    place = town(settings.data, database, DuckdbStore(small_disk / "store", 128, 1, 64, 10_000, checkpoint_bytes=MB))
    try:
        device, sender = begun(place, broker, timed=True)
        until(lambda: counted(place, device), "readings come in")
        ballast = fill(small_disk)
        assert place.ingest is not None
        ingest = place.ingest
        until(lambda: ingest.health().stats.trouble.at == "store", "ingestion waits for the store", 20)
        assert not ingest.health().ok
        time.sleep(0.5)
        ballast.unlink()
        until(lambda: ingest.health().ok, "ingestion goes on", 20)
        all_once(place, device, sender)
        sender.close()
    finally:
        place.close()


def test_a_slow_store_is_given_a_bounded_number_of_batches_and_none_is_lost(
    settings: Any, database: Database, broker: Mosquitto
) -> None:
    store = SlowStore()
    place = town(settings.data, database, store, GOPS_MQTT_UNCOMMITTED="3", GOPS_MQTT_BATCH="50")
    try:
        device, sender = begun(place, broker, timed=True)
        until(lambda: store.most_under_way == 3, "as many batches as allowed are under way", 20)
        time.sleep(1.5)
        assert store.most_under_way == 3
        store.seconds = 0.01
        all_once(place, device, sender)
        sender.close()
    finally:
        place.close()


def test_jumps_of_the_clock_lose_and_double_nothing(settings: Any, database: Database, broker: Mosquitto) -> None:
    place = town(settings.data, database)
    clock = place.clock = JumpingClock()
    try:
        device, sender = begun(place, broker, timed=False)
        for jump in (HOUR, -HOUR, -2 * HOUR, 0):
            time.sleep(0.6)
            clock.offset = jump
        time.sleep(0.6)
        all_once(place, device, sender)
        sender.close()
    finally:
        place.close()


def test_what_a_killed_broker_loses_is_counted(
    settings: Any, database: Database, broker: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its PUBACK is its own promise: losses are printed, not judged. Nothing is doubled, and ingest comes back."""
    place = town(settings.data, database)
    try:
        device, sender = begun(place, broker, timed=True)
        time.sleep(1.0)
        os.kill(broker.pid, 9)
        broker.stop()
        time.sleep(0.3)
        broker.start()
        assert place.ingest is not None
        ingest = place.ingest
        until(lambda: ingest.health().link.connections >= 2 and ingest.health().ok, "ingest is back", 20)
        time.sleep(0.5)
        sender.finish()
        until(lambda: sender.sent - 1 in counted(place, device), "what came last is stored", 20)
        found = counted(place, device)
        assert max(found.values()) == 1
        assert sender.receipted <= set(found)
        lost = len(sender.acknowledged - set(found))
        with capsys.disabled():
            print(f"\nbroker killed: of {len(sender.acknowledged)} messages that it acknowledged {lost} were lost")
        sender.close()
    finally:
        place.close()
