"""What VictoriaMetrics does beside the contract: keeps corrections out, keeps numbers to the bit, outlives kills."""

from __future__ import annotations

import itertools
import random
import struct
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gops.clock import DAY, SystemClock
from gops.errors import GopsError, Invalid, Unavailable, Unsupported
from gops.quality import Quality
from gops.store.copying import Copy, Journal
from gops.store.memory import MemoryStore
from gops.store.port import INSERTED, KEPT, REPLACED, UNCHANGED, Delivery, Read, Windows
from gops.store.victoria import Place, VictoriaStore
from tests.contracts.store.rows import batch, reading, series
from tests.live.running import wait_until
from tests.victoria import RunningVictoria, victoria, vmauth, wait_until_shown

Opener = Callable[..., VictoriaStore]
T = 1_600_000_000_000_000
MS = 1000
_names = itertools.count(1)


@pytest.fixture
def open_store() -> Iterator[Opener]:
    opened: list[VictoriaStore] = []

    def opener(server: RunningVictoria, name: str = "", **more: object) -> VictoriaStore:
        place = Place(server.url)
        given = {"flush": "snapshot", "deliveries_kept": 100, **more}
        opened.append(VictoriaStore(place, SystemClock(), name or f"v{next(_names)}", **given))  # type: ignore[arg-type]
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(victoria_server: RunningVictoria, open_store: Opener) -> VictoriaStore:
    return open_store(victoria_server)


@pytest.fixture
def own_server() -> Iterator[RunningVictoria]:
    with victoria() as server:
        wait_until_shown(server)
        yield server


def outcomes(store: VictoriaStore, *rows: dict[str, object], mode: str = "replace") -> list[int]:
    found = store.write(batch(rows), mode).outcomes  # type: ignore[arg-type]
    assert found is not None
    return found.to_pylist()


def values(store: VictoriaStore, *datastreams: int) -> list[float | None]:
    return store.read(Read(series(*datastreams)))["value"].to_pylist()


@pytest.mark.parametrize("mode", ["replace", "keep"])
def test_a_row_that_differs_from_the_one_that_stands_is_kept_out(store: VictoriaStore, mode: str) -> None:
    """Neighbours of a correction are written, and the receipt says what became of each."""
    store.write(batch([reading(1, T, 1.0), reading(1, T + 5 * MS, 5.0, result_time=1)]), "replace")
    differing = [reading(1, T, 2.0), reading(1, T, 1.0, quality=2), reading(1, T + 5 * MS, 4.0, result_time=9)]
    new = [reading(1, T, 1.0), reading(1, T + 2 * MS, 3.0), reading(1, T + 9 * MS, 9.0)]
    assert outcomes(store, *differing, *new, mode=mode) == [KEPT, KEPT, KEPT, UNCHANGED, INSERTED, INSERTED]
    assert values(store, 1) == [1.0, 3.0, 5.0, 9.0]
    assert store.health().detail["corrections_kept_out"] == (3 if mode == "replace" else 0)


def test_in_one_batch_the_later_position_wins(store: VictoriaStore) -> None:
    """Nothing of it was handed in before, so nothing has to be replaced."""
    assert outcomes(store, reading(1, T, 1.0), reading(1, T, 2.0)) == [INSERTED, REPLACED]
    assert outcomes(store, reading(1, T + MS, 1.0), reading(1, T + MS, 2.0), mode="keep") == [INSERTED, KEPT]
    assert values(store, 1) == [2.0, 1.0]


def test_late_rows_far_apart_are_compared_with_what_stands(store: VictoriaStore) -> None:
    days = [T - n * 30 * DAY for n in range(40)]
    store.write(batch([reading(1, t, 1.0) for t in days]), "replace")
    again = [reading(1, t, 2.0 if n % 2 else 1.0) for n, t in enumerate(days)]
    assert outcomes(store, *again, reading(1, T - DAY, 7.0)) == [UNCHANGED, KEPT] * 20 + [INSERTED]


def test_numbers_come_back_to_the_bit_whatever_stands_beside_them(store: VictoriaStore) -> None:
    """The engine alone would turn the neighbours of 1e300 into 0, and cut digits after the twelfth."""
    chance = random.Random(5)
    given = [0.1 + 0.2, 20.166666666666668, 1e300, -1.7e308, 5e-324, 0.0, 1e-6, -1e-6, 9e9, 9e9 + 1, 2.0**53, 1 / 3]
    given += [round(chance.uniform(-1e6, 1e6), 6) for _ in range(400)]
    given += [chance.uniform(-100, 100) for _ in range(400)] + [float(chance.randrange(10**10)) for _ in range(400)]
    chance.shuffle(given)
    store.write(batch([reading(1, T + n * MS, value) for n, value in enumerate([-0.0, *given])]), "replace")
    found = values(store, 1)
    assert [struct.pack("d", value) for value in found] == [struct.pack("d", value) for value in [-0.0, *given]]
    assert struct.pack("d", store.latest([1])["value"][0].as_py()) == struct.pack("d", given[-1])


@pytest.mark.parametrize(
    ("row", "kind", "code", "field"),
    [
        (reading(1, T + 1, 1.0), Unsupported, "unsupported", "microseconds"),
        (reading(1, T, text="on"), Unsupported, "unsupported", "text"),
        (reading(1, 5 * MS, 1.0), Invalid, "too_late", "t"),
        (reading(1, SystemClock().micros() // MS * MS + 3 * DAY, 1.0), Invalid, "too_far_ahead", "t"),
        (reading(1, T, 1.0, result_time=1 << 53), Invalid, "bad_reading", "result_time"),
    ],
    ids=["microseconds", "text", "1970", "ahead", "result time"],
)
def test_what_the_engine_would_drop_or_change_is_refused_by_name(
    store: VictoriaStore, row: dict[str, object], kind: type[GopsError], code: str, field: str
) -> None:
    with pytest.raises(kind) as caught:
        store.write(batch([reading(1, T - MS, 1.0), row]), "replace")
    assert (caught.value.code, caught.value.field) == (code, field)
    assert values(store, 1) == []


def test_what_is_older_than_the_servers_keep_is_refused(victoria_server: RunningVictoria, open_store: Opener) -> None:
    store = open_store(victoria_server, retention_days=30)
    now = SystemClock().micros() // MS * MS
    store.write(batch([reading(1, now - 29 * DAY, 1.0)]), "replace")
    with pytest.raises(Invalid) as caught:
        store.write(batch([reading(1, now - 31 * DAY, 1.0)]), "replace")
    assert caught.value.code == "too_late"


def test_a_reading_of_which_a_part_is_missing_is_not_shown(
    victoria_server: RunningVictoria, open_store: Opener
) -> None:
    store = open_store(victoria_server, "half")
    store.write(batch([reading(1, T, 1.0)]), "replace")
    half = f"half,d=1 q=10 {T // MS + 1}\nhalf,d=1 q=20,h=1 {T // MS + 2}\nhalf,d=1 q=110,v=5 {T // MS + 3}"
    url = f"{victoria_server.url}/api/v2/write?precision=ms"
    urllib.request.urlopen(urllib.request.Request(url, data=half.encode(), method="POST")).close()
    store.write(batch([]), "replace", [Delivery("a", 1, 1)])  # and everything is visible
    assert values(store, 1) == [1.0]
    assert store.latest([1]).to_pylist() == [reading(1, T, 1.0)]


def test_messages_are_recognised_by_the_next_process(victoria_server: RunningVictoria, open_store: Opener) -> None:
    first = open_store(victoria_server, "next")
    first.write(batch([]), "replace", [Delivery("a", n % 150, -n) for n in range(300)])
    first.write(batch([]), "replace", [Delivery("b", 1, 5)])
    first.forget_deliveries("b")
    first.write(batch([]), "replace", [Delivery("b", 2, 6)])
    first.close()
    second = open_store(victoria_server, "next")
    asked = [Delivery("a", n % 150, -n) for n in (199, 200, 299)]
    assert second.delivered(asked) == [False, True, True]
    assert second.delivered([Delivery("b", 1, 5), Delivery("b", 2, 6)]) == [False, True]


def test_versions_follow_what_other_processes_write(victoria_server: RunningVictoria, open_store: Opener) -> None:
    reader = open_store(victoria_server, "versions", writer="one")
    before = reader.version([1])
    writer = open_store(victoria_server, "versions", writer="other")
    writer.write(batch([reading(1, T, 1.0)]), "replace")
    wait_until(lambda: reader.version([1]) > before, "the other process's commit", seconds=15)
    assert reader.version([2]) == before
    assert writer.version([1]) == reader.version([1])


def test_what_is_done_survives_the_kill_of_the_server(own_server: RunningVictoria, open_store: Opener) -> None:
    store = open_store(own_server)
    rows = [reading(1 + n % 7, T + n * MS, n / 10) for n in range(500)]
    futures = [store.submit(batch(rows[n : n + 50]), "replace", [Delivery("a", n, n)]) for n in range(0, 500, 50)]
    assert sum(future.result().inserted or 0 for future in futures) == 500
    own_server.kill()
    with pytest.raises(Unavailable):
        store.write(batch([reading(1, T + DAY, 1.0)]), "replace")
    assert not store.health().ok
    own_server.start()
    wait_until_shown(own_server)
    assert store.health().ok
    assert store.read(Read(series(*range(1, 8)))).num_rows == 500
    assert outcomes(store, reading(1, T + DAY, 1.0)) == [INSERTED]


def test_what_was_in_flight_when_the_server_was_killed_is_handed_in_again(
    own_server: RunningVictoria, open_store: Opener
) -> None:
    store = open_store(own_server, settle_s=2.5, flush="wait")
    future = store.submit(batch([reading(1, T + n * MS, float(n)) for n in range(100)]), "replace")
    wait_until(lambda: store.health().detail["rows_in_flight"] == 100, "the rows are handed in", seconds=5)
    time.sleep(0.5)
    assert not future.done()
    own_server.kill()
    time.sleep(1)  # the start of a server is told in whole seconds
    own_server.start()
    assert future.result(timeout=30).inserted == 100
    assert store.health().detail["server_restarts"] == 1
    wait_until(lambda: len(values(store, 1)) == 100, "the rows are shown", seconds=15)


def test_servers_that_stay_away_fail_what_is_in_flight_and_it_is_written_again(
    own_server: RunningVictoria, open_store: Opener
) -> None:
    """What was judged by rows that are lost must not stay judged."""
    store = open_store(own_server, settle_s=1.0, flush="wait", patience_s=0.1)
    futures = [store.submit(batch([reading(1, T, 1.0)]), "replace") for _ in range(2)]
    wait_until(lambda: store.health().detail["queue"] == 0, "handed in", seconds=5)
    own_server.kill()
    for future in futures:
        with pytest.raises(Unavailable):
            future.result(timeout=30)
    own_server.start()
    wait_until_shown(own_server)
    again = wait_until(lambda: _written(store), "the server is back")
    assert again == [INSERTED]


def _written(store: VictoriaStore) -> list[int] | None:
    try:
        return outcomes(store, reading(1, T, 1.0))
    except Unavailable:
        return None


@pytest.mark.slow
def test_the_time_that_is_waited_by_default_is_long_enough(own_server: RunningVictoria, open_store: Opener) -> None:
    store = open_store(own_server, flush="wait")
    store.write(batch([reading(n, T + n * MS, n / 10) for n in range(1, 300)]), "replace")
    own_server.kill()
    own_server.start()
    wait_until_shown(own_server)
    assert store.read(Read(series(*range(1, 300)))).num_rows == 299


def test_written_and_read_at_different_addresses_with_a_password(victoria_server: RunningVictoria) -> None:
    """As a cluster is, behind its proxy."""
    with vmauth(victoria_server) as address:
        place = Place(f"{address}/influx", f"{address}/prometheus", [victoria_server.url])
        store = VictoriaStore(place, SystemClock(), f"v{next(_names)}", flush="snapshot")
        store.write(batch([reading(1, T, 1.0)]), "replace")
        assert values(store, 1) == [1.0]
        assert store.health().ok
        store.close()
        wrong = address.replace("secret", "wrong")
        with closing(VictoriaStore(Place(wrong, wrong, [victoria_server.url]), SystemClock())) as store:
            with pytest.raises(Unavailable, match="refuses to read") as caught:
                store.extent([1])
            assert "wrong" not in str(caught.value)
        with pytest.raises(Unavailable, match="no VictoriaMetrics that stores data"):
            VictoriaStore(Place(address), SystemClock())  # the proxy would say when it began itself


def test_a_server_that_does_not_say_when_it_began_is_refused() -> None:
    with pytest.raises(Unavailable):
        VictoriaStore(Place("http://127.0.0.1:9"), SystemClock(), timeout_s=1)


def test_readings_are_copied_there_and_back(store: VictoriaStore, tmp_path: Path) -> None:
    source, back = MemoryStore(), MemoryStore()
    given = [reading(1 + n % 3, T + n * MS, n / 7 if n % 5 else None, quality=n % 3, result_time=n) for n in range(900)]
    source.write(batch(given), "replace")
    there = Copy(source, store, [1, 2, 3, 4], Journal(tmp_path / "there", "there"), group_rows=400, batch_rows=64)
    assert (there.run().inserted, there.journal.done.keys()) == (900, {1, 2, 3})
    assert not Copy(store, back, [1, 2, 3], Journal(tmp_path / "back", "back")).run().differences
    assert back.read(Read(series(1, 2, 3))).equals(source.read(Read(series(1, 2, 3))))
    source.write(batch([reading(4, T + 1, 1.0)]), "replace")
    with pytest.raises(Unsupported, match="Datastream 4"):
        Copy(source, store, [1, 4], Journal(tmp_path / "again", "again")).run()


def test_counters_find_their_reading_before_the_range_however_long_ago(store: VictoriaStore) -> None:
    rows = [reading(1, T - 900 * DAY, 90.0), reading(1, T - 3 * MS, 500.0, quality=Quality.suspect)]
    rows += [reading(2, T - MS, 1.0), reading(1, T, 100.0), reading(2, T, 3.0), reading(3, T, 3.0)]
    store.write(batch(rows), "replace")
    query = Windows(series(1, 2, 3, kind="counter"), [T, T + 10 * MS], ["increase"])
    assert store.aggregate(query)["increase"].to_pylist() == [10.0, 2.0, None]
