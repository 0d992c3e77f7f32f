"""The embedded broker in its own thread: what it promises devices and ingest, and what it bears."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gops.clock import SystemClock
from gops.errors import Unauthenticated
from gops.ingest.broker.guard import Login
from gops.ingest.broker.wire import publish_frame, with_id
from gops.ingest.mqtt import DeviceClient, LinkOptions, Message, MqttLink, probe
from tests.unit.ingest.broker_fixture import RawClient, RunningBroker, connect, packet, subscribe, text

OPTIONS = LinkOptions("gops-ingest", 100, 3600, 1000, 100, 1000, 1_000_000, 100)
UP = "gops/v1/city/a/up"


@pytest.fixture
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


@contextmanager
def ingest(broker: RunningBroker) -> Iterator[MqttLink]:
    link = MqttLink(broker.ingest, OPTIONS, SystemClock())
    link.start()
    until(lambda: link.health().connected)
    try:
        yield link
    finally:
        link.stop()


@contextmanager
def device(broker: RunningBroker, name: str = "a", heard: Any = None, **options: Any) -> Iterator[DeviceClient]:
    client = DeviceClient(broker.device(name), heard, **options).connect()
    try:
        yield client
    finally:
        client.close()


def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.005)


def take(link: MqttLink, count: int, seconds: float = 10.0) -> list[Message]:
    got: list[Message] = []
    end = time.monotonic() + seconds
    while len(got) < count and time.monotonic() < end:
        got += link.take(count, 0.1).messages
    assert len(got) == count, [one.payload for one in got]
    return got


class TestAcknowledgement:
    def test_a_device_is_acknowledged_after_ingest_has_acknowledged(self, broker: RunningBroker) -> None:
        """So its PUBACK means that the reading is committed."""
        with ingest(broker) as link, device(broker) as client:
            client.publish(b"1")
            messages = take(link, 1)
            time.sleep(0.1)
            assert client.unacknowledged == 1
            link.acknowledge(messages)
            client.flush(5)

    def test_what_came_before_ingest_waits_for_it(self, broker: RunningBroker) -> None:
        with device(broker) as client:
            client.publish(b"early")
            with ingest(broker) as link:
                link.acknowledge(take(link, 1))
                client.flush(5)

    def test_a_device_that_left_has_its_message_stored_all_the_same(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret")
            raw.publish(UP, b"last words")
        with ingest(broker) as link:
            assert take(link, 1)[0].payload == b"last words"

    @pytest.mark.parametrize("qos", [0, 1, 2])
    def test_every_qos_comes_once(self, broker: RunningBroker, qos: int) -> None:
        with ingest(broker) as link, RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret")
            raw.publish(UP, b"x", 9, qos=qos)
            messages = take(link, 1)
            link.acknowledge(messages)
            if qos == 1:
                assert raw.receive(4) == with_id(4, 9)
            if qos == 2:
                assert raw.receive(4) == with_id(5, 9)
                raw.publish(UP, b"x", 9, qos=2, dup=True)
                assert raw.receive(4) == with_id(5, 9)
                raw.send(with_id(6, 9, 2))
                assert raw.receive(4) == with_id(7, 9)
            assert link.take(10, 0.1).messages == []

    def test_sent_again_on_a_kept_session_it_is_not_taken_twice(self, broker: RunningBroker) -> None:
        """The PUBACK got lost with the connection; the device sends DUP."""
        with ingest(broker) as link:
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", clean=False)
                raw.publish(UP, b"x", 9)
                link.acknowledge(take(link, 1))
                raw.receive(4)
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", clean=False)
                raw.publish(UP, b"x", 9, dup=True)
                assert raw.receive(4) == with_id(4, 9)
            assert link.take(10, 0.1).messages == []

    def test_sent_again_while_it_is_on_its_way_it_is_acknowledged_where_the_device_is_now(
        self, broker: RunningBroker
    ) -> None:
        with ingest(broker) as link:
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", clean=False)
                raw.publish(UP, b"x", 9)
                messages = take(link, 1)
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", clean=False)
                raw.publish(UP, b"x", 9, dup=True)
                link.acknowledge(messages)
                assert raw.receive(4) == with_id(4, 9)

    def test_a_packet_id_that_a_restarted_device_uses_anew_is_acknowledged_for_its_new_message(
        self, broker: RunningBroker
    ) -> None:
        """The commit of what the device sent before it restarted says nothing of what it sends now."""
        with ingest(broker) as link:
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", clean=False)
                raw.publish(UP, b"before", 1)
                before = take(link, 1)
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", clean=False)
                raw.publish(UP, b"after", 1)
                after = take(link, 1)
                link.acknowledge(before)
                time.sleep(0.2)
                raw.send(b"\xc0\x00")
                assert raw.receive(2) == b"\xd0\x00", "a PUBACK for what is not committed"
                link.acknowledge(after)
                assert raw.receive(4) == with_id(4, 1)


class TestRedelivery:
    def test_what_ingest_did_not_acknowledge_comes_again_under_its_packet_id(self, broker: RunningBroker) -> None:
        with device(broker) as client:
            with ingest(broker) as link:
                for number in range(5):
                    client.publish(str(number).encode())
                first = take(link, 5)
                link.acknowledge(first[:2])
                until(lambda: client.unacknowledged == 3)
            with ingest(broker) as link:
                assert link.health().session_present
                again = take(link, 3)
                key = lambda one: (one.packet_id, one.payload)  # noqa: E731
                assert list(map(key, again)) == list(map(key, first[2:]))
                assert all(one.dup for one in again)
                link.acknowledge(again)
                client.flush(5)

    def test_the_first_connection_begins_a_session(self, broker: RunningBroker) -> None:
        """Packet ids start over with the broker's process, so ingest has to forget the old ones."""
        with ingest(broker) as link:
            assert not link.health().session_present
            assert link.take(1, 0.1).new_session


class TestBackpressure:
    def test_devices_wait_while_ingest_is_away(self, broker: RunningBroker) -> None:
        """Nothing is dropped: what does not fit is not accepted yet."""
        with device(broker, in_flight=10_000) as client:
            for number in range(600):
                client.publish(str(number).encode())
            time.sleep(0.3)
            assert client.unacknowledged == 600
            assert len(broker.broker._ingest.mailbox) == broker.limits.queue_messages
            with ingest(broker) as link:
                got: list[Message] = []
                while len(got) < 600:
                    got += (some := take(link, 1))
                    link.acknowledge(some)
                client.flush(10)
        assert [int(one.payload) for one in got] == list(range(600))

    def test_the_bound_holds_in_bytes(self) -> None:
        with RunningBroker(queue_bytes=10_000) as broker, device(broker) as client:
            for _ in range(100):
                client.publish(b"x" * 900)
            time.sleep(0.3)
            assert broker.broker._ingest.mailbox._bytes < 12_000

    def test_a_slow_reader_costs_what_its_mailbox_holds(self, broker: RunningBroker) -> None:
        """It subscribes and never reads; ingest is not held up, and memory stays flat."""
        with ingest(broker) as link, RawClient(broker.port) as slow, device(broker, "b") as client:
            slow.log_in("key", "gops_key")
            slow.send(subscribe("gops/live/#"))
            slow.receive(5)
            for _ in range(40):
                for _ in range(100):
                    link.publish("gops/live/v1/air/1", b"x" * 900)
                client.publish(b"1")
                link.acknowledge(take(link, 1))
                client.flush(5)
            (reader,) = broker.broker._registry.of("key:7")
            assert len(reader.mailbox) <= broker.limits.client_messages
            assert reader.mailbox.dropped > 0


class TestPermissions:
    def test_another_devices_topic_is_denied_and_the_device_told(self, broker: RunningBroker) -> None:
        heard: list[tuple[str, bytes]] = []
        with ingest(broker) as link, device(broker, heard=lambda *parts: heard.append(parts)) as client:
            client.publish_to("gops/v1/city/b/up", b"not mine")
            client.flush(5)
            until(lambda: heard)
            assert link.take(10, 0.2).messages == []
        topic, body = heard[0]
        assert topic == "gops/v1/city/a/down/refused"
        assert json.loads(body)["refused"][0]["code"] == "foreign_topic"

    @pytest.mark.parametrize("topic", ["gops/v1/city/a/down/receipt", "gops/live/v1/x/1", "$SYS/x", "other"])
    def test_a_device_publishes_nothing_else(self, broker: RunningBroker, topic: str) -> None:
        with ingest(broker) as link, RawClient(broker.port) as raw, RawClient(broker.port) as reader:
            reader.log_in("key", "gops_key", "reader")
            reader.send(subscribe("gops/live/#"))
            reader.receive(5)
            raw.log_in("city/a", "secret")
            raw.publish(topic, b"x")
            assert raw.receive(4) == with_id(4, 1)
            assert link.take(10, 0.1).messages == []
            reader.socket.settimeout(0.2)
            with pytest.raises(TimeoutError):
                reader.socket.recv(1)

    def test_foreign_subscriptions_are_refused_one_by_one(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret")
            raw.send(subscribe("gops/v1/city/a/down/#", "#", "gops/v1/+/+/up/#", "gops/v1/city/b/down/#", "$SYS/#"))
            assert raw.receive(9)[4:] == bytes((1, 0x80, 0x80, 0x80, 0x80))

    def test_an_answer_reaches_its_device_alone(self, broker: RunningBroker) -> None:
        heard: dict[str, list[str]] = {"a": [], "b": []}
        with (
            ingest(broker) as link,
            device(broker, "a", lambda topic, _body: heard["a"].append(topic)),
            device(broker, "b", lambda topic, _body: heard["b"].append(topic)),
        ):
            link.publish("gops/v1/city/b/down/receipt", b"{}")
            until(lambda: heard["b"])
        assert heard == {"a": [], "b": ["gops/v1/city/b/down/receipt"]}

    def test_live_readings_reach_readers(self, broker: RunningBroker) -> None:
        with ingest(broker) as link, RawClient(broker.port) as reader:
            reader.log_in("key", "gops_key")
            reader.send(subscribe("gops/live/v1/air/+", qos=0))
            reader.receive(5)
            link.publish("gops/live/v1/water/1", b"no")
            link.publish("gops/live/v1/air/1", b"yes")
            expected = publish_frame(b"gops/live/v1/air/1", b"yes", 0, 0, dup=False)
            assert reader.receive(len(expected)) == expected

    def test_retained_is_neither_kept_nor_sent_to_later_subscribers(self, broker: RunningBroker) -> None:
        with ingest(broker) as link, device(broker) as client:
            client.publish_to(UP, b"{}", retain=True)
            message = take(link, 1)
            assert not message[0].retain
            link.acknowledge(message)
            client.flush(5)
        with ingest(broker) as link:
            assert link.take(10, 0.3).messages == []
        assert broker.broker.retained_messages == {}


class TestLastWill:
    def test_it_is_published_when_a_device_vanishes(self, broker: RunningBroker) -> None:
        status = "gops/v1/city/a/status"
        with ingest(broker) as link:
            with RawClient(broker.port) as raw:
                assert raw.log_in("city/a", "secret", will=(status, b"gone")) == b"\0\0"
            message = take(link, 1)[0]
            assert (message.topic, message.payload) == (status, b"gone")

    def test_goodbye_makes_it_void(self, broker: RunningBroker) -> None:
        with ingest(broker) as link:
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", will=("gops/v1/city/a/status", b"gone"))
                raw.send(b"\xe0\0")
                assert raw.is_hung_up()
            assert link.take(1, 0.2).messages == []

    @pytest.mark.parametrize("topic", ["gops/v1/city/b/status", "gops/live/v1/x/1", "#", "gops/v1/city/a/down/receipt"])
    def test_one_for_a_foreign_topic_keeps_its_client_out(self, broker: RunningBroker, topic: str) -> None:
        with RawClient(broker.port) as raw:
            assert raw.log_in("city/a", "secret", will=(topic, b"gone")) == b"\0\5"
            assert raw.is_hung_up()

    def test_a_silent_device_is_given_up_after_its_keep_alive(self, broker: RunningBroker) -> None:
        with ingest(broker) as link, RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret", keep_alive=1, will=("gops/v1/city/a/status", b"gone"))
            assert raw.is_hung_up(4)
            assert take(link, 1)[0].payload == b"gone"


class TestClientIds:
    def test_naming_anothers_client_id_reaches_nothing(self, broker: RunningBroker) -> None:
        """Neither ingest's session nor another device's connection."""
        with ingest(broker) as link, RawClient(broker.port) as other, RawClient(broker.port) as mallory:
            other.log_in("city/b", "secret", "meter")
            for client_id in ("gops-ingest", "meter"):
                with RawClient(broker.port) as mallory:
                    assert mallory.log_in("city/a", "secret", client_id) == b"\0\0"
            with RawClient(broker.port) as mallory:
                assert mallory.log_in("city/a", "wrong", "gops-ingest", clean=True) == b"\0\4"
            other.publish("gops/v1/city/b/up", b"still here")
            link.acknowledge(take(link, 1))
            assert other.receive(4) == with_id(4, 1)
            assert link.health().connections == 1

    def test_the_same_client_again_ends_its_old_connection(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as old, RawClient(broker.port) as new:
            old.log_in("city/a", "secret", "meter")
            assert new.log_in("city/a", "secret", "meter") == b"\0\0"
            assert old.is_hung_up()
            new.send(b"\xc0\0")
            assert new.receive(2) == b"\xd0\0"

    def test_ingest_taking_over_from_itself_loses_nothing(self, broker: RunningBroker) -> None:
        """A half-open connection of a killed GOPS, and the new one."""
        with device(broker) as client, RawClient(broker.port) as dead:
            dead.log_in("gops", "service-secret", "gops-ingest", clean=False)
            dead.send(subscribe("gops/v1/+/+/up/#"))
            client.publish(b"precious")
            dead.receive(5 + 20)
            with ingest(broker) as link:
                message = take(link, 1)
                assert (message[0].payload, message[0].dup) == (b"precious", True)
                link.acknowledge(message)
                client.flush(5)

    def test_a_kept_session_keeps_its_answers(self, broker: RunningBroker) -> None:
        with ingest(broker) as link:
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", clean=False)
                raw.send(subscribe("gops/v1/city/a/down/#"))
                raw.receive(5)
                raw.send(b"\xe0\0")
                assert raw.is_hung_up()
            link.publish("gops/v1/city/a/down/receipt", b"r")
            until(lambda: len(broker.broker._registry.of("city/a")[0].mailbox) == 1)
            with RawClient(broker.port) as raw:
                assert raw.log_in("city/a", "secret", clean=False) == b"\1\0"
                expected = publish_frame(b"gops/v1/city/a/down/receipt", b"r", 1, 1, dup=False)
                assert raw.receive(len(expected)) == expected

    def test_kept_sessions_of_one_login_are_bounded(self, broker: RunningBroker) -> None:
        for number in range(10):
            with RawClient(broker.port) as raw:
                raw.log_in("city/a", "secret", f"id-{number}", clean=False)
        until(lambda: len(broker.broker._registry.of("city/a")) <= broker.limits.kept_sessions + 1)

    def test_no_client_id_without_a_clean_session_is_refused(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            assert raw.log_in("city/a", "secret", "", clean=False) == b"\0\2"


class TestEnding:
    def test_a_revoked_device_is_hung_up_on_and_its_last_will_is_void(self, broker: RunningBroker) -> None:
        with ingest(broker) as link, RawClient(broker.port) as raw, RawClient(broker.port) as other:
            raw.log_in("city/a", "secret", will=("gops/v1/city/a/status", b"gone"))
            other.log_in("city/b", "secret")
            broker.call(broker.broker.hang_up, lambda login: login.device_id == ord("a"), "revoked")
            assert raw.is_hung_up()
            assert link.take(1, 0.2).messages == []
            other.send(b"\xc0\0")
            assert other.receive(2) == b"\xd0\0"

    def test_also_while_its_message_waits_for_room(self, broker: RunningBroker) -> None:
        with RunningBroker(queue_messages=1) as small, RawClient(small.port) as raw:
            raw.log_in("city/a", "secret")
            for number in range(5):
                raw.publish(UP, b"x", number + 1)
            time.sleep(0.1)
            small.call(small.broker.hang_up, lambda login: login.device_id == ord("a"), "revoked")
            assert raw.is_hung_up()

    def test_its_session_is_forgotten(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret", clean=False)
        until(lambda: all(client.line is None for client in broker.broker._registry.of("city/a")))
        broker.call(broker.broker.hang_up, lambda login: login.name == "city/a", "revoked")
        until(lambda: not broker.broker._registry.of("city/a"))


class TestBounds:
    def test_an_oversized_payload_ends_the_connection_and_is_seen_by_ingest(self, broker: RunningBroker) -> None:
        """Of 20 MB the broker reads a thousandth; ingest sees enough of it to refuse it as too large."""
        sent: list[int] = []
        with ingest(broker) as link, RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret")
            frame = publish_frame(UP.encode(), b"x" * 20_000_000, 1, 1, dup=False)
            sender = threading.Thread(target=lambda: sent.append(raw.send_until_hung_up(frame)))
            sender.start()
            (message,) = messages = take(link, 1)
            link.acknowledge(messages)
            sender.join(10)
            assert (message.topic, message.size) == (UP, 1001)
            assert sent[0] < 20_000_000

    def test_once_refused_it_is_acknowledged_so_that_it_does_not_come_again(self, broker: RunningBroker) -> None:
        with ingest(broker) as link, device(broker) as client:
            client.publish(b"x" * 5_000_000)
            link.acknowledge(take(link, 1))
            client.flush(5)
            client.publish(b"small")
            assert take(link, 1)[0].payload == b"small"

    def test_connections_are_bounded(self) -> None:
        with RunningBroker(connections=3) as broker:
            clients = [RawClient(broker.port) for _ in range(5)]
            try:
                for number, client in enumerate(clients[:3]):
                    assert client.log_in("city/a", "secret", f"id-{number}") == b"\0\0"
                assert all(client.is_hung_up() for client in clients[3:])
            finally:
                for client in clients:
                    client.socket.close()
            until(lambda: broker.broker._connections == 0)

    def test_who_says_nothing_is_hung_up_on(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            assert raw.is_hung_up(3)

    def test_who_says_connect_too_slowly_too(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            raw.send(connect("city/a", "secret")[:10])
            assert raw.is_hung_up(3)

    def test_connections_of_one_device_are_bounded(self) -> None:
        with RunningBroker(per_device=2) as broker:
            clients = [RawClient(broker.port) for _ in range(3)]
            answers = [client.log_in("city/a", "secret", f"id-{n}") for n, client in enumerate(clients)]
            for client in clients:
                client.socket.close()
            assert answers == [b"\0\0", b"\0\0", b"\0\3"]

    def test_subscriptions_of_one_session_are_bounded(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret")
            raw.send(subscribe(*[f"gops/v1/city/a/down/{number}" for number in range(40)]))
            assert raw.receive(4 + 40)[4:].count(b"\x80") == 8

    def test_a_flood_of_refused_logins_leaves_others_alone(self, broker: RunningBroker) -> None:
        with ingest(broker) as link, device(broker) as client:
            for _ in range(30):
                flood = [RawClient(broker.port) for _ in range(10)]
                for raw in flood:
                    raw.send(connect("city/a", "wrong"))
                client.publish(b"1")
                link.acknowledge(take(link, 1))
                client.flush(5)
                for raw in flood:
                    raw.socket.close()
        until(lambda: broker.broker._connections == 0)


class TestMalformed:
    @pytest.mark.parametrize(
        "stream",
        [
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x00\x00",
            b"\xff" * 100,
            b"\x10\x00",
            b"\x10\x04\x00\x04MQ",
            packet(0x10, text("MQTT") + b"\x04\xff\x00\x00"),
            packet(0x11, connect("city/a", "secret")[2:]),
            connect("city/a", "secret", extra_flags=1),  # the reserved flag
            connect("city/a", "secret", extra_flags=0x18),  # a QoS without a last will
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        ],
    )
    def test_before_login_it_ends_the_connection(self, broker: RunningBroker, stream: bytes) -> None:
        with RawClient(broker.port) as raw:
            raw.send(stream)
            assert raw.is_hung_up(3)

    @pytest.mark.parametrize(
        "stream",
        [
            b"\x00\x00",
            b"\xf0\x00",
            connect("city/a", "secret"),
            b"\x82\x02\x00\x01",  # SUBSCRIBE to nothing
            packet(0x80, b"\x00\x01" + text("x") + b"\x01"),  # SUBSCRIBE with wrong flags
            packet(0x82, b"\x00\x01" + text("x") + b"\x03"),
            packet(0x82, b"\x00\x01\x00\xffx"),
            packet(0x36, text(UP) + b"\x00\x01x"),
            packet(0x32, text(UP)),
            packet(0x32, text("gops/v1/city/a/up/+") + b"\x00\x01x"),
            packet(0x32, text(b"gops/\xff") + b"\x00\x01x"),
            b"\x40\x00",
            b"\x20\x02\x00\x00",
            b"\x90\x03\x00\x01\x00",
        ],
    )
    def test_after_login_it_ends_that_connection_alone(self, broker: RunningBroker, stream: bytes) -> None:
        with ingest(broker) as link, device(broker, "b") as client, RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret")
            raw.send(stream)
            assert raw.is_hung_up(3)
            client.publish(b"1")
            link.acknowledge(take(link, 1))
            client.flush(5)

    def test_acknowledgements_of_nothing_are_ignored(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            raw.log_in("city/a", "secret")
            for kind in (4, 6):
                raw.send(with_id(kind, 999, 2 if kind == 6 else 0))
            raw.send(b"\xc0\0")
            assert raw.receive(6) == with_id(7, 999) + b"\xd0\0"


class TestLogin:
    @pytest.mark.parametrize(
        ("username", "password", "answer"),
        [("city/a", "secret", 0), ("city/a", "wrong", 4), ("nobody", "x", 4), (None, None, 4), ("gops", "x", 4)],
    )
    def test_connack_says_whether_it_was_good(
        self, broker: RunningBroker, username: str | None, password: str | None, answer: int
    ) -> None:
        with RawClient(broker.port) as raw:
            raw.send(connect(username, password))
            assert raw.receive(4) == bytes((0x20, 2, 0, answer))

    @pytest.mark.parametrize("level", [3, 5])
    def test_another_version_is_refused_as_3_1_1_has_it(self, broker: RunningBroker, level: int) -> None:
        with RawClient(broker.port) as raw:
            raw.send(connect("city/a", "secret", level=level))
            assert raw.receive(4) == b"\x20\x02\x00\x01"

    def test_ingest_falls_back_from_mqtt_5(self, broker: RunningBroker) -> None:
        with ingest(broker) as link:
            assert link.health().protocol == "3.1.1"

    def test_while_the_records_are_away_it_is_not_said_to_be_wrong(self, broker: RunningBroker) -> None:
        broker.logins.down = True
        with RawClient(broker.port) as raw:
            assert raw.log_in("city/a", "secret") == b"\0\3"

    def test_a_device_client_says_who_was_refused(self, broker: RunningBroker) -> None:
        with pytest.raises(Unauthenticated, match="refused city/a"):
            DeviceClient(broker.address("city/a", "wrong")).connect()

    def test_a_key_that_ended_is_hung_up_on(self, broker: RunningBroker) -> None:
        with RawClient(broker.port) as raw:
            raw.log_in("key", "gops_key")
            broker.broker.guard._key_actor = _no_key
            broker.call(lambda: broker._loop.create_task(broker.broker.check_keys()))
            assert raw.is_hung_up(3)

    def test_nobody_gets_in_to_probe(self, broker: RunningBroker) -> None:
        assert probe(broker.ingest, wait_s=1.0) == "guarded"


def _no_key(_text: str) -> Any:
    raise Unauthenticated("it has ended")


def test_a_login_is_the_same_for_all_its_connections() -> None:
    assert Login("device", "city/a", 1) == Login("device", "city/a", 1)
