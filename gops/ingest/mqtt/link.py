"""Ingest's connection to a broker: a persistent session, read by a thread of its own and acknowledged by ingest.

A connection has a generation number. An acknowledgement belongs to the connection that brought the message and is
dropped with it: the broker delivers the message again, marked DUP. What came before the broker began the session anew
is told apart by ``Taken.new_session``.

Retained messages: a retained copy is the broker's memory and no arrival; stored again it would get a new arrival time
or undo a correction. MQTT 5 is asked not to send copies of readings, and elsewhere a copy (its retain flag is set, a
fresh message's is not) is acknowledged and counted. The last status of a device is taken from a retained copy.
"""

from __future__ import annotations

import random
import select
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gops import logs
from gops.clock import SECOND, Clock
from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.mqtt.client import MQTT5, MQTT311, IngestClient
from gops.ingest.mqtt.health import LinkHealth, reason_of
from gops.ingest.mqtt.inbox import Inbox, Message, Taken
from gops.ingest.mqtt.waker import Waker
from gops.ingest.topics import INGEST_FILTERS, STATUS_FILTER

KEEPALIVE_SECONDS = 30
POLL_SECONDS = 1.0
PAUSED_SECONDS = 0.02  # while the inbox is full
STOP_SECONDS = 10.0
READS = 256  # packets read before acknowledgements get their turn
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 10.0  # a connection that held this long begins the pauses anew
log = logs.get(__name__)


@dataclass(frozen=True)
class LinkOptions:
    """Bounds of a link: ``inbox_*`` what may wait for ingest, ``answers`` what may wait for the broker. ``filters`` are
    what it subscribes to."""

    client_id: str
    receive_maximum: int
    session_seconds: int
    message_bytes: int
    kept_bytes: int
    inbox_messages: int
    inbox_bytes: int
    answers: int
    filters: tuple[str, ...] = INGEST_FILTERS


class MqttLink:
    """``start``; then ``take``, ``acknowledge`` and ``publish`` from the ingest thread; ``stop``.

    ``locate`` gives the IP addresses of the broker anew for each connection, and says by ``OSError`` why there are
    none; without it the system's resolver is asked.
    """

    def __init__(
        self,
        address: BrokerAddress,
        options: LinkOptions,
        clock: Clock,
        on_connected: Callable[[], None] = lambda: None,
        locate: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self.address = address
        self.session = options.client_id  # whatever the broker is called: one without this session says so
        self.inbox = Inbox(options.inbox_messages, options.inbox_bytes)
        self._options = options
        self._clock = clock
        self._on_connected = on_connected
        self._locate = locate
        self._health = LinkHealth()
        self._generation = 0
        self._session_began = 0
        self._protocol = MQTT5
        self._connected = False
        self._is_subscribed = False
        self._hung_up = False
        self._has_spoken_5 = False
        self._refused = ""
        self._last_arrival = 0
        self._retained_ignored = 0
        self._answers_dropped = 0
        self._acknowledged: deque[tuple[int, Sequence[int]]] = deque()
        self._answers: deque[tuple[str, bytes]] = deque()
        self._stopping = threading.Event()
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="mqtt-link", daemon=True)

    # what the ingest thread calls

    def start(self) -> None:
        self._waker.open()
        self._thread.start()

    def stop(self) -> None:
        """Send the acknowledgements that are due, disconnect, and keep the session at the broker."""
        self._stopping.set()
        self._waker.wake()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        self._waker.close()

    def take(self, limit: int, timeout_s: float) -> Taken:
        return self.inbox.take(limit, timeout_s)

    @property
    def session_began(self) -> int:
        """The generation of the connection with which the broker's present session began."""
        return self._session_began

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge, in order. Those of an older connection are dropped: the broker sends them again."""
        current = self._generation
        packet_ids = [m.packet_id for m in messages if m.packet_id and m.connection == current]
        if packet_ids:
            self._acknowledged.append((current, packet_ids))
            self._waker.wake()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Queue an answer (QoS 1). False when there is no connection or too many wait: it is counted and dropped."""
        if not self._connected or len(self._answers) >= self._options.answers:
            self._answers_dropped += 1
            return False
        self._answers.append((topic, payload))
        self._waker.wake()
        return True

    def health(self) -> LinkHealth:
        return replace(
            self._health,
            connected=self._connected and self._is_subscribed,
            connections=self._generation,
            retained_ignored=self._retained_ignored,
            answers_dropped=self._answers_dropped,
        )

    # the network thread

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            begun, protocol = time.monotonic(), self._protocol
            self._connect_and_serve()
            if self._protocol == MQTT311 != protocol:
                continue  # the broker is there, it only lacks MQTT 5
            failures = 0 if time.monotonic() - begun > STABLE_SECONDS else failures + 1
            if self._stopping.is_set():
                return
            pause = pause_after(failures)
            reason = self._health.last_error
            log.warning("mqtt_disconnected", broker=str(self.address), reason=reason, retry_in_s=round(pause, 1))
            self._stopping.wait(pause)

    def _connect_and_serve(self) -> None:
        self._refused = ""
        self._hung_up = False
        begun = self._generation
        client: IngestClient | None = None
        try:
            client = self._open()
            self._serve(client)
        except OSError as error:
            self._note(reason_of(error))
        except Exception:  # a mistake here or in paho must cost a connection, not all that come after
            log.exception("mqtt_link_failed")
            self._note("a mistake inside GOPS; its log says which")
        finally:
            self._connected = False
            self._answers_dropped += len(self._answers)
            self._answers.clear()
            if client is not None:
                client.disconnect()
                client.loop_write()
        if self._generation == begun:
            self._choose_protocol()

    def _open(self) -> IngestClient:
        options = self._options
        located = None if self._locate is None else self._locate()
        client = IngestClient(self.address, options.client_id, self._protocol, self._receive, located)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.max_queued_messages_set(options.answers)
        client.open(self.address, KEEPALIVE_SECONDS, options.receive_maximum, options.session_seconds)
        return client

    def _choose_protocol(self) -> None:
        """A broker without MQTT 5 says so, or just hangs up; so does one behind a proxy that is being started, but that
        has spoken it before. After any other failure begin with 5 again."""
        lacks_5 = self._refused == "Unsupported protocol version" or (self._hung_up and not self._has_spoken_5)
        self._protocol = MQTT311 if self._protocol == MQTT5 and lacks_5 else MQTT5

    def _serve(self, client: IngestClient) -> None:
        poll = select.poll()
        poll.register(self._waker, select.POLLIN)
        connection: Any = client.socket()
        poll.register(connection, select.POLLIN | select.POLLOUT)
        watched = select.POLLIN | select.POLLOUT
        while client.socket() is not None:
            self._flush(client)
            if client.want_write() and (client.loop_write() or client.socket() is None):
                break
            has_room = self.inbox.has_room() and not client.want_write()  # unsent acknowledgements must not pile up
            wanted = (select.POLLIN if has_room else 0) | (select.POLLOUT if client.want_write() else 0)
            if wanted != watched:
                poll.modify(connection, wanted)
                watched = wanted
            buffered = has_room and isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
            ready = dict(poll.poll(0 if buffered else (POLL_SECONDS if has_room else PAUSED_SECONDS) * 1000))
            if self._waker.fileno() in ready:
                self._waker.clear()
            if buffered or ready.get(connection.fileno(), 0) & ~select.POLLOUT:
                self._read(client)
            client.loop_misc()
            if self._stopping.is_set() and not self._acknowledged and not client.want_write():
                return
        self._hung_up = not self._connected and not self._refused

    def _flush(self, client: IngestClient) -> None:
        """Hand paho what ingest has queued: acknowledgements of this connection in one piece, and answers."""
        if not self._connected:
            return
        packet_ids: list[int] = []
        while self._acknowledged:
            generation, some = self._acknowledged.popleft()
            if generation == self._generation:
                packet_ids += some
        if packet_ids:
            client.acknowledge(packet_ids)
        while self._answers:
            topic, payload = self._answers.popleft()
            if client.publish(topic, payload, qos=1).rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                self._answers_dropped += 1

    def _read(self, client: IngestClient) -> None:
        """Read what has come, up to ``READS`` packets and while there is room."""
        inbox = self.inbox
        for _ in range(READS):
            before = inbox.arrived
            if client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or inbox.arrived == before or not inbox.has_room():
                break
        inbox.wake()

    def _receive(self, topic: str, payload: bytes, packet_id: int, qos: int, dup: bool, retain: bool) -> None:
        if retain and not (topic.endswith("/status") and STATUS_FILTER in self._options.filters):
            self._retained_ignored += 1
            if packet_id:
                self._acknowledged.append((self._generation, (packet_id,)))
            return
        size, whole = len(payload), b""
        if size > self._options.message_bytes:
            whole = sha256(payload).digest()
            payload = payload[: self._options.kept_bytes]
        self.inbox.put(Message(topic, payload, packet_id, dup, retain, self._generation, self._arrival(), size, whole))

    def _arrival(self) -> int:
        """Now, later than every arrival before: two readings without time are two, whatever the clock's steps."""
        now = self._clock.micros()
        last = self._last_arrival
        if now <= last and last - now < SECOND:
            now = last + 1
        self._last_arrival = now
        return now

    def _on_connect(self, client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            self._note(f"the broker refused the connection: {reason}")
            return
        self._generation += 1
        if not flags.session_present:
            self._session_began = self._generation
            self.inbox.begin_session()
        self._has_spoken_5 = self._has_spoken_5 or client.protocol == MQTT5
        name = "5" if client.protocol == MQTT5 else "3.1.1"
        self._health = LinkHealth(protocol=name, session_present=flags.session_present)
        self._is_subscribed = False
        self._connected = True
        client.subscribe(_subscriptions(client.protocol, self._options.filters))
        log.info("mqtt_connected", broker=str(self.address), protocol=name, session_present=flags.session_present)
        self._on_connected()

    def _on_subscribe(self, _client: Any, _data: Any, _packet: int, reasons: Sequence[ReasonCode], _p: Any) -> None:
        denied = tuple(name for name, reason in zip(self._options.filters, reasons, strict=False) if reason.is_failure)
        if denied:
            self._health = replace(self._health, denied=denied)
            log.error("mqtt_subscription_denied", broker=str(self.address), filters=denied)
        self._is_subscribed = True

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._connected = False
        if not self._refused:
            self._note(f"the connection was lost: {reason}")

    def _note(self, reason: str) -> None:
        self._health = replace(self._health, last_error=reason)


def _subscriptions(protocol: MQTTProtocolVersion, filters: Sequence[str]) -> list[Any]:
    if protocol != MQTT5:
        return [(name, 1) for name in filters]
    never, always = SubscribeOptions.RETAIN_DO_NOT_SEND, SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
    return [
        (name, SubscribeOptions(qos=1, retainHandling=always if name == STATUS_FILTER else never)) for name in filters
    ]


def pause_after(failures: int) -> float:
    """Ever longer, bounded, and of random length, so that many clients don't come back at once."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures, 10))
    return random.uniform(0.5, 1.0) * longest  # noqa: S311 - no secret
