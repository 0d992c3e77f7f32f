"""What a broker says to a client that connects once, asks for ingest's filters and leaves: for ``gops doctor``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as paho

from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.mqtt.client import MQTT5, MQTT311
from gops.ingest.mqtt.health import reason_of
from gops.ingest.mqtt.visit import visit, visitor
from gops.ingest.topics import INGEST_FILTERS

ANSWER_SECONDS = 5.0


@dataclass
class Greeting:
    """``problem`` is empty when the login was taken. The bounds are None where the broker names none (or lacks MQTT 5).

    ``denied``: filters of ingest that it may not read.
    """

    problem: str = "it did not answer"
    receive_maximum: int | None = None
    packet_bytes: int | None = None
    denied: tuple[str, ...] = ()
    done: bool = False


def greet(address: BrokerAddress) -> Greeting:
    """With MQTT 5, or else with 3.1.1. The session is a clean one and reads nothing."""
    found = _greet(address, MQTT5)
    return found if not found.problem else _greet(address, MQTT311)


def _greet(address: BrokerAddress, protocol: Any) -> Greeting:
    greeting = Greeting()
    client = visitor("gops-doctor", protocol)
    _listen(client, greeting)
    try:
        visit(client, address, ANSWER_SECONDS, lambda: greeting.done)
    except OSError as error:
        greeting.problem = reason_of(error)
    return greeting


def _listen(client: paho.Client, greeting: Greeting) -> None:
    def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        greeting.problem = f"it refused the connection: {reason}" if reason.is_failure else ""
        if reason.is_failure:
            greeting.done = True
            return
        greeting.receive_maximum = getattr(properties, "ReceiveMaximum", None)
        greeting.packet_bytes = getattr(properties, "MaximumPacketSize", None)
        # a second subscriber takes nothing from ingest, and at QoS 0 nothing is held for it
        client.subscribe([(one, 0) for one in INGEST_FILTERS])

    def on_subscribe(_client: Any, _data: Any, _packet: Any, reasons: Sequence[Any], _properties: Any) -> None:
        greeting.denied = tuple(
            name for name, reason in zip(INGEST_FILTERS, reasons, strict=False) if reason.is_failure
        )
        greeting.done = True

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
