"""amqtt's broker with our own way of serving a connection.

amqtt listens, keeps the sessions and their subscriptions, asks the plugins, and reads CONNECT and SUBSCRIBE. Everything
else is replaced, because of what amqtt 0.12 does (tried, or read in its source; ADR 0006): it forgets a message that is
not acknowledged within 5 s or when its client goes, hands a session to whoever names its client id, before asking for
the password, sends any last will anywhere, reads any payload, waits for ever for a CONNECT, and queues without bound.

A device's message is acknowledged to it when ingest has acknowledged it, that is after the commit. So what a device
holds a PUBACK for is stored, and a broker that dies loses only what devices send again. While ingest is away, what
fits the mailbox waits, and then the devices do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.mqtt.connect import ConnectPacket

from gops import logs
from gops.errors import Unavailable
from gops.ingest import topics
from gops.ingest.broker import wire
from gops.ingest.broker.guard import KEY_USER, Guard, Login, may_publish
from gops.ingest.broker.line import Client, Line, read_connect
from gops.ingest.broker.mailbox import Mailbox
from gops.ingest.broker.plugins import LOGIN
from gops.ingest.broker.post import Post
from gops.ingest.broker.registry import Registry, new_client
from gops.ingest.broker.wire import Cut, Cutter, Hangup, Publish
from gops.ingest.refused import shown
from gops.ingest.secret import SERVICE_USER

log = logs.get(__name__)
LISTENER = "default"
REFUSED = 0x80
READ_BYTES = 65_536
COMPLAINT_SECONDS = 1.0
COMPLAINTS = 10  # logged in so many seconds
PLUGINS = ("gops.ingest.broker.plugins.Authentication", "gops.ingest.broker.plugins.TopicPermissions")


@dataclass(frozen=True)
class BrokerLimits:
    """Bounds. ``queue_*``: what may wait for ingest; ``client_*``: for anybody else."""

    payload: int
    connections: int
    ingest_client_id: str
    ingest_window: int
    queue_messages: int
    queue_bytes: int
    session_seconds: int
    client_messages: int = 1000
    client_bytes: int = 1_048_576
    client_window: int = 100
    per_device: int = 20
    kept_sessions: int = 4  # of one login, while it is away
    logging_in: int = 100
    connect_seconds: float = 10.0
    refused_seconds: float = 0.5
    client_id_bytes: int = 256


class GuardedBroker(Broker):
    """``start`` and ``shutdown`` are amqtt's. ``hang_up`` ends the connections and sessions of some logins."""

    def __init__(self, host: str, port: int, guard: Guard, limits: BrokerLimits) -> None:
        self.guard = guard
        self._host = host
        self._port = port
        self._limits = limits
        self._registry = Registry()
        mailbox = Mailbox(limits.queue_messages, limits.queue_bytes, limits.ingest_window)
        self._ingest = new_client(Login("ingest", SERVICE_USER), limits.ingest_client_id, mailbox, clean=False)
        self._ingest_came = False
        self._post = Post(self._registry, self._ingest, self._matches)
        self._connections = 0
        self._logging_in = 0
        self._complained = 0.0
        self._complaints = 0
        super().__init__(
            BrokerConfig(
                listeners={LISTENER: ListenerConfig(bind=f"{host}:{port}")},
                plugins={name: {} for name in PLUGINS},
                session_expiry_interval=limits.session_seconds,
            )
        )

    async def start(self) -> None:
        """Ingest's session is there from the beginning, so nothing is missed before it comes."""
        self._ingest.transitions.disconnect()
        self._ingest.filters = dict.fromkeys(topics.INGEST_FILTERS, 1)
        self._registry.add(self._ingest)
        await super().start()

    async def shutdown(self) -> None:
        for client in self._registry:
            await _Handler(client).stop()
        await super().shutdown()

    async def _create_server_instance(self, *_arguments: object) -> asyncio.Server:
        return await asyncio.start_server(self._connected, self._host, self._port, reuse_address=True)

    # a connection's life

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """In place of amqtt's ``stream_connected``: bounded, and closed whatever happens."""
        if self._connections >= self._limits.connections or self._logging_in >= self._limits.logging_in:
            self._complain(f"{self._connections} connections are the most (GOPS_MQTT_BROKER_CONNECTIONS)")
            writer.close()
            return
        self._connections += 1
        try:
            await self._serve(reader, writer)
        except (Hangup, TimeoutError, ConnectionError) as reason:
            self._complain(str(reason) or "no login in time")
        except Exception:
            log.exception("mqtt_connection_failed")
        finally:
            self._connections -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cutter = Cutter(self._limits.payload)
        self._logging_in += 1
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                first, already = await _first_packet(reader, cutter)
                client, session_present = await self._log_in(first, writer)
        finally:
            self._logging_in -= 1
        line = client.line = Line(self, client, reader, writer, cutter)
        line.write(wire.connack(wire.CONNACK_ACCEPTED, session_present))
        client.mailbox.resume()
        try:
            await line.run(already)
        finally:
            log.debug("mqtt_client_left", login=client.login.name, reason=line.reason)
            client.line = None
            await self._left(client, line)
            line.ended.set()

    async def _log_in(self, first: Cut, writer: asyncio.StreamWriter) -> tuple[Client, bool]:
        """Everything is checked before anything of an existing session is touched."""
        packet = await read_connect(first)
        if packet.proto_name != "MQTT" or packet.proto_level != 4:
            await _refuse(writer, wire.CONNACK_PROTOCOL, "a protocol other than MQTT 3.1.1")
        login = await self._login_of(packet, writer)
        clean = packet.clean_session_flag
        if len(packet.client_id.encode()) > self._limits.client_id_bytes or (
            packet.payload.client_id_is_random and not clean
        ):
            await _refuse(writer, wire.CONNACK_IDENTIFIER, "a client id that is too long or missing")
        if packet.variable_header.will_flag and not may_publish(login, packet.will_topic):
            await _refuse(writer, wire.CONNACK_NOT_AUTHORISED, f"{login.name} may not leave that last will")
        client, session_present = await self._session(login, packet.client_id, clean, writer)
        client.transitions.connect()
        client.attributes[LOGIN] = login
        client.password = packet.password if packet.username == KEY_USER else None
        client.keep_alive = packet.keep_alive
        client.will_flag = packet.variable_header.will_flag
        client.will_qos = packet.variable_header.will_qos
        client.will_topic, client.will_message = packet.will_topic, packet.will_message
        return client, session_present

    async def _login_of(self, packet: ConnectPacket, writer: asyncio.StreamWriter) -> Login:
        asking = _Asking(packet.username, packet.password)
        try:
            allowed = await self._authenticate(asking, self.listeners_config[LISTENER])
        except Unavailable:
            await _refuse(writer, wire.CONNACK_UNAVAILABLE, "the records are away, nobody can log in")
        if not allowed:
            await asyncio.sleep(self._limits.refused_seconds)
            await _refuse(writer, wire.CONNACK_CREDENTIALS, f"wrong credentials for {shown(packet.username)}")
        return asking.attributes[LOGIN]

    async def _session(
        self, login: Login, client_id: str, clean: bool, writer: asyncio.StreamWriter
    ) -> tuple[Client, bool]:
        """The session of this client id of this login, and whether it was there before."""
        while (before := self._registry.find(login, client_id)) and before.line is not None:
            before.line.hang_up("the same client connected again")
            await before.line.ended.wait()
        most = self._limits.per_device if login.kind == "device" else self._limits.connections // 2
        if self._registry.connected(login.name) >= most:
            await _refuse(writer, wire.CONNACK_UNAVAILABLE, f"{login.name} has {most} connections already")
        if before is self._ingest:
            present, self._ingest_came = self._ingest_came, True
            return self._ingest, present
        if before is not None and not clean:
            return before, True
        if before is not None:
            await self._cleanup_session(str(before.client_id))
        limits = self._limits
        mailbox = Mailbox(limits.client_messages, limits.client_bytes, limits.client_window)
        client = new_client(login, client_id, mailbox, clean=clean)
        self._registry.add(client)
        self._sessions[str(client.client_id)] = (client, _Handler(client))
        for old in self._registry.oldest_away(login.name, limits.kept_sessions):
            if old is not client:
                await self._cleanup_session(str(old.client_id))
        return client, False

    async def _left(self, client: Client, line: Line) -> None:
        """The connection is over: its last will, unless that is void, and the end of a session that is not kept."""
        client.transitions.disconnect()
        if client.will_flag and not line.said_goodbye:
            self._post.last_will(client)
        client.will_flag = False
        if client.clean_session and client is not self._ingest:
            await self._cleanup_session(str(client.client_id))

    async def _cleanup_session(self, client_id: str) -> None:
        """amqtt's, and our own index. Ingest's session is never forgotten."""
        if self._registry.find_key(client_id) is not self._ingest:
            self._registry.remove(client_id)
            await super()._cleanup_session(client_id)

    def hang_up(self, who: Callable[[Login], bool], reason: str) -> None:
        """End connections and sessions of these logins now; their last wills are void."""
        for client in self._registry:
            if not who(client.login):
                continue
            client.will_flag = False
            client.clean_session = True  # amqtt's monitor forgets it within a second where no connection does
            if client.line is not None:
                log.info("mqtt_login_ended", login=client.login.name, reason=reason)
                client.line.hang_up(reason)

    async def check_keys(self) -> None:
        """End the connections of API keys that are not good any more."""
        for client in self._registry:
            if client.password is None:
                continue
            try:
                good = await asyncio.to_thread(self.guard.login, KEY_USER, client.password)
            except Unavailable:
                return
            if good is None:
                self.hang_up(client.login.__eq__, "the key ended")

    def _complain(self, reason: str) -> None:
        """Log a connection that came to nothing; of a flood of them a few lines a second, and how many there were."""
        now = asyncio.get_running_loop().time()
        if now - self._complained >= COMPLAINT_SECONDS:
            if self._complaints > COMPLAINTS:
                log.info("mqtt_hung_up_more", times=self._complaints - COMPLAINTS)
            self._complained, self._complaints = now, 0
        self._complaints += 1
        if self._complaints <= COMPLAINTS:
            log.info("mqtt_hung_up", reason=reason)

    # what a line asks

    async def publish(self, client: Client, message: Publish, is_whole: bool, done: Callable[[], None]) -> None:
        if not is_whole:
            log.warning("mqtt_payload_too_large", login=client.login.name, bound=self._limits.payload)
        await self._post.publish(client, message, done)

    async def subscribe(self, client: Client, topic_filter: str, qos: int) -> int:
        """The QoS granted, or 0x80."""
        granted = int(await self.add_subscription((topic_filter, qos), client))
        if granted == REFUSED:
            log.info("mqtt_subscription_denied", login=client.login.name, filter=shown(topic_filter))
        else:
            client.filters[topic_filter] = qos
        return granted

    def unsubscribe(self, client: Client, topic_filter: str) -> None:
        self._del_subscription(topic_filter, client)
        client.filters.pop(topic_filter, None)


@dataclass
class _Asking:
    """What amqtt's plugins see of somebody who is not known yet."""

    username: str | None
    password: str | None
    attributes: dict[str, Login] = field(default_factory=dict)


@dataclass
class _Handler:
    """What amqtt keeps beside a session, to stop it."""

    client: Client

    async def stop(self) -> None:
        if self.client.line is not None:
            self.client.line.hang_up("the broker ends")


async def _first_packet(reader: asyncio.StreamReader, cutter: Cutter) -> tuple[Cut, list[Cut]]:
    """CONNECT, and what came with it."""
    while True:
        data = await reader.read(READ_BYTES)
        if not data:
            raise Hangup("gone before CONNECT")
        cuts = list(cutter.cut(data))
        if cuts:
            return cuts[0], cuts[1:]


async def _refuse(writer: asyncio.StreamWriter, code: int, reason: str) -> NoReturn:
    writer.write(wire.connack(code))
    await writer.drain()
    raise Hangup(reason)
