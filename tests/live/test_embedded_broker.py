"""The embedded broker as a process: its life, its logins from the records, and what its death costs."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gops.accounts.keys import Keys
from gops.errors import Unauthenticated
from gops.ingest.mqtt import DeviceClient, parse
from gops.ingest.secret import ingest_address, service_secret
from gops.permissions import Actor
from gops.records.database import Database
from tests.live.embedded import Embedded, start_embedded
from tests.live.town import Heard, Town, town, until

pytestmark = pytest.mark.live


@pytest.fixture
def place(settings: Any, database: Database) -> Iterator[Town]:
    made = town(settings.data, database)
    yield made
    made.close()


@pytest.fixture
def broker(place: Town) -> Iterator[Embedded]:
    with start_embedded(place.settings.data) as started:
        yield started


class TestLife:
    def test_it_ends_with_its_parent_even_when_that_is_killed(self, place: Town) -> None:
        """An orphan would keep the port."""
        port = Embedded(place.settings.data).port
        code = (
            "import subprocess, sys, time; "
            "child = subprocess.Popen([sys.executable, '-m', 'gops.ingest.broker']); "
            "print(child.pid, flush=True); time.sleep(60)"
        )
        environ = {**os.environ, "GOPS_DATA": str(place.settings.data), "GOPS_MQTT_BROKER_PORT": str(port)}
        with subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            until(lambda: _listens(place, port), "the broker listens")
            parent.kill()
        until(lambda: not _is_alive(child), "the broker has ended", 5.0)

    def test_it_ends_at_sigterm_with_its_clients_connected(self, place: Town, broker: Embedded) -> None:
        place.broker = broker
        place.speak(place.add_device("air"))
        os.kill(broker.pid, signal.SIGTERM)
        until(lambda: broker._process is not None and broker._process.poll() == 0, "it ends in order", 5.0)

    def test_a_taken_port_ends_it_with_a_reason(self, place: Town, broker: Embedded) -> None:
        environ = {**os.environ, "GOPS_DATA": str(place.settings.data), "GOPS_MQTT_BROKER_PORT": str(broker.port)}
        command = [sys.executable, "-m", "gops.ingest.broker"]
        second = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
        assert second.returncode != 0
        assert str(broker.port) in second.stderr

    def test_its_secret_is_for_gops_alone(self, place: Town) -> None:
        secret = service_secret(place.settings.data)
        path = place.settings.data / "secrets" / "ingest"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert service_secret(place.settings.data) == secret
        assert len(secret) >= 40
        assert list(path.parent.iterdir()) == [path]

    def test_ingest_finds_it_without_any_setting(self, place: Town, broker: Embedded) -> None:
        settings = replace(place.settings, mqtt_broker_port=broker.port)
        assert ingest_address(settings) == replace(parse(broker.url))

    def test_nothing_secret_is_logged(self, place: Town, broker: Embedded) -> None:
        place.start(broker)
        device = place.add_device("air")
        place.speak(device).publish(b'{"pm10": 1}')
        with pytest.raises(Unauthenticated):
            DeviceClient(parse(broker.device_url(device.address, "wr0ng-secret"))).connect()
        until(lambda: "wrong credentials" in broker.log_file.read_text(), "it logs the refusal")
        said = broker.log_file.read_text()
        for secret in (device.secret, "wr0ng-secret", service_secret(place.settings.data)):
            assert secret not in said


class TestChanges:
    def test_a_revoked_device_is_hung_up_on_within_2_s(self, place: Town, broker: Embedded) -> None:
        place.start(broker)
        device = place.add_device("air")
        client = place.speak(device)
        begun = time.monotonic()
        place.devices.revoke(place.owner, device.address, "stolen")
        until(lambda: not client._client.is_connected(), "it is hung up on", 2.0)
        assert time.monotonic() - begun < 2.0
        with pytest.raises(Unauthenticated):
            DeviceClient(parse(broker.device_url(device.address, device.secret))).connect()

    def test_one_with_a_new_secret_has_to_use_it(self, place: Town, broker: Embedded) -> None:
        place.start(broker)
        device = place.add_device("air")
        client = place.speak(device)
        secret = place.devices.rotate(place.owner, device.address)
        until(lambda: not client._client.is_connected(), "it is hung up on", 2.0)
        with pytest.raises(Unauthenticated):
            DeviceClient(parse(broker.device_url(device.address, device.secret))).connect()
        place.speak(replace(device, secret=secret)).publish(b'{"pm10": 1}')
        until(lambda: place.values(device.streams["pm10"]) == [1.0], "it is stored")

    def test_a_new_device_may_speak_at_once(self, place: Town, broker: Embedded) -> None:
        place.start(broker)
        device = place.add_device("new")
        client = place.speak(device)
        client.publish(b'{"pm10": 1}')
        client.flush()
        assert place.values(device.streams["pm10"]) == [1.0]

    def test_a_key_reads_live_data_until_it_is_revoked(self, place: Town, broker: Embedded) -> None:
        ingest = place.start(broker)
        keys = Keys(place.database, place.clock, place.settings)
        own = keys.issue(place.owner, "display", ["data:read"], 30)
        heard: list[bytes] = []
        address = replace(parse(broker.device_url("key", own[1])))
        reader = DeviceClient(address, None).connect()
        reader._heard = lambda _topic, payload: heard.append(payload)
        reader.subscribe("gops/live/#")
        until(lambda: ingest.link.publish("gops/live/v1/air/1", b"21.5") and heard, "it hears")
        keys.revoke(_fresh(place.owner), own[0].id)
        until(lambda: not reader._client.is_connected(), "it is hung up on", 2.0)
        reader.close()


class TestDeath:
    def test_killed_under_load_it_loses_nothing_that_it_acknowledged(self, place: Town, broker: Embedded) -> None:
        """Its PUBACK comes after the commit; the rest the device sends again."""
        ingest = place.start(broker)
        device = place.add_device("air")
        client = place.speak(device, in_flight=100)
        client._client.reconnect_delay_set(1, 1)
        now = int(time.time() * 1000) - 100_000
        for number in range(3000):
            if number in (700, 1900):
                broker.kill()
                broker.start()
            client.publish(json.dumps({"ts": now + number, "values": {"pm10": number}}).encode())
        client.flush(30)
        assert sorted(place.values(device.streams["pm10"])) == [float(number) for number in range(3000)]
        assert ingest.health().link.connections == 3

    def test_ingest_is_back_with_it(self, place: Town, broker: Embedded) -> None:
        ingest = place.start(broker)
        device = place.add_device("air")
        broker.kill()
        until(lambda: not ingest.health().ok, "it shows")
        broker.start()
        until(lambda: ingest.health().ok, "it is well again")
        heard = Heard()
        place.speak(device, heard).publish(b'{"pm10": 1, "receipt": "r"}')
        until(lambda: heard.receipts, "the receipt comes")


def _fresh(actor: Actor) -> Actor:
    return replace(actor)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _listens(place: Town, port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
