"""An alert's whole way: a device's message, a real Mosquitto, a siren that hears of it, and a receiver of webhooks."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gops.alerts.rules import Wish
from gops.alerts.running import RunningAlerts
from gops.alerts.service import Alerts
from gops.notify.webhook import verify
from gops.outbound import Outbound
from gops.records.database import Database
from gops.records.pump import EventPump
from gops.settings import Settings
from gops.store.memory import MemoryStore
from gops.store.watched import WatchedStore
from tests.live.mosquitto import start_mosquitto
from tests.live.town import Town, until
from tests.unit.alerts.test_sending import Receiver

pytestmark = pytest.mark.live


def test_a_siren_and_a_webhook_hear_of_a_reading_over_the_threshold(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """And of its end. Nobody else hears the siren's topic."""
    settings = replace(settings, outbound_allow=(ip_network("127.0.0.0/8"),))
    engine, receiver = MemoryStore(), Receiver()
    place = Town(settings, database)
    running = RunningAlerts(database, place.clock, settings, engine)
    place.store = WatchedStore(engine, running.after_commit)
    pump = EventPump(database, running.handlers, 100)
    with start_mosquitto(tmp_path / "mosquitto") as broker:
        try:
            running.sender.publish = place.start(broker).link.publish
            air, siren = place.add_device("air"), place.add_device("siren")
            heard: list[tuple[str, Any]] = []
            place.speak(siren, lambda topic, payload: heard.append((topic, json.loads(payload))))  # type: ignore[arg-type]
            overheard: list[str] = []
            speaker = place.speak(air, lambda topic, _payload: overheard.append(topic))  # type: ignore[arg-type]
            channels = [{"kind": "mqtt", "device": "siren"}, {"kind": "webhook", "url": receiver.url}]
            wish = Wish("먼지", [air.streams["pm10"]], "gte", 80.0, channels=channels)
            alerts = Alerts(database, place.clock, settings, Outbound.of(settings))
            _rule, secret = alerts.create(place.owner, "city", wish)
            pump.start()
            running.start()
            until(lambda: len(running.evaluator.watched), "the rule is watched", 5.0)
            speaker.publish(b'{"pm10": 95}')
            until(lambda: len(heard) == 1 and len(receiver.heard) == 1, "both heard", 10.0)
            speaker.publish(b'{"pm10": 20}')
            until(lambda: len(heard) == 2 and len(receiver.heard) == 2, "both heard the end", 10.0)
        finally:
            running.stop()
            pump.stop()
            place.close()
            receiver.close()
    assert [(topic, body["what"]) for topic, body in heard] == [
        ("gops/v1/city/siren/down/alert", "fired"),
        ("gops/v1/city/siren/down/alert", "cleared"),
    ]
    assert overheard == []
    for headers, body in receiver.heard:
        assert verify(secret, body, headers["GOPS-Signature"], place.clock.micros() // 1_000_000)
    assert sorted(json.loads(body)["what"] for _headers, body in receiver.heard) == ["cleared", "fired"]
