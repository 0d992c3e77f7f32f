"""mqtts: the broker's certificate and name are verified, always."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gops.clock import SystemClock
from gops.errors import Unavailable
from gops.ingest.mqtt import BrokerAddress, DeviceClient, LinkHealth, LinkOptions, MqttLink
from tests.conftest import absent
from tests.live.mosquitto import INGEST_PASSWORD, Mosquitto, start_mosquitto
from tests.live.town import until

# paho leaves the socket of a failed handshake to the garbage collector, which closes it and warns
LEFT_BY_PAHO = "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
pytestmark = [pytest.mark.live, pytest.mark.filterwarnings(LEFT_BY_PAHO)]
OPTIONS = LinkOptions("gops-ingest", 100, 3600, 1000, 100, 1000, 1_000_000, 100)


def make_certificate(folder: Path, name: str) -> None:
    """A self-signed certificate for ``name``, trusted by itself."""
    if shutil.which("openssl") is None:
        absent("openssl is not installed")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    alternative = ["-addext", f"subjectAltName={'IP' if name[0].isdigit() else 'DNS'}:{name}"]
    subprocess.run([*command, *files, *alternative], check=True, capture_output=True)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "127.0.0.1")


@pytest.fixture
def broker(tmp_path: Path, name: str) -> Iterator[Mosquitto]:
    make_certificate(tmp_path, name)
    (tmp_path / "key.pem").chmod(0o644)
    extra = f"certfile {tmp_path / 'cert.pem'}\nkeyfile {tmp_path / 'key.pem'}"
    with start_mosquitto(tmp_path / "mosquitto", tls=extra) as running:
        yield running


def address(broker: Mosquitto, ca: Path | str) -> BrokerAddress:
    return BrokerAddress("127.0.0.1", broker.port, True, "gops", INGEST_PASSWORD, str(ca))


def health_of(where: BrokerAddress, holds: Any) -> LinkHealth:
    link = MqttLink(where, OPTIONS, SystemClock())
    link.start()
    try:
        until(lambda: holds(link.health()), "the link's health")
        return link.health()
    finally:
        link.stop()


def test_a_trusted_broker_is_talked_to(broker: Mosquitto, tmp_path: Path) -> None:
    assert health_of(address(broker, tmp_path / "cert.pem"), lambda health: health.connected).protocol == "5"


def test_many_messages_come_through(broker: Mosquitto, tmp_path: Path) -> None:
    """What TLS holds decrypted shows on no socket."""
    broker.add_device("city/dev", "x")
    where = address(broker, tmp_path / "cert.pem")
    link = MqttLink(where, OPTIONS, SystemClock())
    link.start()
    until(lambda: link.health().connected, "it connects")
    client = DeviceClient(replace(where, username="city/dev", password="x")).connect()
    for number in range(2000):
        client.publish(str(number).encode())
    got: list[int] = []
    while len(got) < 2000:
        taken = link.take(100, 5.0).messages
        assert taken, f"only {len(got)} came"
        got += [int(one.payload) for one in taken]
        link.acknowledge(taken)
    client.close()
    link.stop()
    assert got == list(range(2000))


def test_one_that_nobody_vouches_for_is_not(broker: Mosquitto) -> None:
    health = health_of(address(broker, ""), lambda health: health.last_error)
    assert not health.connected
    assert "certificate is not trusted" in health.last_error


@pytest.mark.parametrize("name", ["broker.example.kr"], indirect=True)
def test_one_with_another_name_is_not(broker: Mosquitto, tmp_path: Path) -> None:
    health = health_of(address(broker, tmp_path / "cert.pem"), lambda health: health.last_error)
    assert not health.connected
    assert "certificate is not trusted" in health.last_error


def test_a_device_does_not_send_its_secret_to_a_stranger(broker: Mosquitto) -> None:
    with pytest.raises(Unavailable):
        DeviceClient(replace(address(broker, ""), username="city/dev", password="x")).connect()
