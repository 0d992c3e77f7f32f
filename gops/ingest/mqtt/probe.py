"""Does the broker guard topics? Ingest takes a device's identity from its topic, so it has to.

A client without credentials subscribes to a topic that ingest doesn't read and publishes to it. ``open``: its message
came back, or its publication was accepted; ``guarded``: it was refused or swallowed; ``unknown``: the broker was away.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTProtocolVersion

from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.mqtt.client import MQTT5, MQTT311
from gops.ingest.mqtt.visit import visit, visitor

Verdict = Literal["open", "guarded", "unknown"]
PROBE_TOPIC = "gops/v1/gops-probe/gops-probe/probe"  # under the root that is to be guarded; neither up nor status
ANSWER_SECONDS = 3.0


@dataclass
class _Seen:
    answered: bool = False
    accepted: bool = False
    subscribed: bool = False
    published: bool = False
    returned: bool = False
    unsupported: bool = field(default=False)


def probe(address: BrokerAddress, wait_s: float = ANSWER_SECONDS) -> Verdict:
    """Ask once, with MQTT 5, which says whether a publication was accepted, or else with 3.1.1."""
    nobody = address.login(None, None)
    seen = _ask(nobody, MQTT5, wait_s)
    if seen.unsupported or not seen.answered:
        seen = _ask(nobody, MQTT311, wait_s)
    if not seen.answered:
        return "unknown"
    return "open" if seen.returned or seen.published else "guarded"


def _ask(address: BrokerAddress, protocol: MQTTProtocolVersion, wait_s: float) -> _Seen:
    seen = _Seen()
    client = visitor("gops-probe", protocol)
    _listen(client, seen)
    try:
        visit(client, address, wait_s, lambda: seen.returned or (seen.answered and not seen.accepted))
    except OSError:
        return seen
    return seen


def _listen(client: paho.Client, seen: _Seen) -> None:
    token = secrets.token_bytes(16)

    def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        seen.answered = True
        seen.unsupported = str(reason) == "Unsupported protocol version"
        seen.accepted = not reason.is_failure
        if seen.accepted:
            client.subscribe(PROBE_TOPIC, 1)

    def on_subscribe(*_arguments: Any) -> None:
        client.publish(PROBE_TOPIC, token, qos=1)

    def on_publish(_client: Any, _data: Any, _packet: int, reason: Any, _properties: Any) -> None:
        # "No matching subscribers" (0x10) is acceptance; in 3.1.1 a PUBACK says nothing
        seen.published = client.protocol == MQTT5 and not reason.is_failure

    def on_message(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        seen.returned = seen.returned or message.payload == token

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_publish = on_publish
    client.on_message = on_message
