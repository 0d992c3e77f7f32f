"""paho's client as ingest uses it: driven by our own loop, with a short way in and acknowledgements in one write.

paho builds a Properties object, a Condition and two log lines for every message it receives; with MQTT 5 that is four
fifths of the time that receiving costs. ``IngestClient`` reads a PUBLISH straight from the packet instead. The hook it
overrides is private to paho: should a later paho not call it, messages arrive through ``on_message`` as ever, slower.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gops.ingest.mqtt.address import BrokerAddress

PUBACK = 0x40
PUBACK_HEAD = 0x4002  # packet type and remaining length
CONNECT_SECONDS = 10.0
MQTT5 = MQTTProtocolVersion.MQTTv5
MQTT311 = MQTTProtocolVersion.MQTTv311

Receive = Callable[[str, bytes, int, int, bool, bool], None]
"""topic, payload, packet id (0 at QoS 0), QoS, DUP, retain."""


class IngestClient(paho.Client):
    """``receive`` gets every PUBLISH. It must not raise. ``located`` are the IP addresses to connect to; the
    certificate has to name the host all the same."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        protocol: MQTTProtocolVersion,
        receive: Receive,
        located: Sequence[str] | None = None,
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if protocol == MQTT5 else False,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.receive = receive
        self._located = located
        self.connect_timeout = CONNECT_SECONDS
        self.on_message = self._slow_message
        self.on_socket_open = _no_delay
        self.on_socket_register_write = _leave_to_loop
        prepare(self, address)

    def open(self, address: BrokerAddress, keepalive: int, receive_maximum: int, session_seconds: int) -> None:
        """Connect and queue CONNECT for a session that outlives the connection. Raises ``OSError``."""
        if self.protocol != MQTT5:
            self.connect(address.host, address.port, keepalive)
            return
        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = receive_maximum
        properties.SessionExpiryInterval = session_seconds
        self.connect(address.host, address.port, keepalive, clean_start=False, properties=properties)

    def _create_socket_connection(self) -> socket.socket:
        if self._located is None:
            return super()._create_socket_connection()
        trouble: OSError = ConnectionRefusedError(0, "it has no address")
        for address in self._located:
            try:
                return socket.create_connection((address, self._port), self.connect_timeout)
            except OSError as error:
                trouble = error
        raise trouble

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """PUBACK for all of these, in their order, as one write."""
        words = [PUBACK_HEAD] * (2 * len(packet_ids))
        words[1::2] = packet_ids
        self._packet_queue(PUBACK, struct.pack(f">{len(words)}H", *words), 0, 1)

    def _handle_publish(self) -> MQTTErrorCode:
        command: int = self._in_packet["command"]
        body = self._in_packet["packet"]
        qos = (command >> 1) & 3
        if qos == 2:  # nobody subscribes with it here; paho keeps its books
            return super()._handle_publish()
        try:
            at = 2 + (body[0] << 8 | body[1])
            topic = body[2:at].decode("utf-8", "replace")
            packet_id = 0
            if qos:
                packet_id = body[at] << 8 | body[at + 1]
                at += 2
            if self.protocol == MQTT5:
                at = _after_properties(body, at)
        except IndexError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self.receive(topic, bytes(body[at:]), packet_id, qos, command & 8 != 0, command & 1 != 0)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _slow_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        topic = message._topic.decode("utf-8", "replace")
        self.receive(topic, bytes(message.payload), message.mid, message.qos, message.dup, message.retain)


def prepare(client: paho.Client, address: BrokerAddress) -> None:
    """Credentials and TLS; certificates and host names are always verified."""
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set_context(ssl.create_default_context(cafile=address.ca or None))


def _after_properties(body: bytearray, at: int) -> int:
    """Where the payload begins: behind the properties, whose length is a variable byte integer (MQTT 5, 1.5.5)."""
    length = body[at]
    at += 1
    if length & 0x80:
        length, shift = length & 0x7F, 7
        while True:
            byte = body[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
    at += length
    if at > len(body):
        raise IndexError
    return at


def _no_delay(_client: paho.Client, _data: Any, connection: Any) -> None:
    """Acknowledgements are small and late ones hold the broker's window shut."""
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _leave_to_loop(_client: paho.Client, _data: Any, _connection: Any) -> None:
    """With this set paho queues packets and our loop alone writes them."""
