"""Published readings go live after their commit."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
import pytest

from gops.catalog.live import Live, Route, messages
from gops.errors import Unavailable
from gops.records import events
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Mode, Receipt
from gops.store.watched import WatchedStore
from tests.unit.catalog.conftest import World

ROUTES = {
    7: Route((("gops/live/v1/air/7", None, 0), ("gops/live/v1/all/7", None, 0)), "ug/m3"),
    9: Route((("gops/live/v1/air/9", None, 0),), "1"),
}
UNKNOWN = Receipt(None, None, None, None)


def batch(*rows: tuple[int, int, Any]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "datastream": one,
                "t": t,
                "value": value if isinstance(value, float) else None,
                "text": value if isinstance(value, str) else None,
                "quality": 0 if value is not None else 5,
            }
            for one, t, value in rows
        ],
        schema=READINGS,
    )


def receipt(*outcomes: int) -> Receipt:
    return Receipt(0, 0, 0, 0, pa.array(outcomes, pa.uint8()))


def test_a_reading_goes_to_the_topic_of_each_of_its_datasets() -> None:
    found = list(messages(batch((7, 1_500_000, 21.5)), UNKNOWN, ROUTES))
    body = {"time": "1970-01-01T00:00:01.500000Z", "value": 21.5, "unit": "ug/m3", "quality": "good"}
    assert [(topic, orjson.loads(payload)) for topic, payload in found] == [
        ("gops/live/v1/air/7", body),
        ("gops/live/v1/all/7", body),
    ]


def test_a_state_is_its_text_and_a_missing_number_null() -> None:
    found = [orjson.loads(payload) for _, payload in messages(batch((9, 0, "free"), (9, 1, None)), UNKNOWN, ROUTES)]
    assert [(one["value"], one["quality"]) for one in found] == [("free", "good"), (None, "missing")]


def test_what_is_not_public_is_not_sent() -> None:
    assert list(messages(batch((8, 0, 1.0)), UNKNOWN, ROUTES)) == []
    assert list(messages(READINGS.empty_table(), UNKNOWN, ROUTES)) == []


def test_only_what_changed_something_is_news() -> None:
    rows = batch((9, 0, 1.0), (9, 1, 2.0), (9, 2, 3.0), (9, 3, 4.0))
    found = [orjson.loads(payload)["value"] for _, payload in messages(rows, receipt(0, 1, 2, 3), ROUTES)]
    assert found == [1.0, 2.0]


def test_of_a_large_commit_the_last_rows_go_out() -> None:
    rows = batch(*[(9, t, float(t)) for t in range(10)])
    found = [orjson.loads(payload)["value"] for _, payload in messages(rows, UNKNOWN, ROUTES, most=3)]
    assert found == [7.0, 8.0, 9.0]


def test_what_lies_before_the_start_and_small_amounts_do_not_go_out() -> None:
    routes = {9: Route((("gops/live/v1/since/9", 5, 3), ("gops/live/v1/all/9", None, 0)), "1")}
    found = messages(batch((9, 4, 9.0), (9, 5, 2.0), (9, 6, 3.0)), UNKNOWN, routes)
    told = [(topic.split("/")[3], orjson.loads(payload)["value"]) for topic, payload in found]
    assert told == [("all", 9.0), ("since", None), ("all", 2.0), ("since", 3.0), ("all", 3.0)]


class Broker:
    def __init__(self, takes: bool = True) -> None:
        self.sent: list[str] = []
        self._takes = takes

    def publish(self, topic: str, _payload: bytes) -> bool:
        self.sent.append(topic)
        return self._takes


class NoRecords:
    def read(self) -> Any:
        raise Unavailable("the records are down")


def live(world: World) -> tuple[Live, Broker]:
    made, broker = Live(world.database), Broker()
    made.publish = broker.publish
    made.start()
    return made, broker


def tell(world: World, to: Live) -> None:
    with world.database.read() as session:
        for event in events.since(session, 0):
            for handle in to.handlers.get(event.kind, ()):
                handle(event)


def test_topics_follow_what_is_published_renamed_and_withdrawn(world: World) -> None:
    stream = world.stream()
    world.dataset(stream)
    found, broker = live(world)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    assert broker.sent == []
    world.datasets.publish(world.actor, "air")
    tell(world, found)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    world.datasets.edit(world.actor, "air", {"slug": "new-air"})
    tell(world, found)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    world.datasets.withdraw(world.actor, "new-air", "x")
    tell(world, found)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    assert broker.sent == [f"gops/live/v1/air/{stream}", f"gops/live/v1/new-air/{stream}"]


def test_what_comes_late_has_no_topic(world: World) -> None:
    stream = world.stream()
    world.published(stream)
    found, broker = live(world)
    world.datasets.edit(world.actor, "air", {"delay": "PT1H"})
    tell(world, found)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    assert broker.sent == []
    world.datasets.edit(world.actor, "air", {"delay": None})
    world.datasets.deprecate(world.actor, "air", "old")
    tell(world, found)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    assert broker.sent == [f"gops/live/v1/air/{stream}"]


def test_nothing_goes_out_while_nobody_can_say_what_is_public(world: World) -> None:
    """A withdrawal that cannot be read must not leave the topics as they were."""
    stream = world.stream()
    world.published(stream)
    found, broker = live(world)
    records, found._database = found._database, NoRecords()  # type: ignore[assignment]
    with pytest.raises(Unavailable):
        tell(world, found)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    assert broker.sent == []
    found._database = records
    tell(world, found)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    assert broker.sent == [f"gops/live/v1/air/{stream}"]


def test_a_start_knows_what_was_published_before(world: World) -> None:
    stream = world.stream()
    world.published(stream)
    found, broker = live(world)
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)
    assert broker.sent == [f"gops/live/v1/air/{stream}"]


def test_a_broker_that_takes_nothing_stops_nobody(world: World) -> None:
    stream = world.stream()
    world.published(stream)
    found = Live(world.database)
    found.publish = Broker(takes=False).publish
    found.start()
    found.after_commit(batch((stream, 0, 1.0)), UNKNOWN)


# the store that tells


@pytest.mark.parametrize(("mode", "told"), [("replace", 1), ("keep", 0)])
@pytest.mark.parametrize("way", ["write", "submit"])
def test_a_watched_store_tells_of_what_is_fresh(mode: Mode, told: int, way: str) -> None:
    heard: list[Receipt] = []
    store = WatchedStore(MemoryStore(), lambda _batch, receipt: heard.append(receipt))
    rows = batch((7, 0, 1.0))
    answer = store.write(rows, mode) if way == "write" else store.submit(rows, mode).result()
    assert answer.inserted == 1
    assert len(heard) == told
    assert store.extent([7])[7].rows == 1


def test_whoever_looks_on_does_not_break_a_write() -> None:
    def fail(_batch: pa.Table, _receipt: Receipt) -> None:
        raise RuntimeError("not my day")

    assert WatchedStore(MemoryStore(), fail).write(batch((7, 0, 1.0)), "replace").inserted == 1
