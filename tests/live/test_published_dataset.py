"""From a device over the embedded broker to a stranger: published, found, downloaded, and heard as it comes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import queue
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.live.running import RunningGops, wait_until
from tests.proof import needed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
COMPLETE = {
    "title_ko": "시험 도시 온도",
    "title_en": "Temperature of a test city",
    "description_ko": "시험",
    "description_en": "A test",
    "licence": "kogl-1",
    "theme": "environment",
    "keywords": ["기온"],
    "contact_name": "시험과",
    "contact_email": "data@example.kr",
    "frequency": "continuous",
    "personal_data": "none",
}


@pytest.fixture
def gops(tmp_path: Path) -> Iterator[RunningGops]:
    running = RunningGops(tmp_path).start()
    yield running
    running.stop()


class Client:
    """Somebody at the broker."""

    def __init__(self, port: int, user: str, password: str, topic: str | None = None) -> None:
        self.heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.subscribed: queue.Queue[list[int]] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.username_pw_set(user, password)
        self._client.on_message = lambda _c, _u, message: self.heard.put((message.topic, json.loads(message.payload)))
        self._client.on_subscribe = lambda _c, _u, _m, codes, _p: self.subscribed.put([code.value for code in codes])
        self._client.on_connect = lambda *_: topic and self._client.subscribe(topic, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, topic: str, body: Any) -> None:
        self._client.publish(topic, json.dumps(body), 1).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def post(gops: RunningGops, path: str, body: Any = None, method: str = "POST") -> Any:
    status, answer = gops.http(method, f"/api/v1{path}", body)
    assert status < 300, answer
    return answer


def test_a_reading_of_a_device_becomes_open_data(gops: RunningGops) -> None:
    device = post(gops, "/organisations/gops/devices", {"name": "air-1"})
    _, things = gops.http("GET", "/api/v1/things?organisation=gops")
    thing = things["items"][0]["id"]
    wanted = {"thing": thing, "sensor": "SHT31", "observed_property": "temperature", "field": "t"}
    stream = post(gops, "/datastreams", wanted)["id"]

    def draft() -> Any:
        items = gops.http("GET", "/api/v1/datasets?state=draft")[1]["items"]
        return [one for one in items if one["datastreams"]]

    (offered,) = wait_until(draft, "a draft is offered")
    assert offered["slug"] == "gops-devices"
    post(gops, "/datasets/gops-devices", COMPLETE | {"slug": "city-air"}, "PATCH")
    post(gops, "/datasets/city-air/publish")
    reader = Client(gops.mqtt_port, "key", gops.key, "gops/live/v1/city-air/+")
    sender = Client(gops.mqtt_port, device["address"], device["secret"])
    try:
        assert reader.subscribed.get(timeout=10) == [1]
        wait_until(lambda: _said(sender, reader, device["address"]), "a reading is heard", 30)
        topic, body = reader.heard.get(timeout=1)
        assert topic == f"gops/live/v1/city-air/{stream}"
        assert (body["value"], body["unit"], body["quality"]) == (21.5, "Cel", "good")
    finally:
        sender.close()
        reader.close()
    stranger = f"http://127.0.0.1:{gops.port}/api/v1/datasets/city-air/data?format=csv"
    with urllib.request.urlopen(stranger, timeout=10) as answer:
        text = answer.read().decode()
    header, first, *_ = list(csv.reader(io.StringIO(text)))
    assert header == ["time", "thing", "property", "value", "unit", "quality"]
    assert first[1:] == ["air-1", "temperature", "21.5", "Cel", "good"]
    frozen(gops, stranger, text)
    _, document = gops.http("GET", "/catalog.jsonld")
    (dataset,) = document["dcat:dataset"]
    assert dataset["@id"] == f"http://127.0.0.1:{gops.port}/api/v1/datasets/city-air"
    assert dataset["dcat:hasCurrentVersion"]["@id"].endswith("/datasets/city-air/snapshots/1")
    by_ckan(f"http://127.0.0.1:{gops.port}", made=first[0])


def by_ckan(address: str, made: str) -> None:
    """CKAN's own client finds the dataset and reads its rows."""
    ckanapi = needed("ckanapi")
    with ckanapi.RemoteCKAN(address) as ckan:
        found = ckan.action.package_search(q="*:*", **{"facet.field": ["organization"]})
        assert (found["count"], found["facets"]) == (1, {"organization": {"gops": 1}})
        (readable,) = [one for one in found["results"][0]["resources"] if one["datastore_active"]]
        rows = ckan.action.datastore_search(resource_id=readable["id"], sort="time", limit=1)
        assert (rows["records"][0]["time"], rows["records"][0]["value"]) == (made, 21.5)
        assert rows["total"] >= 1


def frozen(gops: RunningGops, live: str, text: str) -> None:
    """A snapshot is made within seconds, its file comes in ranges under its hash, and asof gives what was live."""
    address = post(gops, "/datasets/city-air/snapshots")["address"]
    made = wait_until(lambda: _complete(gops.http("GET", address)[1]), "the snapshot is made")
    file = f"http://127.0.0.1:{gops.port}{made['files'][0]['address']}"
    with urllib.request.urlopen(file, timeout=10) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == made["files"][0]["sha256"]
    with urllib.request.urlopen(urllib.request.Request(file, headers={"Range": "bytes=0-3"}), timeout=10) as answer:
        assert (answer.status, answer.read()) == (206, b"PAR1")
    with urllib.request.urlopen(f"{live}&asof=2199-01-01", timeout=10) as answer:
        assert answer.headers["GOPS-Snapshot"].startswith(f'1;sha256="{made["sha256"]}"')
        assert answer.read().decode().startswith(text)


def _complete(snapshot: Any) -> Any:
    return snapshot if snapshot["state"] == "complete" else None


def _said(sender: Client, reader: Client, address: str) -> bool:
    """Say it until it is heard: a mapping that is new and a dataset that is new reach ingest within 2 s."""
    sender.publish(f"gops/v1/{address}/up", {"t": 21.5})
    try:
        reader.heard.put(reader.heard.get(timeout=1))
    except queue.Empty:
        return False
    return True
