"""Ingest's side of MQTT without a broker: addresses, the inbox, and reading a PUBLISH as paho does."""

from __future__ import annotations

import hashlib
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import _packet
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gops.clock import FixedClock
from gops.errors import BadSetting
from gops.ingest.mqtt import Inbox, LinkOptions, Message, MqttLink, parse
from gops.ingest.mqtt.client import MQTT5, MQTT311, IngestClient
from gops.ingest.mqtt.link import LONGEST_PAUSE_SECONDS, pause_after

OPTIONS = LinkOptions(
    client_id="test",
    receive_maximum=10,
    session_seconds=60,
    message_bytes=100,
    kept_bytes=10,
    inbox_messages=3,
    inbox_bytes=1000,
    answers=2,
)


class TestAddress:
    def test_all_parts_are_read(self) -> None:
        address = parse("mqtts://city%2Fdev-1:p%40ss@broker.example.kr:8884", "/etc/ca.pem")
        assert (address.host, address.port, address.tls) == ("broker.example.kr", 8884, True)
        assert (address.username, address.password, address.ca) == ("city/dev-1", "p@ss", "/etc/ca.pem")

    @pytest.mark.parametrize(("url", "port"), [("mqtt://broker", 1883), ("mqtts://broker", 8883)])
    def test_the_port_has_its_default(self, url: str, port: int) -> None:
        assert parse(url).port == port

    def test_it_can_be_written_and_read_again(self) -> None:
        address = parse("mqtt://city%2Fdev:p%40s%2Fs@[::1]:1884")
        assert parse(address.url()) == address

    @pytest.mark.parametrize("show", [str, repr])
    def test_shown_it_keeps_its_password(self, show: object) -> None:
        assert "s3cret" not in show(parse("mqtt://gops:s3cret@broker"))  # type: ignore[operator]

    @pytest.mark.parametrize(
        "url", ["http://broker", "mqtt://", "mqtt://b:99999", "mqtt://b:x", "mqtt://b:0", "mqtt://u:s3cret@b/path", ""]
    )
    def test_a_bad_one_is_refused_without_repeating_it(self, url: str) -> None:
        with pytest.raises(BadSetting) as refused:
            parse(url)
        assert "s3cret" not in refused.value.message


class TestInbox:
    def message(self, number: int, size: int = 1) -> Message:
        return Message("t", b"x" * size, number, False, False, 1, number, size)

    def test_first_in_first_out(self) -> None:
        inbox = Inbox(10, 1000)
        for number in range(5):
            inbox.put(self.message(number))
        assert [one.packet_id for one in inbox.take(3, 0).messages] == [0, 1, 2]
        assert [one.packet_id for one in inbox.take(3, 0).messages] == [3, 4]

    def test_it_is_full_by_number(self) -> None:
        inbox = Inbox(2, 1000)
        inbox.put(self.message(1))
        assert inbox.has_room()
        inbox.put(self.message(2))
        assert not inbox.has_room()
        inbox.take(1, 0)
        assert inbox.has_room()

    def test_it_is_full_by_bytes(self) -> None:
        inbox = Inbox(100, 50)
        inbox.put(self.message(1, 60))
        assert not inbox.has_room()
        assert inbox.bytes == 60
        inbox.take(1, 0)
        assert (inbox.has_room(), inbox.bytes) == (True, 0)

    def test_a_new_session_divides_batches(self) -> None:
        inbox = Inbox(10, 1000)
        inbox.begin_session()
        inbox.put(self.message(1))
        inbox.begin_session()
        inbox.put(self.message(2))
        first, second = inbox.take(10, 0), inbox.take(10, 0)
        assert ([one.packet_id for one in first.messages], first.new_session) == ([1], True)
        assert ([one.packet_id for one in second.messages], second.new_session) == ([2], True)

    def test_who_takes_waits_for_who_puts(self) -> None:
        inbox = Inbox(10, 1000)
        taken: list[Message] = []
        taker = threading.Thread(target=lambda: taken.extend(inbox.take(10, 10).messages))
        taker.start()
        inbox.put(self.message(7))
        inbox.wake()
        taker.join(10)
        assert [one.packet_id for one in taken] == [7]

    def test_nothing_comes_of_waiting_for_nothing(self) -> None:
        assert Inbox(10, 1000).take(10, 0.01).messages == []


def received(packet: bytes, command: int, protocol: object) -> tuple[list[tuple[object, ...]], MQTTErrorCode]:
    """What ``IngestClient`` makes of a PUBLISH whose body is ``packet``."""
    heard: list[tuple[object, ...]] = []
    client = IngestClient(parse("mqtt://nowhere"), "test", protocol, lambda *parts: heard.append(parts))  # type: ignore[arg-type]
    client._in_packet["command"] = command
    client._in_packet["packet"] = bytearray(packet)
    return heard, client._handle_publish()


class TestReadingPublish:
    """The short way through paho's private hook; it has to agree with paho's own."""

    def test_paho_calls_the_hook(self) -> None:
        """Should a release rename it, messages would still come, five times slower; this test says so."""
        assert "_handle_publish" in IngestClient.__mro__[1].__dict__

    @given(
        topic=st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=30),
        payload=st.binary(max_size=300),
        packet_id=st.integers(1, 65535),
        flags=st.sampled_from([0, 1, 2, 3, 8 | 2, 8 | 3]),
        note=st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)),
        protocol=st.sampled_from([MQTT5, MQTT311]),
    )
    def test_it_reads_what_paho_reads(
        self, topic: str, payload: bytes, packet_id: int, flags: int, note: str | None, protocol: object
    ) -> None:
        body = len(topic.encode()).to_bytes(2) + topic.encode()
        if flags & 2:
            body += packet_id.to_bytes(2)
        if protocol == MQTT5:
            properties = Properties(PacketTypes.PUBLISH)
            if note is not None:
                properties.UserProperty = ("note", note)
            body += properties.pack()
        body += payload
        theirs = _packet.decode_publish(0x30 | flags, bytearray(body), protocol)  # type: ignore[arg-type]
        heard, result = received(body, 0x30 | flags, protocol)
        assert result == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert heard == [
            (theirs.topic.decode(), bytes(theirs.payload), theirs.mid, theirs.qos, theirs.dup, theirs.retain)
        ]

    @given(st.binary(max_size=40), st.sampled_from([MQTT5, MQTT311]))
    def test_any_bytes_are_read_or_refused(self, body: bytes, protocol: object) -> None:
        heard, result = received(body, 0x32, protocol)
        assert (len(heard), result) in ((1, MQTTErrorCode.MQTT_ERR_SUCCESS), (0, MQTTErrorCode.MQTT_ERR_PROTOCOL))

    def test_acknowledgements_are_one_packet(self) -> None:
        client = IngestClient(parse("mqtt://nowhere"), "test", MQTT311, lambda *_parts: None)
        client.acknowledge([1, 0x1234, 65535])
        assert [bytes(one["packet"]) for one in client._out_packet] == [bytes.fromhex("40020001 40021234 4002ffff")]


class TestReceiving:
    """What the link puts into the inbox; ``_receive`` is what the client calls for each PUBLISH."""

    @pytest.fixture
    def link(self, clock: FixedClock) -> MqttLink:
        return MqttLink(parse("mqtt://nowhere"), OPTIONS, clock)

    def test_arrivals_grow_though_the_clock_stands(self, link: MqttLink) -> None:
        for number in range(3):
            link._receive("gops/v1/city/dev/up", b"{}", number, 1, False, False)
        arrivals = [one.arrival for one in link.take(10, 0).messages]
        assert len(set(arrivals)) == 3
        assert arrivals == sorted(arrivals)

    def test_a_clock_put_back_by_much_is_followed(self, link: MqttLink, clock: FixedClock) -> None:
        """Else every reading without time would carry a wrong one until the clock has caught up."""
        link._receive("t", b"{}", 1, 1, False, False)
        clock.move(hours=-1)
        link._receive("t", b"{}", 2, 1, False, False)
        first, second = link.take(10, 0).messages
        assert second.arrival == clock.micros() < first.arrival

    def test_it_is_connected_once_the_broker_answered_the_subscription(self, link: MqttLink) -> None:
        """What is sent before that answer may come to nobody."""
        asked: list[Any] = []
        client, good = SimpleNamespace(protocol=MQTT311, subscribe=asked.append), SimpleNamespace(is_failure=False)
        for _ in range(2):
            link._on_connect(client, None, SimpleNamespace(session_present=False), good, None)  # type: ignore[arg-type]
            assert not link.health().connected
            link._on_subscribe(client, None, 1, [good], None)  # type: ignore[list-item]
            assert link.health().connected
        assert len(asked) == 2

    def test_of_an_oversized_payload_the_start_is_kept(self, link: MqttLink) -> None:
        link._receive("gops/v1/city/dev/up", b"x" * 5000, 1, 1, False, False)
        (message,) = link.take(10, 0).messages
        assert (len(message.payload), message.size) == (10, 5000)
        assert message.whole == hashlib.sha256(b"x" * 5000).digest()

    def test_a_retained_copy_of_a_reading_is_no_arrival(self, link: MqttLink) -> None:
        link._receive("gops/v1/city/dev/up", b'{"a": 1}', 1, 1, False, True)
        assert link.take(10, 0).messages == []
        assert link.health().retained_ignored == 1

    def test_a_retained_status_is_news(self, link: MqttLink) -> None:
        link._receive("gops/v1/city/dev/status", b'{"online": true}', 1, 1, False, True)
        assert link.take(10, 0).messages[0].retain

    def test_answers_without_a_connection_are_counted(self, link: MqttLink) -> None:
        assert not link.publish("gops/v1/city/dev/down/receipt", b"{}")
        assert link.health().answers_dropped == 1


class TestPauses:
    def test_they_grow_to_a_bound_and_no_two_clients_keep_step(self) -> None:
        """A thousand clients that lose one broker don't come back at once."""
        for failures, longest in ((0, 0.2), (1, 0.4), (5, 6.4), (100, LONGEST_PAUSE_SECONDS)):
            pauses = [pause_after(failures) for _ in range(200)]
            assert 0.5 * longest <= min(pauses) < max(pauses) <= longest
            assert max(pauses) - min(pauses) > 0.3 * longest
