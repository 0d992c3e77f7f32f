"""A whole GOPS backed up while devices send, restored elsewhere, started, and compared."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gops import admin
from gops.clock import to_micros
from tests.live.running import RunningGops, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]
DAY = timedelta(days=1)
PAST = (datetime.now(UTC) - 10 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
LIVE_SECONDS = 0.02


class Sender:
    """A device that has sent the past, and sends on and on."""

    def __init__(self, gops: RunningGops, address: str, secret: str) -> None:
        self.receipts: set[str] = set()
        self.sent = 0
        self._topic = f"gops/v1/{address}/up"
        self._halt = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(address, secret)
        self._client.on_message = lambda _c, _u, message: self.receipts.add(json.loads(message.payload)["receipt"])
        self._client.connect("127.0.0.1", gops.mqtt_port)
        self._client.subscribe(f"gops/v1/{address}/down/receipt", 1)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def publish(self, receipt: str, readings: list[tuple[datetime, float]]) -> None:
        """Send readings with times, and wait until GOPS has them for good."""
        objects = [{"time": moment.isoformat(), "values": {"t": value}} for moment, value in readings]
        objects[0]["receipt"] = receipt
        self._client.publish(self._topic, json.dumps(objects), 1).wait_for_publish(10)
        wait_until(lambda: receipt in self.receipts, f"the receipt {receipt} comes", 20)

    def begin(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._halt.is_set():
            body = {"t": float(self.sent), "receipt": f"live {self.sent}"}
            self._client.publish(self._topic, json.dumps(body), 1).wait_for_publish(10)
            self.sent += 1
            self._halt.wait(LIVE_SECONDS)

    def stop(self) -> None:
        self._halt.set()
        if self._thread.is_alive():
            self._thread.join()
            wait_until(lambda: f"live {self.sent - 1}" in self.receipts, "the last receipt comes", 20)
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def first(tmp_path: Path) -> Iterator[RunningGops]:
    running = RunningGops(tmp_path / "first", GOPS_STORE_UPKEEP="false")
    running.folder.mkdir()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def second(tmp_path: Path, first: RunningGops) -> Iterator[RunningGops]:
    """Another machine: nothing is there but GOPS."""
    running = RunningGops(tmp_path / "second", GOPS_STORE_UPKEEP="false")
    running.folder.mkdir()
    yield running
    running.stop()


def post(gops: RunningGops, path: str, body: Any) -> Any:
    status, answer = gops.http("POST", f"/api/v1{path}", body)
    assert status < 300, answer
    return answer


def ask(gops: RunningGops, command: str, **arguments: Any) -> Any:
    """What the running server answers to a ``gops`` command, without another process."""
    return admin.call(gops.folder / "data" / "admin.sock", command, **arguments)


def device(gops: RunningGops) -> tuple[str, str, int]:
    """A new device with a Datastream: address, secret, id."""
    made = post(gops, "/organisations/gops/devices", {"name": "air"})
    thing = gops.http("GET", "/api/v1/things?organisation=gops")[1]["items"][0]["id"]
    wanted = {"thing": thing, "sensor": "SHT31", "observed_property": "temperature", "field": "t"}
    return made["address"], made["secret"], post(gops, "/datastreams", wanted)["id"]


def readings(gops: RunningGops, stream: int, start: datetime, end: datetime) -> list[Any]:
    window = f"from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"
    status, answer = gops.http("GET", f"/api/v1/datastreams/{stream}/observations?limit=10000&{window}")
    assert status == 200, answer
    return list(answer["observations"])


def fill(gops: RunningGops, sender: Sender) -> None:
    """Two sealed days, late readings in one of them, a correction, and a day that is not sealed."""
    minutes = [timedelta(minutes=n) for n in range(200)]
    sender.publish("day 1", [(PAST + minute, 1.0 + n) for n, minute in enumerate(minutes)])
    sender.publish("day 2", [(PAST + DAY + minute, 2.0 + n) for n, minute in enumerate(minutes)])
    ask(gops, "store.seal", until=to_micros(PAST + 3 * DAY))
    sender.publish("late", [(PAST + minutes[3], -3.0), (PAST + timedelta(seconds=30), -0.5)])
    sender.publish("day 5", [(PAST + 5 * DAY + minute, 5.0 + n) for n, minute in enumerate(minutes)])


def records(gops: RunningGops) -> dict[str, Any]:
    paths = ("organisations", "organisations/gops/devices", "things", "datastreams", "datasets?state=draft", "audit")
    return {path: gops.http("GET", f"/api/v1/{path}")[1] for path in paths}


def test_what_is_restored_is_what_was_there(first: RunningGops, second: RunningGops, tmp_path: Path) -> None:
    address, secret, stream = device(first)
    sender = Sender(first, address, secret)
    backups = tmp_path / "backups"
    try:
        wait_until(lambda: _says(sender, "hello"), "the new mapping has reached ingest")
        fill(first, sender)
        sizes = ask(first, "store.stats")
        assert (sizes["sealed_rows"], sizes["late_rows"]) == (400, 2)
        wait_until(lambda: first.http("GET", "/api/v1/datasets?state=draft")[1]["items"], "a draft is offered")
        before, past = records(first), readings(first, stream, PAST, PAST + 6 * DAY)
        assert len(past) == 601
        sender.begin()
        wait_until(lambda: sender.sent > 10, "readings come in")
        received = max(int(one.split()[1]) for one in sender.receipts if one.startswith("live"))
        made = json.loads(first.command("backup", str(backups), "--keep", "3", "--json"))
        sent = sender.sent
    finally:
        sender.stop()
    url = f"/api/v1/datastreams/{stream}/observations?from={PAST:%Y-%m-%d}T00:00:00Z&limit=1"
    etag = _etag(first, url)
    live = [one["value"] for one in readings(first, stream, PAST + 9 * DAY, PAST + 12 * DAY)]
    first.stop()

    second.command("restore", str(backups))
    second.key = first.key
    second.start()
    assert records(second) == before
    assert readings(second, stream, PAST, PAST + 6 * DAY) == past
    came = [one["value"] for one in readings(second, stream, PAST + 9 * DAY, PAST + 12 * DAY)]
    assert came == live[: len(came)]
    assert received < len(came) <= sent + 2, "all that was receipted before the backup began is in it"
    assert made["findings"] == ask(second, "store.check", deep=True) == []
    assert _etag(second, url) != etag, "versions come again, ETags do not"
    again = Sender(second, address, secret)
    try:
        wait_until(lambda: _says(again, "I am back"), "the device is known")
    finally:
        again.stop()


def _says(sender: Sender, receipt: str) -> bool:
    """Say it until it is taken: a mapping that is new reaches ingest within 2 s."""
    moment = datetime.now(UTC) - timedelta(hours=30)
    sender._client.publish(sender._topic, json.dumps({"time": moment.isoformat(), "t": 0, "receipt": receipt}), 1)
    time.sleep(0.3)
    return receipt in sender.receipts


def _etag(gops: RunningGops, path: str) -> str:
    import urllib.request

    request = urllib.request.Request(
        f"http://127.0.0.1:{gops.port}{path}", headers={"Authorization": f"Bearer {gops.key}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.headers["ETag"])
