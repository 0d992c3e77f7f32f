"""Quality rules in a running GOPS: said over HTTP, held against what comes over MQTT and over HTTP, counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.running import RunningGops, wait_until
from tests.live.test_published_dataset import Client, post

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
HOLDS_SECONDS = 2.0


@pytest.fixture
def gops(tmp_path: Path) -> Iterator[RunningGops]:
    running = RunningGops(tmp_path).start()
    yield running
    running.stop()


def test_rules_hold_whatever_way_readings_come_in(gops: RunningGops) -> None:
    device = post(gops, "/organisations/gops/devices", {"name": "air-1"})
    _, things = gops.http("GET", "/api/v1/things?organisation=gops")
    wanted = {"thing": things["items"][0]["id"], "sensor": "SHT31", "observed_property": "temperature", "field": "t"}
    stream = post(gops, "/datastreams", wanted)["id"]
    now = int(time.time()) * 1000

    def qualities() -> Any:
        answer = gops.http("GET", f"/api/v1/datastreams/{stream}/observations")[1]
        return [one["quality"] for one in answer["observations"]]

    def flagged() -> Any:
        answer = gops.http("GET", f"/api/v1/datastreams/{stream}/quality")[1]
        return [(one["rule"], one["readings"]) for one in answer["flagged"]] == [("step", 2)] and answer

    def send(ago_s: int, value: float) -> None:
        client.publish("gops/v1/gops/air-1/up", {"ts": now - ago_s * 1000, "values": {"t": value}})

    client = Client(gops.mqtt_port, "gops/air-1", device["secret"], "gops/v1/gops/air-1/down/refused")
    client.subscribed.get(timeout=10)
    send(60, 20.0)
    wait_until(lambda: qualities() == ["good"], "the first reading, before there are rules")
    post(gops, f"/datastreams/{stream}/quality", {"step": 5.0, "late": "PT1H"}, "PUT")
    time.sleep(HOLDS_SECONDS)
    send(50, 40.0)
    wait_until(lambda: qualities() == ["good", "suspect"], "a jump over MQTT")
    row = {"datastream": stream, "time": now - 40_000, "value": 60.0}
    post(gops, "/observations", [row])
    assert qualities() == ["good", "suspect", "suspect"]
    send(3 * 3600, 20.0)
    _topic, refused = client.heard.get(timeout=10)
    assert [one["code"] for one in refused["refused"]] == ["too_late"]
    assert wait_until(flagged, "two jumps are counted")["last"]["last_value"] == 60.0
    client.close()
