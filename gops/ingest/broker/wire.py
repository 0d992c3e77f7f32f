"""Packets on the wire (MQTT 3.1.1, sections 2 and 3): cut from the stream within bounds, and written.

A packet is cut out whole before anything reads it, so a malformed one can't put the stream out of step, and one that
announces more than is allowed is never read to its end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from amqtt.mqtt.packet import CONNECT, PUBLISH

OTHER_BYTES = 16_384  # CONNECT, SUBSCRIBE and the like
TOPIC_BYTES = 512
CONNACK_ACCEPTED = 0
CONNACK_PROTOCOL = 1
CONNACK_IDENTIFIER = 2
CONNACK_UNAVAILABLE = 3
CONNACK_CREDENTIALS = 4
CONNACK_NOT_AUTHORISED = 5


class Hangup(Exception):
    """Close the connection; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One packet: type, the flags of its first byte, and its body. ``is_whole`` is false for an oversized PUBLISH, of
    which only the beginning was read."""

    kind: int
    flags: int
    body: bytes
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Publish:
    topic: str
    payload: bytes
    packet_id: int
    qos: int
    dup: bool


class Cutter:
    """Cuts what was received into packets. ``payload`` bounds that of a PUBLISH."""

    def __init__(self, payload: int) -> None:
        self._payload = payload
        self._rest = bytearray()
        self._first = True

    def cut(self, data: bytes) -> Iterator[Cut]:
        """The packets that are complete with ``data``. Raises ``Hangup``."""
        rest = self._rest
        rest += data
        at = 0
        try:
            while (head := _head(rest, at)) is not None:
                start, length = head
                kind, flags = rest[at] >> 4, rest[at] & 0x0F
                if self._first and kind != CONNECT:
                    raise Hangup("the first packet is no CONNECT")
                self._first = False
                enough = self._enough(kind, rest, start, length)
                if enough is None or len(rest) - start < enough:
                    return
                yield Cut(kind, flags, bytes(rest[start : start + enough]), enough == length)
                if enough < length:
                    raise Hangup(f"a PUBLISH of {length} bytes; at most {self._payload} of payload are read")
                at = start + length
        finally:
            del rest[:at]

    def _enough(self, kind: int, rest: bytearray, start: int, length: int) -> int | None:
        """How many bytes of the body are to be read: all, or of an oversized PUBLISH just so much as shows that it is.

        None while that cannot be told yet.
        """
        if kind != PUBLISH:
            if length > OTHER_BYTES:
                raise Hangup(f"a packet of {length} bytes; expected at most {OTHER_BYTES}")
            return length
        if length <= self._payload:
            return length
        if len(rest) - start < 2:
            return None
        topic = rest[start] << 8 | rest[start + 1]
        if topic > TOPIC_BYTES:
            raise Hangup(f"a topic of {topic} bytes; expected at most {TOPIC_BYTES}")
        return min(length, 2 + topic + 2 + self._payload + 1)


def _head(rest: bytearray, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at ``at`` begins and how long it is; None while the head is incomplete."""
    length = 0
    for count in range(4):
        index = at + 1 + count
        if index >= len(rest):
            return None
        byte = rest[index]
        length |= (byte & 0x7F) << (7 * count)
        if not byte & 0x80:
            return index + 1, length
    raise Hangup("a remaining length of more than four bytes")


def read_publish(cut: Cut) -> Publish:
    """Raises ``Hangup`` for what section 3.3 forbids."""
    body, qos = cut.body, (cut.flags >> 1) & 3
    try:
        at = 2 + (body[0] << 8 | body[1])
        topic = body[2:at].decode()
        packet_id = 0
        if qos:
            packet_id = body[at] << 8 | body[at + 1]
            at += 2
    except (IndexError, UnicodeDecodeError) as error:
        raise Hangup("a PUBLISH that cannot be read") from error
    if at > len(body) or qos == 3 or (qos and not packet_id):
        raise Hangup("a PUBLISH that breaks MQTT 3.1.1, section 3.3")
    if not topic or len(topic) > TOPIC_BYTES or any(sign in topic for sign in "+#\0"):
        raise Hangup("a PUBLISH to no topic name")
    return Publish(topic, body[at:], packet_id, qos, bool(cut.flags & 8))


def publish_frame(topic: bytes, payload: bytes, qos: int, packet_id: int, dup: bool) -> bytes:
    body = struct.pack("!H", len(topic)) + topic
    if qos:
        body += struct.pack("!H", packet_id)
    first = PUBLISH << 4 | (8 if dup else 0) | qos << 1
    return bytes((first,)) + _length(len(body) + len(payload)) + body + payload


def with_id(kind: int, packet_id: int, flags: int = 0) -> bytes:
    """PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK: nothing but a packet id."""
    return struct.pack("!BBH", kind << 4 | flags, 2, packet_id)


def read_id(cut: Cut) -> int:
    if len(cut.body) < 2:
        raise Hangup("a packet without its packet id")
    return cut.body[0] << 8 | cut.body[1]


def connack(code: int, session_present: bool = False) -> bytes:
    return bytes((0x20, 2, session_present, code))


def suback(packet_id: int, codes: list[int]) -> bytes:
    return b"\x90" + _length(2 + len(codes)) + struct.pack("!H", packet_id) + bytes(codes)


def _length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, low = length >> 7, length & 0x7F
        out.append(low | (0x80 if length else 0))
        if not length:
            return bytes(out)
