"""A short conversation with a broker by a client of its own, which says what it wants to know and leaves."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.mqtt.client import CONNECT_SECONDS, prepare

STEP_SECONDS = 0.1


def visitor(name: str, protocol: MQTTProtocolVersion) -> paho.Client:
    """A client with a name nobody else has, and a clean session."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"{name}-{secrets.token_hex(4)}",
        protocol=protocol,
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_SECONDS
    return client


def visit(client: paho.Client, address: BrokerAddress, wait_s: float, done: Callable[[], bool]) -> None:
    """Connect, and answer what the broker says until ``done`` or for ``wait_s``. Raises ``OSError``."""
    prepare(client, address)
    client.connect(address.host, address.port, keepalive=30)
    end = time.monotonic() + wait_s
    while time.monotonic() < end and not done():
        if client.loop(STEP_SECONDS) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            break
    client.disconnect()
    client.loop(0)
