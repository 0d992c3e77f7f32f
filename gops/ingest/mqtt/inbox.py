"""What waits between the network thread and the ingest thread: bounded by number and by bytes.

The network thread asks ``has_room`` before it reads from the socket, so a full inbox blocks the broker and memory stays
flat. One thread puts, one takes; each counter is written by one of them only.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple


class Message(NamedTuple):
    """A PUBLISH as it arrived. ``size`` is that of the whole payload, of which an oversized one keeps only its start.

    ``connection`` is the generation of the connection that brought it: acknowledging is possible on that one alone.
    ``arrival`` is in microseconds, unique and growing within this process.
    """

    topic: str
    payload: bytes
    packet_id: int  # 0 at QoS 0: nothing to acknowledge
    dup: bool
    retain: bool  # a retained copy, not a fresh message
    connection: int
    arrival: int
    size: int
    whole: bytes = b""  # SHA-256 of the whole payload where only its start is kept


@dataclass(frozen=True)
class Taken:
    """A batch in order of arrival. ``new_session``: the broker began this session anew before these messages."""

    messages: list[Message]
    new_session: bool = False


class Inbox:
    """First in, first out."""

    def __init__(self, messages: int, size: int) -> None:
        self._most_messages = messages
        self._most_bytes = size
        self._waiting: deque[Message | None] = deque()  # None: a new session begins here
        self._ready = threading.Event()
        self.arrived = 0
        self._bytes_in = 0
        self._bytes_out = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bytes(self) -> int:
        return self._bytes_in - self._bytes_out

    def has_room(self) -> bool:
        return len(self._waiting) < self._most_messages and self.bytes < self._most_bytes

    def put(self, message: Message) -> None:
        self.arrived += 1
        self._bytes_in += len(message.payload)
        self._waiting.append(message)

    def begin_session(self) -> None:
        self._waiting.append(None)
        self.wake()

    def wake(self) -> None:
        """Tell who takes that there is something. Once a round of reading is enough."""
        self._ready.set()

    def take(self, limit: int, timeout_s: float) -> Taken:
        """Up to ``limit`` messages of one session; empty after ``timeout_s`` without any."""
        waiting = self._waiting
        if not waiting:
            self._ready.clear()
            if not waiting:  # put and wake may have come between
                self._ready.wait(timeout_s)
        messages: list[Message] = []
        new_session = False
        size = 0
        while waiting and len(messages) < limit:
            message = waiting[0]
            if message is None:
                if messages:
                    break
                new_session = True
                waiting.popleft()
                continue
            waiting.popleft()
            size += len(message.payload)
            messages.append(message)
        self._bytes_out += size
        return Taken(messages, new_session)
