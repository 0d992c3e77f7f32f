"""Batches that a slow store has not confirmed yet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from gops.clock import FixedClock
from gops.errors import Unavailable
from gops.ingest import in_flight
from tests.unit.ingest.ingest_fakes import Bench, dup


class Slow:
    """Answers that come when they are told to: put into ``store.held``, once for each write to be put off."""

    def __init__(self) -> None:
        self.pending: list[tuple[Future[Any], Future[Any]]] = []

    def __call__(self, done: Future[Any]) -> Future[Any]:
        later: Future[Any] = Future()
        self.pending.append((later, done))
        return later

    def confirm(self, place: int = 0) -> None:
        later, done = self.pending.pop(place)
        later.set_result(done.result())

    def fail(self, place: int = 0, error: Exception | None = None) -> None:
        later, _done = self.pending.pop(place)
        later.set_exception(error or Unavailable("it did not say in time that it is on disk"))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    monkeypatch.setattr(in_flight, "PATIENCE_SECONDS", 0.0)
    return Slow()


@pytest.fixture
def bench(clock: FixedClock) -> Bench:
    return Bench(clock)


def held(bench: Bench, slow: Slow, *payloads: str) -> list[Any]:
    """Each a batch of its own that the store has not confirmed; their messages."""
    bench.store.held = [slow] * len(payloads)
    messages = [bench.message(payload) for payload in payloads]
    for message in messages:
        bench.send(message)
    return messages


def test_the_next_batch_does_not_wait_for_the_one_before(bench: Bench, slow: Slow) -> None:
    held(bench, slow, '{"a": 1}', '{"a": 2}', '{"a": 3}')
    assert bench.store.values() == [1.0, 2.0, 3.0]
    assert bench.link.acknowledged == []
    assert bench.worker.stats().in_flight == 3


def test_acknowledgements_come_in_the_order_of_the_batches(bench: Bench, slow: Slow) -> None:
    first, second, third = held(bench, slow, '{"a": 1}', '{"a": 2}', '{"a": 3}')
    slow.confirm(1)
    bench.worker.step()
    assert bench.link.acknowledged == []
    slow.confirm(0)
    bench.worker.step()
    assert bench.link.acknowledged == [first, second]
    slow.confirm(0)
    bench.worker.step()
    assert bench.link.acknowledged == [first, second, third]
    assert bench.worker.stats().messages == 3


def test_a_receipt_is_sent_after_the_commit_alone(bench: Bench, slow: Slow) -> None:
    held(bench, slow, '{"a": 1, "receipt": "r1"}')
    assert bench.link.published == []
    slow.confirm()
    bench.worker.step()
    assert bench.link.events[-2:] == ["acknowledge", "publish"]


def test_refusals_are_written_before_their_readings_are_handed_in(bench: Bench, slow: Slow) -> None:
    held(bench, slow, '{"a": 1, "nowhere": 1}')
    assert bench.link.events == ["record", "write replace"]


def test_a_failed_batch_is_written_before_those_behind_it_are_acknowledged(bench: Bench, slow: Slow) -> None:
    messages = held(bench, slow, '{"a": 1}', '{"a": 2}')
    slow.fail(0)
    slow.confirm(0)
    seen: list[int] = []
    written = bench.store.writes
    bench.link.acknowledge = _noting(bench, lambda: seen.append(len(written)))  # type: ignore[method-assign]
    bench.worker.step()
    assert bench.link.acknowledged == messages
    assert seen == [3, 4]  # two at first; the failed one again, acknowledged; then the one behind it, acknowledged


def test_a_correction_behind_a_failed_batch_stays_the_last_word(bench: Bench, slow: Slow, clock: FixedClock) -> None:
    now = clock.micros() // 1000
    held(bench, slow, f'{{"ts": {now}, "values": {{"a": 1}}}}', f'{{"ts": {now}, "values": {{"a": 2}}}}')
    slow.fail(0)
    slow.confirm(0)
    bench.worker.step()
    assert bench.store.values() == [2.0]


def test_refusals_are_not_written_twice_when_a_batch_is_written_again(bench: Bench, slow: Slow) -> None:
    held(bench, slow, '{"a": 1, "nowhere": 1}', '{"a": 2, "nowhere": 1}')
    slow.fail(0)
    slow.fail(0)
    bench.worker.step()
    assert bench.refusals.codes == ["unknown_field"] * 2
    assert len(bench.link.acknowledged) == 2


def test_no_more_than_allowed_are_under_way(clock: FixedClock, slow: Slow) -> None:
    bench = Bench(clock, uncommitted=2)
    held(bench, slow, '{"a": 1}', '{"a": 2}')
    bench.link.batches.append(_taken(bench, '{"a": 3}'))
    slow.confirm(0)
    bench.worker.step()  # there was no room, so it looked after what is in flight
    assert bench.store.values() == [1.0, 2.0]
    bench.worker.step()
    assert bench.store.values() == [1.0, 2.0, 3.0]


def test_payloads_under_way_are_bounded_in_bytes(clock: FixedClock, slow: Slow) -> None:
    bench = Bench(clock, uncommitted=100, max_bytes=1 << 21)
    held(bench, slow, '{"a": 1, "pad": "' + "x" * (1 << 20) + '"}')
    bench.link.batches.append(_taken(bench, '{"a": 3}'))
    slow.confirm(0)
    bench.worker.step()
    assert bench.store.values() == [1.0]


def test_a_redelivery_of_what_is_under_way_waits_for_its_commit(bench: Bench, slow: Slow) -> None:
    """The connection broke; without waiting the reading, which has no time of its own, would be stored twice."""
    (first,) = held(bench, slow, '{"a": 1}')
    slow.confirm(0)
    bench.send(dup(first))
    assert bench.store.values() == [1.0]
    assert bench.worker.stats().repeats == 1


def test_a_session_begun_anew_waits_for_what_is_under_way(bench: Bench, slow: Slow) -> None:
    """Otherwise the packet ids of the old session would be remembered in the new one."""
    (first,) = held(bench, slow, '{"a": 1}')
    slow.confirm(0)
    bench.link.session_began = 2
    bench.send(dup(first), new_session=True)
    assert bench.store.values() == [1.0, 1.0]


def test_a_message_that_the_store_chokes_on_later_costs_itself(bench: Bench, slow: Slow) -> None:
    bench.store.held = [slow]
    bench.send('{"a": 1}', '{"a": 13}', '{"a": 3}')
    bench.store.refuses = lambda batch: 13.0 in batch.column("value").to_pylist()
    slow.fail(0, ValueError("a row that this engine chokes on"))
    bench.worker.step()
    assert bench.refusals.codes == ["internal"]
    assert len(bench.link.acknowledged) == 3


def _noting(bench: Bench, note: Callable[[], None]) -> Callable[[Any], None]:
    acknowledge = bench.link.acknowledge

    def both(messages: Any) -> None:
        note()
        acknowledge(messages)

    return both


def _taken(bench: Bench, payload: str) -> Any:
    from gops.ingest.mqtt.inbox import Taken

    return Taken([bench.message(payload)])
