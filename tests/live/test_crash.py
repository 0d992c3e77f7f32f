"""kill -9 under load, through Mosquitto: what was acknowledged or receipted is found exactly once.

A publisher sends readings at QoS 1 through a broker that is never killed, one device with times and one without,
while the supervisor, the worker, or both are killed at random moments. Every reading carries a value of its own, so
a lost one is a missing value and a doubled one a value seen twice. SOAK sets how often (8, and 20
in CI), SOAK_SEED which moments.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from tests.live.mosquitto import Mosquitto, start_mosquitto
from tests.live.running import RunningGops, wait_until

ROUNDS = int(os.environ.get("SOAK") or ("20" if os.environ.get("CI") else "8"))
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(2**32))
VICTIMS = ({"supervisor": True, "worker": False}, {"supervisor": False, "worker": True},
           {"supervisor": True, "worker": True})  # fmt: skip
PER_SECOND = 400
RECEIPT_EVERY = 25
DRAIN_SECONDS = 60.0

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(60 * 60 * 12)]


class Publisher(threading.Thread):
    """A device that sends value 0, 1, 2, ... and notes what the broker acknowledged and what GOPS receipted."""

    def __init__(self, broker: Mosquitto, address: str, secret: str, *, timed: bool, field: str = "count") -> None:
        super().__init__(name=f"publish-{address}", daemon=True)
        self.address = address
        self.timed = timed
        self.field = field
        self.acknowledged: set[int] = set()
        self.receipted: set[int] = set()
        self.sent = 0
        self._base_ms = (int(time.time()) - 86_400) * 1000
        self._by_packet: dict[int, int] = {}
        self._early: set[int] = set()
        self._lock = threading.Lock()
        self._halt = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=address.replace("/", "-"))
        self._client.username_pw_set(address, secret)
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.max_inflight_messages_set(200)
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe(f"gops/v1/{address}/down/receipt", 1)
        self._client.loop_start()

    def _on_publish(self, _client: Any, _data: Any, packet: int, _reason: Any, _properties: Any) -> None:
        with self._lock:
            if packet in self._by_packet:
                self.acknowledged.add(self._by_packet.pop(packet))
            else:
                self._early.add(packet)

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.receipted.add(int(json.loads(message.payload)["receipt"]))

    def run(self) -> None:
        begun = time.monotonic()
        while not self._halt.is_set():
            due = int((time.monotonic() - begun) * PER_SECOND)
            while self.sent < due:
                self._send(self.sent)
            time.sleep(0.01)

    def _send(self, number: int) -> None:
        body: dict[str, Any] = {self.field: number}
        if self.timed:
            body = {"ts": self._base_ms + number, "values": body}
        if number % RECEIPT_EVERY == 0:
            body["receipt"] = str(number)
        packet = self._client.publish(f"gops/v1/{self.address}/up", json.dumps(body), qos=1).mid
        with self._lock:
            if packet in self._early:  # the broker was quicker than we
                self._early.remove(packet)
                self.acknowledged.add(number)
            else:
                self._by_packet[packet] = number
        self.sent += 1

    def finish(self) -> None:
        self._halt.set()
        self.join()
        wait_until(lambda: not self._by_packet, "the broker has acknowledged every message")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path / "mosquitto") as running:
        yield running


def stored(gops: RunningGops, datastream: int) -> list[float]:
    """Every value of a Datastream, page by page."""
    values: list[float] = []
    path = f"/api/v1/datastreams/{datastream}/observations?limit=10000"
    while path:
        code, page = gops.http("GET", path)
        assert code == 200, page
        values += [row["value"] for row in page["observations"]]
        path = (page.get("next") or "").replace(f"http://127.0.0.1:{gops.port}", "")
    return values


def test_nothing_acknowledged_is_lost_or_doubled_by_kills(
    tmp_path: Path, broker: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    """Supervisor alone, worker alone, both: the restart needs no hand, and every reading is there once."""
    chance = random.Random(SEED)
    with capsys.disabled():
        print(f"\ncrash test: {ROUNDS} kills, SOAK_SEED={SEED}")
    gops = RunningGops(tmp_path, broker.url)
    (tmp_path / "data").mkdir()
    gops.command("init")
    gops.command("org", "add", "testcity", "--kind", "municipality", "--name-ko", "시험시", "--name-en", "Test City")
    devices = {}
    for name in ("timed", "untimed"):
        made = json.loads(gops.command("device", "add", f"testcity/{name}", "--field", "count", "--json"))
        gops.command("datastream", "publish", "testcity", str(made["fields"]["count"]))
        broker.add_device(f"testcity/{name}", made["secret"])
        devices[name] = made
    gops.start()
    publishers = {
        name: Publisher(broker, f"testcity/{name}", made["secret"], timed=name == "timed")
        for name, made in devices.items()
    }
    try:
        for publisher in publishers.values():
            publisher.start()
        for round_number in range(ROUNDS):
            time.sleep(chance.uniform(0.05, 1.5))
            victims = VICTIMS[round_number % len(VICTIMS)]
            gops.kill(**victims)
            if victims["supervisor"]:
                gops.start()
            gops.wait_ready()
        for publisher in publishers.values():
            publisher.finish()
        for name, publisher in publishers.items():
            datastream = devices[name]["fields"]["count"]
            wait_until(
                lambda d=datastream, p=publisher: len(stored(gops, d)) >= len(p.acknowledged),  # type: ignore[misc]
                f"every message of {name} is stored",
                DRAIN_SECONDS,
            )
        time.sleep(1.0)  # a doubled one may follow
        for name, publisher in publishers.items():
            found = Counter(int(value) for value in stored(gops, devices[name]["fields"]["count"]))
            lost = publisher.acknowledged - set(found)
            doubled = {value for value, times in found.items() if times > 1}
            assert not lost, f"{name}: {len(lost)} acknowledged readings are lost, e.g. {sorted(lost)[:5]}"
            assert not doubled, f"{name}: {len(doubled)} readings are doubled, e.g. {sorted(doubled)[:5]}"
            assert publisher.receipted <= set(found)
            assert publisher.receipted, f"{name}: no receipt came at all"
            assert len(found) == publisher.sent
    finally:
        for publisher in publishers.values():
            publisher.close()
        gops.stop()
