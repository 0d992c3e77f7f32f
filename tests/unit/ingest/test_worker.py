"""The ingest thread: order of commit, redeliveries, and what happens while something is down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from gops.clock import FixedClock
from gops.errors import Unavailable
from tests.unit.ingest.ingest_fakes import Bench, dup


@pytest.fixture
def bench(clock: FixedClock) -> Bench:
    return Bench(clock)


def test_refusals_then_readings_then_acknowledgement_then_answers(bench: Bench) -> None:
    bench.send('{"a": 1, "nowhere": 2, "receipt": "r1"}')
    assert bench.link.events == ["record", "write replace", "acknowledge", "publish", "publish"]


def test_a_batch_is_acknowledged_whole_and_in_order(bench: Bench) -> None:
    messages = [bench.message(f'{{"a": {n}}}') for n in range(5)]
    bench.send(*messages)
    assert bench.link.acknowledged == messages


def test_readings_without_time_get_their_own_arrivals(bench: Bench) -> None:
    bench.send('{"a": 1}', '{"a": 1}')
    assert bench.store.values() == [1.0, 1.0]


def test_a_message_marked_repeat_fills_gaps_only(bench: Bench, clock: FixedClock) -> None:
    now = clock.micros() // 1000
    bench.send(f'{{"ts": {now}, "values": {{"a": 1}}}}')
    bench.send(f'{{"ts": {now}, "values": {{"a": 9, "b": 9}}, "repeat": true}}')
    assert bench.store.values(1) == [1.0]
    assert bench.store.values(2) == [9.0]


def test_of_two_modes_in_one_batch_each_is_written_in_its_own(bench: Bench) -> None:
    bench.send('{"a": 1}', '{"b": 2, "repeat": true}')
    assert bench.store.writes == [(1, "replace"), (1, "keep")]


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        ("senml", '[{"n": "a", "v": 1}, {"n": "b", "v": 2}, {"n": "a", "v": "x", "t": -1}]'),
        ("csv", "a,b,c\n1,2,3"),
        ("ndjson", '{"a": 1}\n{"b": 2}\nx'),
    ],
)
def test_the_topic_names_the_codec_and_one_bad_reading_costs_itself(bench: Bench, codec: str, payload: str) -> None:
    bench.send(bench.message(payload, f"gops/v1/city/dev/up/{codec}"))
    assert (bench.store.values(1), bench.store.values(2)) == ([1.0], [2.0])
    assert sum(bench.worker.stats().refused.values()) == 1


def test_a_redelivery_of_readings_relative_to_the_arrival_adds_nothing(bench: Bench) -> None:
    first = bench.message('[{"n": "a", "t": -5, "v": 1}]', "gops/v1/city/dev/up/senml")
    bench.send(first)
    bench.send(dup(first))
    assert bench.store.values() == [1.0]


class TestRedelivery:
    def test_what_was_committed_is_only_acknowledged(self, bench: Bench) -> None:
        first = bench.message('{"a": 1}')
        bench.send(first)
        again = dup(first)
        bench.send(again)
        assert bench.store.values() == [1.0]
        assert bench.link.acknowledged[-1] == again
        assert bench.worker.stats().repeats == 1

    def test_what_was_not_committed_is_stored(self, bench: Bench) -> None:
        bench.send(dup(bench.message('{"a": 1}')))
        assert bench.store.values() == [1.0]

    def test_it_can_not_undo_a_correction(self, bench: Bench, clock: FixedClock) -> None:
        now = clock.micros() // 1000
        wrong = bench.message(f'{{"ts": {now}, "values": {{"a": 1}}}}')
        bench.send(wrong)
        bench.send(f'{{"ts": {now}, "values": {{"a": 2}}}}')
        bench.send(dup(wrong))
        assert bench.store.values() == [2.0]

    def test_both_copies_in_one_batch_are_one(self, bench: Bench) -> None:
        """The connection broke while the first copy waited in the inbox."""
        first = bench.message('{"a": 1}')
        bench.send(first, dup(first))
        assert bench.store.values() == [1.0]

    def test_both_copies_around_a_commit_within_a_batch_are_one(self, clock: FixedClock) -> None:
        bench = Bench(clock, batch_rows=1)
        first = bench.message('{"a": 1}')
        bench.send(first, '{"b": 5}', dup(first))
        assert bench.store.values() == [1.0]

    def test_a_reused_packet_id_with_an_equal_payload_is_fresh(self, bench: Bench) -> None:
        """A broker marks a redelivery DUP; this one isn't."""
        first = bench.message('{"a": 1}')
        bench.send(first)
        bench.send(first._replace(arrival=first.arrival + 5))
        assert bench.store.values() == [1.0, 1.0]

    def test_another_payload_under_the_packet_id_is_stored(self, bench: Bench) -> None:
        first = bench.message('{"a": 1}')
        bench.send(first)
        bench.send(dup(first, payload=b'{"a": 2}'))
        assert bench.store.values() == [1.0, 2.0]

    def test_a_session_begun_anew_forgets(self, bench: Bench) -> None:
        """The broker lost its session: packet ids start over."""
        first = bench.message('{"a": 1}')
        bench.send(first)
        bench.link.session_began = 2
        bench.send(dup(first), new_session=True)
        assert bench.store.values() == [1.0, 1.0]

    def test_a_message_of_an_ended_session_is_not_remembered_in_the_new_one(self, bench: Bench) -> None:
        old = bench.message('{"a": 1}')
        bench.link.session_began = 2
        bench.send(old)
        bench.send(dup(old))
        assert bench.store.values() == [1.0, 1.0]

    def test_the_receipt_is_sent_again(self, bench: Bench) -> None:
        """It may have been lost with the connection."""
        first = bench.message('{"a": 1, "receipt": "r1"}')
        bench.send(first)
        bench.send(dup(first))
        (topic, told), (same_topic, told_again) = [(topic, json.loads(body)) for topic, body in bench.link.published]
        assert topic == same_topic == "gops/v1/city/dev/down/receipt"
        assert (told["receipt"], told["inserted"], told["refused"]) == ("r1", 1, 0)
        assert (told_again["receipt"], told_again["unchanged"], told_again["refused"]) == ("r1", 1, 0)

    def test_qos_0_is_never_taken_for_a_redelivery(self, bench: Bench) -> None:
        first = bench.message('{"a": 1}', packet_id=0)
        bench.send(first)
        bench.send(first._replace(arrival=first.arrival + 5, dup=True))
        assert bench.store.values() == [1.0, 1.0]


class TestPoison:
    def test_a_mistake_in_looking_up_a_device_costs_its_message(self, bench: Bench) -> None:
        bench.sources.broken.add("gops/v1/city/odd/up")
        bench.send(bench.message('{"a": 1}', "gops/v1/city/odd/up"), '{"a": 2}')
        assert bench.refusals.codes == ["internal"]
        assert bench.store.values() == [2.0]

    def test_a_row_that_no_table_takes_costs_its_message(self, bench: Bench) -> None:
        """2**63 fits no int64 column: the batch can't even be built."""
        bench.sources.known["city/huge"] = bench.sources.known["city/dev"].__class__(
            9, 1, "city", "city/huge", {"a": _target(2**63)}
        )
        bench.send('{"a": 1}', bench.message('{"a": 2}', "gops/v1/city/huge/up"), '{"a": 3}')
        assert bench.store.values() == [1.0, 3.0]
        assert bench.refusals.codes == ["internal"]
        assert len(bench.link.acknowledged) == 3

    def test_a_message_that_the_store_chokes_on_costs_itself(self, bench: Bench) -> None:
        bench.store.refuses = lambda batch: 13.0 in batch.column("value").to_pylist()
        bench.send('{"a": 1}', '{"a": 13}', '{"a": 3}')
        assert bench.store.values() == [1.0, 3.0]
        assert bench.refusals.codes == ["internal"]
        assert len(bench.link.acknowledged) == 3

    def test_what_was_sifted_is_still_recognised(self, bench: Bench) -> None:
        bench.store.refuses = lambda batch: 13.0 in batch.column("value").to_pylist()
        good = bench.message('{"a": 1}')
        bench.send(good, '{"a": 13}')
        bench.send(dup(good))
        assert bench.store.values() == [1.0]

    def test_a_store_that_takes_nothing_is_no_poison(self, bench: Bench) -> None:
        """Every message fails: it is the store, so they wait."""
        tries = iter(range(9))
        bench.store.refuses = lambda _batch: next(tries, None) is not None
        bench.send('{"a": 1}', '{"a": 2}')
        assert bench.store.values() == [1.0, 2.0]
        assert bench.refusals.codes == []


class TestOutage:
    @pytest.fixture
    def running(self, bench: Bench) -> Iterator[Bench]:
        bench.worker.start()
        yield bench
        bench.worker.stop()

    def test_nothing_is_acknowledged_while_the_store_is_down(self, running: Bench) -> None:
        """It shows, is tried again, and resumes by itself."""
        running.store.failures = [Unavailable("the disk is full")] * 3
        running.link.batches.append(_batch(running, '{"a": 1}'))
        _until(lambda: running.worker.stats().trouble.at == "store")
        assert running.worker.stats().trouble.reason == "the disk is full"
        assert running.link.acknowledged == []
        _until(lambda: running.link.acknowledged)
        assert running.store.values() == [1.0]
        assert running.worker.stats().trouble.at == ""

    def test_readings_wait_for_the_refusals_of_their_batch(self, running: Bench) -> None:
        running.refusals.failures = [Unavailable("locked")] * 2
        running.link.batches.append(_batch(running, '{"a": 1, "nowhere": 1}'))
        _until(lambda: running.worker.stats().trouble.at == "records")
        assert running.store.values() == []
        _until(lambda: running.link.acknowledged)
        assert running.store.values() == [1.0]

    def test_a_device_that_cannot_be_looked_up_is_looked_up_again(self, running: Bench) -> None:
        running.sources.down = 2
        running.link.batches.append(_batch(running, '{"a": 1}'))
        _until(lambda: running.link.acknowledged)
        assert running.store.values() == [1.0]

    def test_stopping_leaves_an_uncommitted_batch_to_the_broker(self, bench: Bench) -> None:
        bench.worker.start()
        bench.store.failures = [Unavailable("away")] * 1000
        bench.link.batches.append(_batch(bench, '{"a": 1}'))
        _until(lambda: bench.worker.stats().failures > 0)
        bench.worker.stop()
        assert bench.link.acknowledged == []

    def test_a_mistake_anywhere_else_does_not_end_the_thread(self, running: Bench) -> None:
        running.link.mistakes = [ZeroDivisionError("in the link")] * 2
        running.link.batches.append(_batch(running, '{"a": 1}'))
        _until(lambda: running.link.acknowledged)
        assert running.worker.is_alive


class TestBounds:
    def test_many_readings_are_committed_in_parts(self, clock: FixedClock) -> None:
        bench = Bench(clock, batch_rows=4)
        bench.send(*[f'{{"a": {n}, "b": {n}}}' for n in range(5)])
        assert [rows for rows, _mode in bench.store.writes] == [4, 4, 2]

    def test_refusals_count_too(self, clock: FixedClock) -> None:
        """A flood of garbage must not gather in memory either."""
        bench = Bench(clock, batch_rows=2)
        bench.send(*["{"] * 5)
        assert bench.link.events.count("record") == 3

    def test_an_oversized_message_is_refused_unread(self, bench: Bench) -> None:
        bench.send(bench.message('{"a": 1', size=20_000_000, whole=b"h" * 32), '{"a": 2}')
        assert bench.refusals.codes == ["too_large"]
        assert "20000000 bytes" in bench.refusals.reports[0].refused.note
        assert bench.refusals.reports[0].whole == (b"h" * 32, 20_000_000)
        assert bench.store.values() == [2.0]


class TestStatus:
    def test_a_status_is_passed_on(self, bench: Bench) -> None:
        status = "gops/v1/city/dev/status"
        bench.send(bench.message('{"online": true}', status), bench.message('{"online": false}', status, retain=True))
        assert bench.status.statements == [(1, True, False), (1, False, True)]

    def test_one_that_says_nothing_is_refused(self, bench: Bench) -> None:
        bench.send(bench.message("hello", "gops/v1/city/dev/status"))
        assert bench.refusals.codes == ["bad_json"]

    def test_who_sends_is_seen(self, bench: Bench) -> None:
        bench.send('{"a": 1}')
        assert bench.status.devices == {1}


def test_the_counters_tell_what_happened(bench: Bench) -> None:
    bench.send('{"a": 1, "b": 2}', '{"a": 1, "nowhere": 3}', "garbage")
    stats = bench.worker.stats()
    assert (stats.messages, stats.readings, stats.inserted) == (3, 3, 3)
    assert stats.refused == {"unknown_field": 1, "bad_json": 1}


def test_a_device_hears_what_was_refused(bench: Bench) -> None:
    bench.send('{"nowhere": 3}')
    topic, body = bench.link.published[0]
    told = json.loads(body)
    assert topic == "gops/v1/city/dev/down/refused"
    assert told["total"] == 1
    assert (told["refused"][0]["code"], told["refused"][0]["field"]) == ("unknown_field", "nowhere")


def _target(datastream: int) -> object:
    from gops.sensors.routes import Target

    return Target(datastream, "gauge", 1.0, 0.0, float("-inf"), float("inf"))


def _batch(bench: Bench, *payloads: str) -> object:
    from gops.ingest.mqtt.inbox import Taken

    return Taken([bench.message(payload) for payload in payloads])


def _until(holds: object, seconds: float = 10.0) -> None:
    done = threading.Event()
    for _ in range(int(seconds / 0.005)):
        if holds():  # type: ignore[operator]
            return
        done.wait(0.005)
    raise AssertionError("not in time")
