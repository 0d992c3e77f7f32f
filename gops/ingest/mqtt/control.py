"""Commands to Mosquitto's dynamic security plugin, over its control topic.

Source: the plugin's documentation, https://mosquitto.org/documentation/dynamic-security/ and version 2.0.11.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import orjson
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gops.errors import Unauthenticated, Unavailable
from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.mqtt.client import CONNECT_SECONDS, MQTT311, prepare

TOPIC = "$CONTROL/dynamic-security/v1"
ANSWER_TOPIC = TOPIC + "/response"
ANSWER_SECONDS = 60.0  # the plugin writes its whole file anew at each command
KEEPALIVE_SECONDS = 60
BATCH = 10  # commands in one message: Mosquitto serves nobody else while it works on one

Command = dict[str, Any]


class DynsecControl:
    """A context manager: connected inside. Raises ``Unauthenticated`` or ``Unavailable``."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._changed = threading.Condition()
        self._ready = False
        self._refused = ""
        self._answers: list[Any] = []
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"gops-broker-{secrets.token_hex(4)}",
            protocol=MQTT311,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = CONNECT_SECONDS
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def __enter__(self) -> DynsecControl:
        try:
            prepare(self._client, self._address)
            self._client.connect(self._address.host, self._address.port, KEEPALIVE_SECONDS)
        except OSError as error:
            raise Unavailable(f"no MQTT broker answers at {self._address}") from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._refused, CONNECT_SECONDS)
            ready, refused = self._ready, self._refused
        if ready:
            return self
        self._close()
        if refused:
            raise Unauthenticated(f"the broker at {self._address} refused {self._address.username}: {refused}")
        raise Unavailable(f"the MQTT broker at {self._address} did not answer within {CONNECT_SECONDS:g} s")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The plugin's answer to each command, in order: ``command``, and ``data`` or ``error``."""
        answers: list[Any] = []
        for begin in range(0, len(commands), BATCH):
            answers += self._batch(commands[begin : begin + BATCH])
        return answers

    def _batch(self, commands: Sequence[Command]) -> list[Any]:
        with self._changed:
            self._answers = []
        self._client.publish(TOPIC, orjson.dumps({"commands": list(commands)}), qos=1)
        with self._changed:
            self._changed.wait_for(lambda: len(self._answers) >= len(commands) or self._refused, ANSWER_SECONDS)
            if len(self._answers) == len(commands):
                return self._answers
            found = len(self._answers)
        raise Unavailable(
            f"the broker at {self._address} answered {found} of {len(commands)} commands within {ANSWER_SECONDS:g} s; "
            "has its login the role that administers dynamic security, and does the plugin run?"
        )

    def _close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say_refused(str(reason))
            return
        client.subscribe(ANSWER_TOPIC, 1)

    def _on_subscribe(self, _client: Any, _data: Any, _packet: Any, reasons: Sequence[Any], _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._say_refused(f"it may not read {ANSWER_TOPIC}")
            return
        with self._changed:
            self._ready = True
            self._changed.notify_all()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say_refused(f"the connection was lost: {reason}")

    def _say_refused(self, why: str) -> None:
        with self._changed:
            self._refused = self._refused or why
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        answers = orjson.loads(message.payload).get("responses", [])
        with self._changed:
            self._answers += answers
            self._changed.notify_all()
