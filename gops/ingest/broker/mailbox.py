"""What waits for one client, within bounds, and what it has been sent and not acknowledged."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from gops.ingest.broker.wire import publish_frame

PACKET_IDS = 65_535
CHUNK_BYTES = 65_536


@dataclass(slots=True)
class Outgoing:
    """A message on its way to a client (QoS 0 or 1). ``done`` is called once when the client has acknowledged it."""

    topic: bytes
    payload: bytes
    qos: int
    done: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        return len(self.topic) + len(self.payload)


class Mailbox:
    """At most ``messages`` and ``size`` bytes, sent or not; at most ``window`` sent and not acknowledged."""

    def __init__(self, messages: int, size: int, window: int) -> None:
        self.ready = asyncio.Event()
        self.dropped = 0
        self._most_messages = messages
        self._most_bytes = size
        self._window = min(window, PACKET_IDS - 1)
        self._waiting: deque[Outgoing] = deque()
        self._sent: OrderedDict[int, Outgoing] = OrderedDict()
        self._again: deque[int] = deque()  # sent on an earlier connection
        self._bytes = 0
        self._last_id = 0
        self._for_room: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    @property
    def is_full(self) -> bool:
        return len(self) >= self._most_messages or self._bytes >= self._most_bytes

    async def room(self) -> None:
        """Wait until another message fits; in turn with others who wait."""
        while self.is_full:
            turn = asyncio.get_running_loop().create_future()
            self._for_room.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._next_turn()  # it may have been ours already
                raise

    def put(self, message: Outgoing) -> bool:
        """False when it is full: then the message is dropped and counted."""
        if self.is_full:
            self.dropped += 1
            return False
        self._bytes += message.size
        self._waiting.append(message)
        self.ready.set()
        self._next_turn()
        return True

    def resume(self) -> None:
        """The client is back: what it did not acknowledge is sent again first, marked DUP, under its packet ids."""
        self._again = deque(self._sent)
        if self._again or self._waiting:
            self.ready.set()

    def frames(self) -> bytes:
        """What is to be written now, about ``CHUNK_BYTES`` of it; empty when there is nothing or the window is full."""
        out: list[bytes] = []
        size = 0
        while self._again and size < CHUNK_BYTES:
            packet_id = self._again.popleft()
            message = self._sent.get(packet_id)
            if message is not None:
                out.append(publish_frame(message.topic, message.payload, 1, packet_id, dup=True))
                size += len(out[-1])
        while self._waiting and size < CHUNK_BYTES and len(self._sent) < self._window:
            message = self._waiting.popleft()
            packet_id = 0
            if message.qos:
                packet_id = self._free_id()
                self._sent[packet_id] = message
            else:
                self._bytes -= message.size
                self._next_turn()
            out.append(publish_frame(message.topic, message.payload, message.qos, packet_id, dup=False))
            size += len(out[-1])
        if not out:
            self.ready.clear()
        return b"".join(out)

    def acknowledged(self, packet_id: int) -> None:
        """A PUBACK came. One for nothing that was sent is ignored."""
        message = self._sent.pop(packet_id, None)
        if message is None:
            return
        self._bytes -= message.size
        self._next_turn()
        if self._waiting:
            self.ready.set()
        if message.done is not None:
            message.done()

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % PACKET_IDS + 1
            if self._last_id not in self._sent:
                return self._last_id

    def _next_turn(self) -> None:
        while self._for_room and not self.is_full:
            turn = self._for_room.popleft()
            if not turn.done():
                turn.set_result(None)
                return
