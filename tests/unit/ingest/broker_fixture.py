"""The embedded broker in a thread of the test, with logins from a dictionary, and a raw client for what no library
sends."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gops.accounts.devices import DeviceIdentity
from gops.errors import Unauthenticated, Unavailable
from gops.ingest.broker.broker import BrokerLimits, GuardedBroker
from gops.ingest.broker.guard import Guard
from gops.ingest.broker.wire import publish_frame
from gops.ingest.mqtt import BrokerAddress
from gops.permissions import Actor

LIMITS = BrokerLimits(
    payload=1000,
    connections=50,
    ingest_client_id="gops-ingest",
    ingest_window=100,
    queue_messages=200,
    queue_bytes=1_000_000,
    session_seconds=3600,
    connect_seconds=1.0,
    refused_seconds=0.01,
)
SECRET = "service-secret"


class Logins:
    """Devices ``city/a``, ``city/b``, ... with the password ``secret``; ``down`` makes the records fail."""

    down = False

    def authenticate(self, username: str, password: str) -> DeviceIdentity | None:
        if self.down:
            raise Unavailable("the records are away")
        org, _slash, name = username.partition("/")
        good = org == "city" and len(name) == 1 and password == "secret"
        return DeviceIdentity(ord(name), 1, username) if good else None

    def key_actor(self, text: str) -> Actor:
        if text != "gops_key":
            raise Unauthenticated("no such key")
        return Actor(person_id=1, key_id=7, scopes=frozenset({"data:read"}))


class RunningBroker:
    """``with RunningBroker() as broker:``; ``call`` runs something in the broker's loop."""

    def __init__(self, **limits: Any) -> None:
        self.logins = Logins()
        self.limits = replace(LIMITS, **limits)
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = int(chosen.getsockname()[1])
        self.broker: GuardedBroker
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> RunningBroker:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def address(self, username: str | None = None, password: str | None = None) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self.port, username=username, password=password)

    def device(self, name: str) -> BrokerAddress:
        return self.address(f"city/{name}", "secret")

    @property
    def ingest(self) -> BrokerAddress:
        return self.address("gops", SECRET)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        done = threading.Event()

        def run() -> None:
            function(*arguments)
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _serve(self) -> None:
        guard = Guard(SECRET, self.logins, self.logins.key_actor, anonymous_live=False)
        self.broker = GuardedBroker("127.0.0.1", self.port, guard, self.limits)
        await self.broker.start()
        self._ready.set()
        await self._ending.wait()
        await self.broker.shutdown()


class RawClient:
    """Bytes to and from the broker."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_until_hung_up(self, data: bytes) -> int:
        """How many bytes the broker let us send."""
        sent = 0
        try:
            while sent < len(data):
                sent += self.socket.send(data[sent : sent + 65_536])
        except OSError:
            return sent
        return sent

    def receive(self, size: int, seconds: float = 5.0) -> bytes:
        """Exactly ``size`` bytes, or fewer where the broker hangs up before."""
        self.socket.settimeout(seconds)
        got = b""
        while len(got) < size:
            try:
                some = self.socket.recv(size - len(got))
            except ConnectionResetError:
                return got
            if not some:
                return got
            got += some
        return got

    def is_hung_up(self, seconds: float = 5.0) -> bool:
        """Does the broker close the connection within this time, after anything that it may still send?"""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                if not self.socket.recv(65_536):
                    return True
            except ConnectionResetError:
                return True
            except TimeoutError:
                return False
        return False

    def log_in(self, username: str, password: str, client_id: str = "raw", **options: Any) -> bytes:
        """CONNECT; the two bytes of the answer: session present and code."""
        self.send(connect(username, password, client_id, **options))
        return self.receive(4)[2:]

    def publish(self, topic: str, payload: bytes, packet_id: int = 1, *, qos: int = 1, dup: bool = False) -> None:
        self.send(publish_frame(topic.encode(), payload, qos, packet_id, dup))


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(data)) + data


def packet(first: int, body: bytes) -> bytes:
    length, head = len(body), bytearray()
    while True:
        length, low = length >> 7, length & 127
        head.append(low | (128 if length else 0))
        if not length:
            return bytes((first,)) + bytes(head) + body


def connect(
    username: str | None,
    password: str | None,
    client_id: str = "raw",
    *,
    clean: bool = True,
    keep_alive: int = 60,
    will: tuple[str, bytes] | None = None,
    level: int = 4,
    extra_flags: int = 0,
) -> bytes:
    flags = (2 if clean else 0) | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    flags |= extra_flags | (0x04 | 0x08 if will else 0)
    body = text("MQTT") + bytes((level, flags)) + struct.pack("!H", keep_alive) + text(client_id)
    if will:
        body += text(will[0]) + text(will[1])
    body += b"".join(text(one) for one in (username, password) if one is not None)
    return packet(0x10, body)


def subscribe(*filters: str, packet_id: int = 1, qos: int = 1) -> bytes:
    body = struct.pack("!H", packet_id) + b"".join(text(one) + bytes((qos,)) for one in filters)
    return packet(0x82, body)
