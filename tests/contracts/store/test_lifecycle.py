"""Deliveries, versions, health and the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gops.errors import Unavailable
from gops.quality import Quality
from gops.store.duckdb import DuckdbStore
from gops.store.memory import MemoryStore
from gops.store.port import Delivery, Read, Store, Windows
from tests.contracts.store.rows import batch, reading, series


def test_a_committed_message_is_known_by_session_packet_and_digest(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0)]), "replace", [Delivery("a", 7, -(2**63)), Delivery("b", 7, 2**63 - 1)])
    asked = [
        Delivery("a", 7, -(2**63)),
        Delivery("b", 7, 2**63 - 1),
        Delivery("a", 7, 2**63 - 1),
        Delivery("a", 8, -(2**63)),
        Delivery("c", 7, -(2**63)),
    ]
    assert store.delivered(asked) == [True, True, False, False, False]


def test_a_message_without_readings_is_known_too(store: Store) -> None:
    store.write(batch([]), "replace", [Delivery("a", 1, 5)])
    assert store.delivered([Delivery("a", 1, 5)]) == [True]


def test_a_packet_id_used_again_is_the_new_message(store: Store) -> None:
    store.write(batch([]), "replace", [Delivery("a", 1, 5), Delivery("a", 1, 6)])
    assert store.delivered([Delivery("a", 1, 5), Delivery("a", 1, 6)]) == [False, True]
    store.write(batch([]), "replace", [Delivery("a", 1, 7)])
    assert store.delivered([Delivery("a", 1, 6), Delivery("a", 1, 7)]) == [False, True]


def test_of_each_session_the_last_messages_are_known(store: Store) -> None:
    """The store of these tests remembers 100; an id used again counts as new."""
    store.write(batch([]), "replace", [Delivery("b", 1, 1)])
    store.write(batch([]), "replace", [Delivery("a", n, n) for n in range(100)])
    store.write(batch([]), "replace", [Delivery("a", 0, 0), Delivery("a", 100, 100), Delivery("a", 101, 101)])
    known = store.delivered([Delivery("a", n, n) for n in range(102)])
    assert [n for n, is_known in enumerate(known) if not is_known] == [1, 2]
    assert store.delivered([Delivery("b", 1, 1)]) == [True]


def test_a_session_begun_anew_is_forgotten_and_others_are_not(store: Store) -> None:
    store.write(batch([]), "replace", [Delivery("a", 1, 5), Delivery("b", 1, 5)])
    store.forget_deliveries("a")
    store.forget_deliveries("never seen")
    assert store.delivered([Delivery("a", 1, 5), Delivery("b", 1, 5)]) == [False, True]


def test_a_refused_batch_delivers_nothing(store: Store) -> None:
    with pytest.raises(Exception, match="quality"):
        store.write(batch([reading(1, 1, 1.0, quality=9)]), "replace", [Delivery("a", 1, 5)])
    assert store.delivered([Delivery("a", 1, 5)]) == [False]


@pytest.mark.needs("deletes_range")
def test_a_version_grows_with_every_change_of_these_datastreams(store: Store) -> None:
    seen = [store.version([1, 2])]
    for change in (
        lambda: store.write(batch([reading(1, 10, 1.0)]), "replace"),
        lambda: store.write(batch([reading(1, 10, 2.0), reading(9, 1, 1.0)]), "replace"),
        lambda: store.write(batch([reading(2, 5, 2.0)]), "keep"),
        lambda: store.delete([1], 0, 100),
    ):
        change()
        seen.append(store.version([1, 2]))
    assert seen == sorted(set(seen))


@pytest.mark.needs("deletes_range")
def test_a_version_stands_while_nothing_of_these_changes(store: Store) -> None:
    """Not by other Datastreams, an unchanged or kept row, a message alone, or a delete of nothing."""
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    before = store.version([1])
    store.write(batch([reading(2, 10, 1.0)]), "replace")
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    store.write(batch([reading(1, 10, 9.0)]), "keep")
    store.write(batch([]), "replace", [Delivery("a", 1, 1)])
    store.delete([1], 500, 600)
    store.delete([2], 0, 100)
    assert store.version([1]) == before


@pytest.mark.needs("deletes_range")
def test_a_version_is_there_before_any_row_and_stays_after_the_last(store: Store) -> None:
    first = store.version([1])
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    store.delete([1], 0, 100)
    assert store.version([1]) > first
    assert isinstance(store.version([]), int)


def test_a_store_that_works_is_healthy(store: Store, request: pytest.FixtureRequest) -> None:
    assert store.health().ok
    assert store.health().detail["engine"] == request.node.callspec.params["store"]


def test_the_embedded_stores_can_do_everything(store: Store) -> None:
    able = store.capabilities
    if not isinstance(store, MemoryStore | DuckdbStore):
        pytest.skip("a server of its own")
    assert able.replaces
    assert able.deletes_range
    assert able.text
    assert able.microseconds
    assert able.atomic
    assert able.visible_after_s == 0.0
    assert able.retention_scope == "datastream"


@pytest.mark.needs("microseconds")
def test_microseconds_are_told_apart(store: Store) -> None:
    store.write(batch([reading(1, 1_700_000_000_000_000, 1.0), reading(1, 1_700_000_000_000_001, 2.0)]), "replace")
    assert store.extent([1])[1].rows == 2


CALLS: dict[str, Callable[[Store], object]] = {
    "submit": lambda store: store.submit(batch([]), "replace"),
    "write": lambda store: store.write(batch([]), "replace"),
    "delivered": lambda store: store.delivered([]),
    "forget_deliveries": lambda store: store.forget_deliveries("a"),
    "read": lambda store: store.read(Read(series(1))),
    "stream": lambda store: list(store.stream(Read(series(1)))),
    "aggregate": lambda store: store.aggregate(Windows(series(1), [0, 1], ["mean"])),
    "latest": lambda store: store.latest([1]),
    "extent": lambda store: store.extent([1]),
    "delete": lambda store: store.delete([1], 0, 1),
    "requalify": lambda store: store.requalify([1], 0, 1, Quality.suspect),
    "swap": lambda store: store.swap(1, 0, 1, batch([]), 0),
    "version": lambda store: store.version([1]),
    "health": lambda store: store.health(),
}


@pytest.mark.parametrize("call", sorted(CALLS))
def test_a_closed_store_is_unavailable(store: Store, call: str) -> None:
    store.close()
    with pytest.raises(Unavailable):
        CALLS[call](store)


def test_closing_twice_is_closing(store: Store) -> None:
    store.close()
    store.close()


def test_closing_finishes_what_is_queued(store: Store) -> None:
    futures = [store.submit(batch([reading(1, n, 1.0)]), "replace") for n in range(10)]
    store.close()
    assert [future.result().inserted for future in futures] == [1] * 10
