"""What only InfluxDB's store does: failing servers, what is remembered and what is forgotten, other versions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from gops.clock import DAY, SystemClock
from gops.errors import BadSetting, Invalid, Unavailable, Unsupported
from gops.quality import Quality
from gops.store.influx import InfluxStore, Place
from gops.store.port import INSERTED, KEPT, UNCHANGED, Delivery, Extent, Read, Windows
from tests.conftest import absent
from tests.contracts.store.rows import batch, reading, series
from tests.influxdb import Answer, Fault, InfluxServer, NotInstalled

pytestmark = pytest.mark.live
Open = Callable[..., InfluxStore]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    try:
        started = InfluxServer(tmp_path_factory.mktemp("influx"), values_per_tag=300).start()
    except NotInstalled as error:
        absent(str(error))
    yield started
    started.stop()


@pytest.fixture
def open_influx(server: InfluxServer, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens the store of this test's database, again and again."""
    opened: list[InfluxStore] = []
    bucket = request.node.name[:60]

    def opener(deliveries_kept: int = 100, timeout_s: float = 5, bucket: str = bucket) -> InfluxStore:
        place = Place(server.url, bucket)
        opened.append(InfluxStore(place, SystemClock(), timeout_s, queue=8, deliveries_kept=deliveries_kept))
        return opened[-1]

    yield opener
    server.shim.fault, server.shim.version = None, ""
    for store in opened:
        store.close()


def on_writes(answer: Callable[[bytes, Callable[[], Answer]], Answer | None]) -> Fault:
    return lambda path, body, ask: answer(body, ask) if path.startswith("/api/v2/write") else None


@pytest.mark.parametrize("status", [500, 503, 401, 404, 413])
def test_a_server_that_refuses_leaves_the_batch_to_be_written_again(
    server: InfluxServer, open_influx: Open, status: int
) -> None:
    store = open_influx(bucket=f"refuses{status}")
    tries = []

    def refuse(_body: bytes, _ask: object) -> Answer:
        tries.append(status)
        return status, b'{"error":"secret of the server"}'

    server.shim.fault = on_writes(refuse)
    with pytest.raises(Unavailable) as caught:
        store.write(batch([reading(1, 10, 1.0)]), "replace", [Delivery("a", 1, 1)])
    assert len(tries) == (3 if status == 503 else 1)
    assert caught.value.code == "store_answer"
    assert "secret" not in caught.value.message
    assert store.delivered([Delivery("a", 1, 1)]) == [False]
    server.shim.fault = None
    assert store.write(batch([reading(1, 10, 1.0)]), "replace", [Delivery("a", 1, 1)]).inserted == 1


def test_a_write_whose_answer_is_lost_is_found_when_it_is_written_again(
    server: InfluxServer, open_influx: Open
) -> None:
    """Nobody knows whether it was done, and what stands is looked up anew."""
    store = open_influx()
    store.write(batch([reading(1, 5, 1.0)]), "replace")
    before = store.version([1])
    tries = []

    def lose(_body: bytes, ask: Callable[[], Answer]) -> Answer | None:
        tries.append(ask())
        raise ConnectionError

    server.shim.fault = on_writes(lose)
    with pytest.raises(Unavailable) as caught:
        store.write(batch([reading(1, 10, 1.0)]), "replace")
    assert caught.value.code == "store_away"
    assert len(tries) == 1
    server.shim.fault = None
    assert store.version([1]) > before
    receipt = store.write(batch([reading(1, 10, 1.0), reading(1, 20, 2.0)]), "keep")
    assert receipt.outcomes.to_pylist() == [UNCHANGED, INSERTED]
    assert store.extent([1]) == {1: Extent(5, 20, 3)}


def test_a_silent_server_is_not_waited_for(server: InfluxServer, open_influx: Open) -> None:
    store = open_influx(timeout_s=0.2)
    assert store.health().ok
    server.kill()
    try:
        with pytest.raises(Unavailable):
            store.write(batch([reading(1, 10, 1.0)]), "replace")
        with pytest.raises(Unavailable):
            store.read(Read(series(1)))
        health = store.health()
        assert not health.ok
        assert "InfluxDB" in str(health.detail["problem"])
    finally:
        server.start()
    assert store.write(batch([reading(1, 10, 1.0)]), "replace").inserted == 1


def test_while_nobody_answers_nothing_is_declared(open_influx: Open, server: InfluxServer) -> None:
    server.shim.fault = lambda _path, _body, _ask: (502, b"")
    store = open_influx()
    assert not store.capabilities.deletes_range
    assert isinstance(store.version([1]), int)
    with pytest.raises(Unavailable):
        store.delete([1], 0, 10)


@pytest.mark.parametrize("cut", ["in a line", "between lines"])
def test_an_answer_that_ends_too_soon_is_not_taken_for_the_whole(
    server: InfluxServer, open_influx: Open, cut: str
) -> None:
    store = open_influx(bucket=cut.replace(" ", "-"))
    store.write(batch([reading(1, t, 1.0) for t in range(50)]), "replace")

    def shorten(path: str, _body: bytes, ask: Callable[[], Answer]) -> Answer | None:
        status, body = ask()
        lines = body.splitlines(keepends=True)
        return status, body[: len(body) // 2] if cut == "in a line" else b"".join(lines[:-1])

    server.shim.fault = shorten
    with pytest.raises(Unavailable):
        list(store.stream(Read(series(1)), rows=10))


def test_an_error_within_an_answer_is_one(server: InfluxServer, open_influx: Open) -> None:
    store = open_influx()
    store.write(batch([reading(1, 1, 1.0)]), "replace")
    wrong = json.dumps({"results": [{"statement_id": 0, "error": "query-timeout interval reached"}]}).encode()
    server.shim.fault = lambda _path, _body, _ask: (200, wrong)
    with pytest.raises(Unavailable):
        store.read(Read(series(1)))


def test_fields_of_another_type_are_the_batches_fault_and_not_its_neighbours(
    server: InfluxServer, open_influx: Open
) -> None:
    """Somebody else wrote a text where GOPS keeps numbers; other weeks of the same database are as they should be. What
    the server took of a refused request stands when it is written again alone."""
    store = open_influx()
    assert store.health().ok
    [piece] = store._server.run("SHOW DATABASES")
    assert [store._server.bucket] in piece.values
    store._server.write(b'reading,datastream=1 v="text" 10')
    futures = [
        store.submit(batch([reading(1, t, 1.0)]), "replace", [Delivery("a", n, n)])
        for n, t in enumerate((1_700_000_000_000_000, 20, 1_700_000_000_000_001))
    ]
    with pytest.raises(Invalid) as caught:
        futures[1].result()
    assert (caught.value.code, caught.value.field) == ("store_refused", "batch")
    outcomes = [future.result().outcomes.to_pylist()[0] for future in futures[::2]]
    assert set(outcomes) <= {INSERTED, UNCHANGED}
    assert store.delivered([Delivery("a", n, n) for n in range(3)]) == [True, False, True]


def test_a_limit_of_the_server_makes_readings_wait(open_influx: Open) -> None:
    """max-values-per-tag, 300 here: the operator can mend it, so nothing is refused for good."""
    store = open_influx()
    store.write(batch([reading(one, 10, 1.0) for one in range(300)]), "replace")
    with pytest.raises(Unavailable) as caught:
        store.write(batch([reading(300, 10, 1.0)]), "replace")
    assert "limit" in caught.value.message


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (reading(1, -9_223_372_036_854_776, 1.0), "t"),
        (reading(1, 9_223_372_036_854_776, 1.0), "t"),
        (reading(1, 1, text="가" * 30_000), "text"),
    ],
)
def test_what_the_engine_cannot_hold_is_refused(open_influx: Open, row: dict[str, object], field: str) -> None:
    store = open_influx(bucket="holds")
    with pytest.raises(Invalid) as caught:
        store.write(batch([row]), "replace")
    assert (caught.value.code, caught.value.field) == ("bad_reading", field)


def test_the_earliest_and_latest_times_are_held(open_influx: Open) -> None:
    store = open_influx()
    times = [-9_223_372_036_854_775, 0, 9_223_372_036_854_775]
    store.write(batch([reading(1, t, 1.0) for t in times]), "replace")
    assert store.read(Read(series(1)))["t"].to_pylist() == times
    assert store.extent([1]) == {1: Extent(times[0], times[2], 3)}
    assert store.delete([1], -(2**62), 2**62) == 3


def test_what_was_delivered_is_known_to_the_next_process(open_influx: Open) -> None:
    """Of each session the last ones, also by packet ids that were used again; a forgotten session stays forgotten."""
    first = open_influx(deliveries_kept=3)
    first.write(batch([]), "replace", [Delivery("a'; DROP", n, n) for n in range(5)])
    first.write(batch([]), "replace", [Delivery("a'; DROP", 2, 7), Delivery("b", 1, 1)])
    first.forget_deliveries("b")
    first.write(batch([]), "replace", [Delivery("b", 2, 2)])
    first.close()
    second = open_influx(deliveries_kept=3)
    asked = [Delivery("a'; DROP", 2, 7), Delivery("a'; DROP", 4, 4), Delivery("a'; DROP", 3, 3)]
    assert second.delivered(asked) == [True, True, True]
    gone = [Delivery("a'; DROP", 1, 1), Delivery("a'; DROP", 2, 2), Delivery("b", 1, 1)]
    assert second.delivered(gone) == [False, False, False]
    assert second.delivered([Delivery("b", 2, 2)]) == [True]


def test_deliveries_do_not_grow_for_ever(open_influx: Open) -> None:
    store = open_influx(deliveries_kept=10)
    for n in range(11):
        store.write(batch([]), "replace", [Delivery("a", n * 100 + k, k) for k in range(100)])
    [piece] = store._server.run('SELECT count("d") FROM "delivery"')
    assert piece.values[0][1] < 200
    assert store.delivered([Delivery("a", 1099, 99), Delivery("a", 1089, 89)]) == [True, False]


def test_readings_of_now_go_with_their_messages_and_others_before(server: InfluxServer, open_influx: Open) -> None:
    """One request is one entry of the server's log where it lies in one shard: all of it is there after a kill, or
    nothing. A kill between two requests leaves readings whose message comes again."""
    store = open_influx()
    now = SystemClock().micros()
    seen: list[bytes] = []
    server.shim.fault = on_writes(lambda body, _ask: seen.append(body))
    store.write(batch([reading(1, now, 1.0), reading(1, now - 400 * DAY, 2.0)]), "replace", [Delivery("a", 1, 1)])
    assert [body.count(b"\n") + 1 for body in seen] == [1, 2]
    assert str(now - 400 * DAY).encode() in seen[0]
    assert b"delivery," in seen[1]
    server.shim.fault = on_writes(lambda body, _ask: (500, b"") if b"delivery," in body else None)
    with pytest.raises(Unavailable):
        store.write(batch([reading(1, now - 500 * DAY, 3.0)]), "replace", [Delivery("a", 2, 2)])
    again = open_influx()
    server.shim.fault = None
    assert again.delivered([Delivery("a", 2, 2)]) == [False]
    assert again.read(Read(series(1), end=now - 450 * DAY)).num_rows == 1


def test_a_new_process_knows_what_stands(open_influx: Open) -> None:
    first = open_influx()
    first.write(batch([reading(1, 10, 1.0), reading(2, 10, 1.0)]), "replace")
    second = open_influx()
    assert second.version([1]) > first.version([1])
    assert second.write(batch([reading(1, 10, 2.0)]), "keep").outcomes.to_pylist() == [KEPT]
    assert second.latest([1, 2])["value"].to_pylist() == [1.0, 1.0]


def test_a_swap_that_fails_loses_no_reading(server: InfluxServer, open_influx: Open) -> None:
    """New rows stand before old ones go."""
    store = open_influx()
    store.write(batch([reading(1, t, 1.0) for t in (10, 20, 30)]), "replace")
    server.shim.fault = lambda _path, body, _ask: (500, b"") if b"DELETE" in body else None
    before = store.version([1])
    with pytest.raises(Unavailable):
        store.swap(1, 0, 100, batch([reading(1, 15, 9.0)]), before)
    assert store.read(Read(series(1)))["t"].to_pylist() == [10, 15, 20, 30]
    assert store.version([1]) > before
    server.shim.fault = None
    assert store.swap(1, 0, 100, batch([reading(1, 15, 9.0), reading(1, 20, 9.0)]), store.version([1])) == 4
    assert store.read(Read(series(1)))["t"].to_pylist() == [15, 20]


def test_version_3_deletes_nothing_and_says_so(server: InfluxServer, open_influx: Open) -> None:
    """The engine is the old one; only what it says of itself is not. So this shows what GOPS does, not what 3 does."""
    open_influx().health()
    server.shim.version = "3.2.1"
    store = open_influx()
    assert not store.capabilities.deletes_range
    assert store.capabilities.retention_scope == "store"
    assert store.health().detail["tested"] is False
    store.write(batch([reading(1, 10, 1.0)]), "replace", [Delivery("a", 1, 1)])
    for refused in (
        lambda: store.delete([1], 0, 100),
        lambda: store.requalify([1], 0, 100, Quality.suspect),
        lambda: store.swap(1, 0, 100, batch([]), 0),
    ):
        with pytest.raises(Unsupported) as caught:
            refused()
        assert (caught.value.field, caught.value.found) == ("deletes_range", "3.2.1")


def test_version_2_needs_a_bucket_that_is_there(server: InfluxServer, open_influx: Open) -> None:
    server.shim.version = "v2.7.11"
    store = open_influx()
    with pytest.raises(Unavailable):
        store.write(batch([reading(1, 10, 1.0)]), "replace")
    assert store.health().ok is False


def test_the_server_computes_windows_of_one_length(server: InfluxServer, open_influx: Open) -> None:
    """Rows are fetched for what it can't compute alone."""
    store = open_influx()
    store.write(batch([reading(1, t, float(t)) for t in range(100)]), "replace")
    asked: list[bytes] = []
    server.shim.fault = lambda _path, body, _ask: asked.append(body)
    for edges, rows in (([0, 50, 100], False), ([0, 40, 100], True)):
        asked.clear()
        table = store.aggregate(Windows(series(1), edges, ["mean", "median"]))
        assert table["count"].to_pylist() == [edges[1], 100 - edges[1]]
        assert any(b"%22r%22" in question for question in asked) == rows


def test_a_name_of_a_bucket_stands_in_statements(server: InfluxServer) -> None:
    with pytest.raises(BadSetting) as caught:
        Place(server.url, 'a"; DROP DATABASE "b')
    assert caught.value.field == "GOPS_STORE_BUCKET"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """A server that asks who is there."""
    try:
        started = InfluxServer(tmp_path_factory.mktemp("guarded"), auth=True).start()
    except NotInstalled as error:
        absent(str(error))
    try:
        started.ask("CREATE USER admin WITH PASSWORD 'root pass' WITH ALL PRIVILEGES")
        for statement in (
            "CREATE DATABASE made",
            "CREATE USER gops WITH PASSWORD 'p:ss w'",
            "GRANT ALL ON made TO gops",
        ):
            assert b"error" not in started.ask(statement, user="admin:root pass")[1]
        yield started
    finally:
        started.stop()


@pytest.mark.parametrize("who", ["in the address", "token"])
def test_user_and_password_are_said(guarded: InfluxServer, who: str) -> None:
    """A user who may not make a database uses the one that is there."""
    url = guarded.url.replace("//", "//gops:p%3Ass%20w@") if who == "in the address" else guarded.url
    place = Place(url, "made", token="" if who == "in the address" else "gops:p:ss w")
    store = InfluxStore(place, SystemClock(), timeout_s=5, queue=8, deliveries_kept=10)
    assert store.health().ok
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    assert store.read(Read(series(1))).num_rows == 1
    assert "p:ss" not in repr(place)
    store.close()


def test_who_is_not_known_is_told(guarded: InfluxServer) -> None:
    store = InfluxStore(Place(guarded.url, "made"), SystemClock(), timeout_s=5, queue=8, deliveries_kept=10)
    assert not store.health().ok
    with pytest.raises(Unavailable):
        store.write(batch([reading(1, 10, 1.0)]), "replace")
    store.close()
