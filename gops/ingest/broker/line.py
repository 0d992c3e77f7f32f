"""One connection to the embedded broker: reads packets in turn, writes what waits for its client."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from amqtt.adapters import BufferReader
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    MQTTFixedHeader,
)
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket
from amqtt.session import Session

from gops.ingest.broker.guard import Login
from gops.ingest.broker.mailbox import Mailbox
from gops.ingest.broker.wire import Cut, Cutter, Hangup, Publish, read_id, read_publish, suback, with_id

READ_BYTES = 65_536
PUBLISH_WINDOW = 500  # messages of one connection that are accepted and not yet acknowledged to it
FILTERS = 32  # subscriptions of one session
REMEMBERED = 1000  # packet ids of one session whose PUBACK may have got lost
REFUSAL_SECONDS = 10.0
LAST_WORDS_SECONDS = 0.2
PINGRESP = b"\xd0\x00"
REFUSED_FILTER = 0x80


@dataclass(slots=True, eq=False)
class Accepted:
    """A message that a client has published under a packet id."""

    digest: bytes
    is_committed: bool = False


class Client(Session):
    """amqtt's session, with what is ours: the login, bounded queues, and what it has published so far."""

    def __init__(self, login: Login, mailbox: Mailbox) -> None:
        super().__init__()
        self.login = login
        self.mailbox = mailbox
        self.filters: dict[str, int] = {}
        self.line: Line | None = None
        self.accepted: OrderedDict[int, Accepted] = OrderedDict()  # by packet id
        self.second_half: set[int] = set()  # QoS 2: PUBREC is sent, PUBREL is awaited


class Hub(Protocol):
    """What a line needs of the broker."""

    async def publish(self, client: Client, message: Publish, is_whole: bool, done: Callable[[], None]) -> None: ...

    async def subscribe(self, client: Client, topic_filter: str, qos: int) -> int: ...

    def unsubscribe(self, client: Client, topic_filter: str) -> None: ...


class Line:
    """``run`` until one side hangs up. ``said_goodbye``: the client sent DISCONNECT, so its last will is void."""

    def __init__(
        self, hub: Hub, client: Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cutter: Cutter
    ) -> None:
        self.said_goodbye = False
        self.reason = ""
        self.ended = asyncio.Event()
        self._hub = hub
        self._client = client
        self._reader = reader
        self._writer = writer
        self._cutter = cutter
        self._unacknowledged = 0
        self._window_open = asyncio.Event()
        self._window_open.set()
        self._task: asyncio.Task[None] | None = None

    async def run(self, already: list[Cut]) -> None:
        """Serve the connection. ``already`` are packets that came together with CONNECT."""
        self._task = asyncio.current_task()
        pump = asyncio.create_task(self._pump())
        try:
            for cut in already:
                await self._handle(cut)
            await self._read()
        except Hangup as reason:
            self.reason = str(reason)
        except (ConnectionError, TimeoutError) as error:
            self.reason = type(error).__name__
        except asyncio.CancelledError:
            if not self.reason:
                raise
        finally:
            self._task = None
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    def hang_up(self, reason: str) -> None:
        """From outside: end ``run``, whatever it waits for."""
        self.reason = reason
        if self._task is not None:
            self._task.cancel()

    def write(self, frame: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(frame)

    async def _read(self) -> None:
        keep_alive = self._client.keep_alive
        patience = keep_alive * 1.5 if keep_alive else None  # MQTT 3.1.1, 3.1.2.10
        while True:
            async with asyncio.timeout(patience):
                data = await self._reader.read(READ_BYTES)
            if not data:
                raise Hangup("the client hung up")
            for cut in self._cutter.cut(data):
                await self._handle(cut)
            await self._writer.drain()

    async def _pump(self) -> None:
        """Write what waits, as fast as the client takes it."""
        mailbox = self._client.mailbox
        while True:
            await mailbox.ready.wait()
            frames = mailbox.frames()
            if frames:
                self.write(frames)
                await self._writer.drain()

    async def _handle(self, cut: Cut) -> None:
        if cut.kind == PUBLISH:
            await self._publish(cut)
        elif cut.kind == PUBACK:
            self._client.mailbox.acknowledged(read_id(cut))
        elif cut.kind == PINGREQ:
            self.write(PINGRESP)
        elif cut.kind == PUBREL:
            self._client.second_half.discard(read_id(cut))
            self.write(with_id(PUBCOMP, read_id(cut)))
        elif cut.kind == SUBSCRIBE:
            await self._subscribe(cut)
        elif cut.kind == UNSUBSCRIBE:
            await self._unsubscribe(cut)
        elif cut.kind == DISCONNECT:
            self.said_goodbye = True
            raise Hangup("goodbye")
        elif cut.kind == CONNECT:
            raise Hangup("a second CONNECT")
        else:
            raise Hangup(f"a packet of type {cut.kind}, which no client sends here")

    async def _publish(self, cut: Cut) -> None:
        message = read_publish(cut)
        if message.qos == 0:
            await self._hub.publish(self._client, message, cut.is_whole, _nothing)
            return
        client = self._client
        digest = sha256(message.topic.encode() + b"\0" + message.payload).digest()[:8]
        known = client.accepted.get(message.packet_id)
        if message.qos == 2 and message.packet_id in client.second_half:
            self.write(with_id(PUBREC, message.packet_id))
            return
        if message.dup and known is not None and known.digest == digest:  # sent again because our answer got lost
            if known.is_committed:
                self._answer(client, message)
            return
        await self._window_open.wait()
        accepted = client.accepted[message.packet_id] = Accepted(digest)
        while len(client.accepted) > REMEMBERED:
            client.accepted.popitem(last=False)
        self._unacknowledged += 1
        if self._unacknowledged >= PUBLISH_WINDOW:
            self._window_open.clear()
        committed = asyncio.Event()

        def done() -> None:
            self._committed(client, message, accepted)
            committed.set()

        await self._hub.publish(client, message, cut.is_whole, done)
        if not cut.is_whole:
            await self._see_off(committed)

    async def _see_off(self, committed: asyncio.Event) -> None:
        """Before hanging up on a payload that is too large, let its refusal be acknowledged: the client would send it
        again for ever. It has a moment to read that; a socket closed on unread bytes takes back what it sent."""
        try:
            async with asyncio.timeout(REFUSAL_SECONDS):
                await committed.wait()
        except TimeoutError:
            return
        await self._writer.drain()
        await asyncio.sleep(LAST_WORDS_SECONDS)

    def _committed(self, client: Client, message: Publish, accepted: Accepted) -> None:
        """GOPS has committed a message: acknowledge it on the connection that the client has now, unless the client
        has begun to use its packet id for another one, as after a restart: that one is not committed yet."""
        self._unacknowledged -= 1
        self._window_open.set()
        accepted.is_committed = True
        if client.accepted.setdefault(message.packet_id, accepted) is accepted:
            self._answer(client, message)

    @staticmethod
    def _answer(client: Client, message: Publish) -> None:
        if message.qos == 2:
            client.second_half.add(message.packet_id)
        if client.line is not None:
            client.line.write(with_id(PUBREC if message.qos == 2 else PUBACK, message.packet_id))

    async def _subscribe(self, cut: Cut) -> None:
        packet = await _parse(SubscribePacket.from_stream, cut)
        if cut.flags != 2 or not packet.payload.topics or any(qos > 2 for _topic, qos in packet.payload.topics):
            raise Hangup("a SUBSCRIBE that breaks MQTT 3.1.1, section 3.8")
        codes = []
        for topic_filter, qos in packet.payload.topics:
            known = topic_filter in self._client.filters
            if not known and len(self._client.filters) >= FILTERS:
                codes.append(REFUSED_FILTER)
            else:
                codes.append(await self._hub.subscribe(self._client, topic_filter, min(qos, 1)))
        self.write(suback(packet.variable_header.packet_id, codes))

    async def _unsubscribe(self, cut: Cut) -> None:
        packet = await _parse(UnsubscribePacket.from_stream, cut)
        for topic_filter in packet.payload.topics:
            self._hub.unsubscribe(self._client, topic_filter)
        self.write(with_id(UNSUBACK, packet.variable_header.packet_id))


async def read_connect(cut: Cut) -> ConnectPacket:
    """Raises ``Hangup``."""
    packet: ConnectPacket = await _parse(ConnectPacket.from_stream, cut)
    header, payload = packet.variable_header, packet.payload
    if header.reserved_flag or cut.flags or header.will_qos == 3 or (header.will_qos and not header.will_flag):
        raise Hangup("a CONNECT that breaks MQTT 3.1.1, section 3.1.2")
    if header.will_flag and (not payload.will_topic or payload.will_message is None):
        raise Hangup("a last will without topic or message")
    return packet


async def _parse(parse: Callable[..., Awaitable[ConnectPacket]], cut: Cut) -> ConnectPacket:
    """amqtt's reading of a packet that was cut out whole, so that it cannot read beyond its end."""
    header = MQTTFixedHeader(cut.kind, cut.flags, len(cut.body))
    try:
        return await parse(BufferReader(cut.body), fixed_header=header)
    except (AMQTTError, MQTTError, NoDataError, ValueError, IndexError) as error:
        raise Hangup("a packet that cannot be read") from error


def _nothing() -> None:
    """QoS 0 asks for no answer."""
