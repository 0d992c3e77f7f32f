"""Packets of the embedded broker: cut from any stream within bounds."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.ingest.broker.mailbox import Mailbox, Outgoing
from gops.ingest.broker.wire import Cut, Cutter, Hangup, publish_frame, read_publish, suback, with_id

CONNECT = b"\x10\x02ab"


def cut_in_pieces(stream: bytes, size: int, payload: int = 100) -> list[Cut]:
    cutter = Cutter(payload)
    return [one for at in range(0, len(stream), size) for one in cutter.cut(stream[at : at + size])]


@given(st.lists(st.binary(max_size=80), max_size=8), st.integers(1, 50))
def test_the_cuts_do_not_depend_on_how_the_stream_arrives(bodies: list[bytes], size: int) -> None:
    stream = CONNECT + b"".join(publish_frame(b"t", body, 1, 7, dup=False) for body in bodies)
    cuts = cut_in_pieces(stream, size)
    assert cuts == cut_in_pieces(stream, len(stream))
    assert [read_publish(one).payload for one in cuts[1:]] == bodies


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_stream_is_cut_or_hung_up_on(stream: bytes, size: int) -> None:
    try:
        cuts = cut_in_pieces(CONNECT + stream, size)
        for one in cuts[1:]:
            read_publish(one)
    except Hangup:
        return
    assert cuts[0].body == b"ab"


@given(
    st.text(st.characters(exclude_characters="+#\0", codec="utf-8"), min_size=1, max_size=50),
    st.binary(max_size=90),
    st.integers(0, 1),
    st.integers(1, 65_535),
    st.booleans(),
)
def test_what_is_written_is_read(topic: str, payload: bytes, qos: int, packet_id: int, dup: bool) -> None:
    frame = publish_frame(topic.encode(), payload, qos, packet_id, dup)
    message = read_publish(cut_in_pieces(CONNECT + frame, 1000)[1])
    assert (message.topic, message.payload, message.qos) == (topic, payload, qos)
    assert (message.packet_id, message.dup) == (packet_id if qos else 0, dup)


def test_the_first_packet_has_to_be_connect() -> None:
    with pytest.raises(Hangup, match="no CONNECT"):
        cut_in_pieces(b"\xc0\x00", 10)


def test_an_oversized_payload_is_not_read_to_its_end() -> None:
    """Just so much comes through as shows that it is too large; then the connection ends."""
    frame = publish_frame(b"topic", b"x" * 20_000_000, 1, 7, dup=False)
    stream = CONNECT + frame
    cutter = Cutter(100)
    got: list[Cut] = []
    sizes: list[int] = []

    def feed() -> None:
        for at in range(0, len(stream), 50):
            sizes.append(50)
            for one in cutter.cut(stream[at : at + 50]):
                got.append(one)

    with pytest.raises(Hangup, match="at most 100"):
        feed()
    assert sum(sizes) < 200
    assert not got[1].is_whole
    assert len(read_publish(got[1]).payload) == 101


def test_a_payload_at_the_bound_is_read() -> None:
    frame = publish_frame(b"topic", b"x" * 100, 1, 7, dup=False)
    assert read_publish(cut_in_pieces(CONNECT + frame, 1000)[1]).payload == b"x" * 100


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"\x82\xff\xff\xff\x7f", "expected at most 16384"),
        (b"\x10\xff\xff\xff\xff\x01", "four bytes"),
        (b"\x32\xff\xff\xff\x7f\xff\xff", "a topic of 65535 bytes"),
    ],
)
def test_a_packet_that_announces_too_much_is_refused_at_its_head(packet: bytes, why: str) -> None:
    with pytest.raises(Hangup, match=why):
        cut_in_pieces(CONNECT + packet, 1000)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x36\x05\x00\x01t\x00\x07",  # QoS 3
        b"\x32\x05\x00\x01t\x00\x00",  # packet id 0
        b"\x32\x03\x00\x01t",  # no packet id
        b"\x30\x02\x00\x09",  # a topic beyond the end
        b"\x30\x02\x00\x00",  # no topic
        b"\x30\x03\x00\x01+",
        b"\x30\x05\x00\x03a/#",
        b"\x30\x04\x00\x02\xff\xfe",
        b"\x30\x03\x00\x01\x00",
    ],
)
def test_a_malformed_publish_ends_the_connection(frame: bytes) -> None:
    cuts = cut_in_pieces(CONNECT + frame, 1000)
    with pytest.raises(Hangup):
        read_publish(cuts[1])


def test_small_packets_are_written_as_the_standard_has_them() -> None:
    assert with_id(4, 0x1234) == bytes.fromhex("40021234")
    assert suback(7, [1, 0x80]) == bytes.fromhex("900400070180")


def outgoing(number: int = 0, size: int = 1, qos: int = 1, done: object = None) -> Outgoing:
    return Outgoing(b"t", bytes([number % 256]) * size, qos, done)  # type: ignore[arg-type]


class TestMailbox:
    def test_what_is_acknowledged_is_told(self) -> None:
        told: list[int] = []
        mailbox = Mailbox(10, 1000, 10)
        for number in range(3):
            mailbox.put(outgoing(number, done=lambda number=number: told.append(number)))
        mailbox.frames()
        for packet_id in (1, 2, 2, 9, 3):  # twice, and one that was never sent
            mailbox.acknowledged(packet_id)
        assert told == [0, 1, 2]
        assert len(mailbox) == 0

    def test_what_was_not_acknowledged_is_sent_again_first(self) -> None:
        mailbox = Mailbox(10, 1000, 2)
        for number in range(3):
            mailbox.put(outgoing(number))
        mailbox.frames()
        mailbox.acknowledged(1)
        mailbox.resume()
        again = cut_in_pieces(CONNECT + mailbox.frames(), 1000)[1:]
        messages = [read_publish(one) for one in again]
        assert [(one.packet_id, one.dup, one.payload) for one in messages] == [(2, True, b"\1"), (3, False, b"\2")]

    def test_the_window_is_kept(self) -> None:
        mailbox = Mailbox(10, 1000, 2)
        for number in range(5):
            mailbox.put(outgoing(number))
        assert len(cut_in_pieces(CONNECT + mailbox.frames(), 1000)) == 1 + 2
        assert mailbox.frames() == b""
        assert not mailbox.ready.is_set()
        mailbox.acknowledged(1)
        assert mailbox.ready.is_set()
        assert len(cut_in_pieces(CONNECT + mailbox.frames(), 1000)) == 1 + 1

    @pytest.mark.parametrize("bounds", [(2, 1000), (100, 20)])
    def test_it_is_bounded_by_number_and_bytes(self, bounds: tuple[int, int]) -> None:
        mailbox = Mailbox(*bounds, 10)
        taken = [mailbox.put(outgoing(number, size=9)) for number in range(5)]
        assert taken == [True, True, False, False, False]
        assert mailbox.dropped == 3

    def test_who_waits_for_room_gets_it_in_turn(self) -> None:
        async def story() -> list[int]:
            mailbox = Mailbox(1, 1000, 10)
            order: list[int] = []

            async def sender(number: int) -> None:
                await mailbox.room()
                assert mailbox.put(outgoing(number))
                order.append(number)

            tasks = [asyncio.create_task(sender(number)) for number in range(5)]
            await asyncio.sleep(0)
            tasks[1].cancel()
            for packet_id in range(1, 6):
                await asyncio.sleep(0.001)
                mailbox.frames()
                mailbox.acknowledged(packet_id)
            await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
            return order

        assert asyncio.run(story()) == [0, 2, 3, 4]

    def test_a_turn_given_to_one_who_left_goes_to_the_next(self) -> None:
        async def story() -> bool:
            mailbox = Mailbox(1, 1000, 10)
            mailbox.put(outgoing())
            mailbox.frames()
            first, second = (asyncio.create_task(mailbox.room()) for _ in range(2))
            await asyncio.sleep(0)
            mailbox.acknowledged(1)  # the turn is the first one's
            first.cancel()  # who leaves before taking it
            await asyncio.wait_for(second, 5)
            return True

        assert asyncio.run(story())

    def test_packet_ids_begin_again_without_meeting_one_in_use(self) -> None:
        mailbox = Mailbox(100_000, 10_000_000, 65_534)
        mailbox.put(outgoing())
        mailbox.frames()  # 1 stays
        for _ in range(65_600):
            mailbox.put(outgoing())
            mailbox.frames()
            mailbox.acknowledged(mailbox._last_id)
        assert 1 in mailbox._sent
        assert mailbox._last_id != 1
