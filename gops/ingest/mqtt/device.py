"""A device's side of MQTT, for the demo, ``gops replay`` and tests: publish, wait for the broker, hear the answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gops.errors import Invalid, Unauthenticated, Unavailable
from gops.ingest import topics
from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.mqtt.client import CONNECT_SECONDS, MQTT311, prepare

IN_FLIGHT = 500
KEEPALIVE_SECONDS = 30
GOODBYE_SECONDS = 1.0
OFFLINE = b'{"online":false}'
ONLINE = b'{"online":true}'

Heard = Callable[[str, bytes], None]
"""topic and payload of what GOPS sent to the device."""


class DeviceClient:
    """Speaks as the device that ``address`` logs in as. At most ``in_flight`` messages wait for their PUBACK.

    It reconnects by itself and sends again what had no PUBACK. With ``announce`` it says that it is online, and the
    broker says for it (its last will) when it is gone.
    """

    def __init__(
        self,
        address: BrokerAddress,
        heard: Heard | None = None,
        *,
        in_flight: int = IN_FLIGHT,
        announce: bool = False,
        client_id: str = "",
    ) -> None:
        self.name = address.username or ""
        self._address = address
        self._heard = heard
        self._announce = announce
        self._in_flight = in_flight
        self._unacknowledged = 0
        self._changed = threading.Condition()
        self._answer: str | None = None
        self._ready = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTT311)
        self._client.connect_timeout = CONNECT_SECONDS
        self._client.max_inflight_messages_set(in_flight)
        self._client.reconnect_delay_set(1, 30)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        prepare(self._client, address)
        if announce:
            self._client.will_set(topics.status(self.name), OFFLINE, qos=1)

    def connect(self, timeout_s: float = 10.0) -> DeviceClient:
        """Raises ``Unauthenticated`` when the broker refuses the credentials, ``Unavailable`` when it is not there."""
        try:
            self._client.connect(self._address.host, self._address.port, KEEPALIVE_SECONDS)
        except OSError as error:
            raise Unavailable(f"no MQTT broker answers at {self._address}") from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._answer, timeout_s)
            if self._ready:
                return self
            answer = self._answer
        self.close()
        if answer:
            raise Unauthenticated(f"the broker at {self._address} refused {self.name or 'nobody'}: {answer}")
        raise Unavailable(f"the MQTT broker at {self._address} did not answer within {timeout_s:g} s")

    def publish(self, payload: bytes, codec: str | None = None) -> None:
        """Send a message (QoS 1) on the device's own ``up`` topic; waits while too many are unacknowledged."""
        self.publish_to(topics.up(self.name, codec), payload)

    def publish_to(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._unacknowledged < self._in_flight)
        self._send(topic, payload, retain)

    def _send(self, topic: str, payload: bytes, retain: bool = False) -> None:
        with self._changed:
            self._unacknowledged += 1
        try:
            self._client.publish(topic, payload, qos=1, retain=retain)
        except ValueError as error:  # paho's own checks; the message is not under way
            self._acknowledge_one()
            raise Invalid("this can't be published over MQTT", field="topic", found=topic[:100]) from error

    @property
    def unacknowledged(self) -> int:
        """Messages that the broker has not acknowledged yet."""
        return self._unacknowledged

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until the broker has acknowledged everything. Raises ``Unavailable`` and says how many it has not."""
        with self._changed:
            if self._changed.wait_for(lambda: not self._unacknowledged, timeout_s):
                return
            waiting = self._unacknowledged
        raise Unavailable(f"the broker at {self._address} has not acknowledged {waiting} messages in {timeout_s:g} s")

    def subscribe(self, topic_filter: str) -> None:
        """More than the own answers; what comes goes to ``heard``."""
        self._client.subscribe(topic_filter, 1)

    def close(self) -> None:
        """Say goodbye; nobody hears the last will then, so it is said here."""
        if self._announce and self._client.is_connected():
            self._send(topics.status(self.name), OFFLINE)
            with self._changed:
                self._changed.wait_for(lambda: not self._unacknowledged, GOODBYE_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            with self._changed:
                self._answer = str(reason)
                self._changed.notify_all()
            return
        if self._announce:
            self._send(topics.status(self.name), ONLINE)
        if self._heard is not None and self.name:
            client.subscribe(f"{topics.ROOT}{self.name}/down/#", 1)
        else:
            self._is_ready()

    def _on_subscribe(self, *_arguments: Any) -> None:
        self._is_ready()

    def _is_ready(self) -> None:
        with self._changed:
            self._ready = True
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, _packet: int, _reason: Any, _properties: Any) -> None:
        self._acknowledge_one()

    def _acknowledge_one(self) -> None:
        with self._changed:
            self._unacknowledged -= 1
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if self._heard is not None:
            self._heard(message.topic, bytes(message.payload))
