"""The job of retention: what it deletes, what it thins, how far it comes, and what it leaves alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gops.accounts import lookup
from gops.accounts.model import Organisation
from gops.clock import DAY, HOUR, MINUTE, FixedClock
from gops.errors import Unavailable
from gops.permissions import Actor
from gops.records.database import Database
from gops.sensors.ageing import Ageing
from gops.sensors.model import Datastream
from gops.sensors.retaining import Retaining
from gops.settings import Settings
from gops.store.duckdb import DuckdbStore
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Read, Receipt, Series, Store
from tests.conftest import People
from tests.unit.sensors.conftest import Registry

TODAY = 1_777_561_200_000_000  # 2026-05-01T00:00+09:00; the clock stands at 09:00


class Town:
    """A registry, a store, an owner, and the job over both."""

    def __init__(self, database: Database, clock: FixedClock, settings: Settings, store: Store, owner: Actor) -> None:
        self.registry = Registry(database, clock, settings)
        self.store, self.owner, self.clock = store, owner, clock
        self.stopping = threading.Event()
        self.thing = self.registry.things.create(owner, "suwon", "City hall")
        self.rules = Retaining(database, clock, settings, lookup, lambda: True)

    def stream(
        self, prop: str = "temperature", rule: tuple[str | None, ...] = (None, None, None), **options: Any
    ) -> int:
        made = self.registry.stream(self.owner, self.thing, prop, **options)
        self.rules.put(self.owner, [made.id], *rule)
        return made.id

    def job(self, store: Store | None = None, settings: Settings | None = None, rows: int = 1000) -> Ageing:
        chosen = settings or self.registry.settings
        return Ageing(self.registry.database, self.clock, chosen, store or self.store, self.stopping, rows=rows)

    def fill(self, one: int, start: int, end: int, every: int = 10 * MINUTE) -> None:
        """A number every so often, 0, 1, 2 and so on."""
        times = range(start, end, every)
        columns = {
            "datastream": [one] * len(times),
            "t": list(times),
            "value": [float(number) for number in range(len(times))],
            "text": [None] * len(times),
            "quality": [0] * len(times),
            "result_time": [None] * len(times),
        }
        self.store.write(pa.table(columns, schema=READINGS), "replace")

    def times(self, one: int) -> list[int]:
        found: list[int] = self.store.read(Read([Series(one)]))["t"].to_pylist()
        return found

    def values(self, one: int, start: int, end: int) -> list[float]:
        found: list[float] = self.store.read(Read([Series(one)], start, end))["value"].to_pylist()
        return found

    def row(self, one: int) -> Datastream:
        return self.registry.datastreams.get(self.owner, one)

    def audited(self) -> list[dict[str, Any]]:
        return [detail for action, _noun, _id, detail in self.registry.audited() if action == "retention.run"]


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """In memory, unless a test asks for more."""
    made: Store = MemoryStore()
    if getattr(request, "param", "memory") == "duckdb":
        made = DuckdbStore(tmp_path / "store", memory_mb=256, threads=1, queue=8, deliveries_kept=100)
    yield made
    made.close()


@pytest.fixture
def suwon(people: People) -> Organisation:
    return people.organisation("suwon")


@pytest.fixture
def town(
    database: Database, clock: FixedClock, settings: Settings, store: Store, people: People, suwon: Organisation
) -> Town:
    return Town(database, clock, settings, store, people.actor(suwon, "owner"))


@pytest.mark.parametrize("store", ["memory", "duckdb"], indirect=True)
def test_what_is_older_than_the_retention_goes_by_whole_local_days(town: Town) -> None:
    one = town.stream(rule=("P2D", None, None))
    town.fill(one, TODAY - 5 * DAY, TODAY)
    town.job(rows=100).run()
    assert min(town.times(one)) == TODAY - 2 * DAY
    assert town.audited() == [{"deleted": 3 * 144, "thinned": 0, "left": 0, "datastreams": [one]}]


def test_of_label_end_the_midnight_belongs_to_the_day_before(town: Town) -> None:
    one = town.stream(rule=("P2D", None, None), label="end", period="PT10M")
    town.fill(one, TODAY - 3 * DAY, TODAY)
    town.job().run()
    assert min(town.times(one)) == TODAY - 2 * DAY + 10 * MINUTE


@pytest.mark.parametrize("store", ["memory", "duckdb"], indirect=True)
def test_old_readings_are_thinned_by_whole_local_days_up_to_the_rule(town: Town) -> None:
    one = town.stream(rule=(None, "P2D", "1h"))
    town.fill(one, TODAY - 5 * DAY, TODAY)
    town.job(rows=200).run()
    until = TODAY - 2 * DAY
    assert town.times(one) == [*range(TODAY - 5 * DAY, until, HOUR), *range(until, TODAY, 10 * MINUTE)]
    assert town.values(one, TODAY - 5 * DAY, TODAY - 5 * DAY + 2 * HOUR) == [2.5, 8.5]
    assert (town.row(one).thinned_until, town.row(one).thinned_every) == (until, "1h")
    assert town.audited() == [{"deleted": 0, "thinned": 432, "left": 72, "datastreams": [one]}]


def test_the_same_day_is_never_thinned_twice(town: Town) -> None:
    one = town.stream(rule=(None, "P2D", "1h"))
    town.fill(one, TODAY - 4 * DAY, TODAY)
    town.job().run()
    version = town.store.version([one])
    town.job().run()
    assert town.store.version([one]) == version
    town.clock.move(days=1)
    town.job().run()
    assert town.row(one).thinned_until == TODAY - DAY
    assert [run["thinned"] for run in town.audited()] == [288, 144]


def test_a_margin_is_left_for_messages_on_their_way(town: Town) -> None:
    """At half past midnight what ingest took in a moment ago may still be written."""
    one = town.stream(rule=(None, "P2D", "1h"))
    town.fill(one, TODAY - 5 * DAY, TODAY)
    town.clock.move(hours=15.5)
    town.job().run()
    assert town.row(one).thinned_until == TODAY - 2 * DAY
    town.clock.move(hours=1)
    town.job().run()
    assert town.row(one).thinned_until == TODAY - DAY


def test_datastreams_of_every_level_and_kind_are_treated_by_their_own_rule(town: Town) -> None:
    town.rules.put_default(town.owner, "suwon", "P3D", None, None)
    inherits, forever, door = town.stream(), town.stream(rule=("none", None, None)), town.stream("parking_occupied")
    streams = {inherits: 2 * 144 + 144, forever: 5 * 144}
    for one in streams:
        town.fill(one, TODAY - 5 * DAY, TODAY)
    town.job(settings=replace(town.registry.settings, thin_after_days=4, thin_every="1d")).run()
    assert min(town.times(inherits)) == TODAY - 3 * DAY
    assert min(town.times(forever)) == TODAY - 5 * DAY
    assert len(town.times(forever)) == 4 * 144 + 1, "the platform's thinning holds where nothing else is said"
    assert town.row(inherits).thinned_until is None
    assert town.times(door) == []


def test_a_rule_that_is_said_later_begins_where_the_other_ended(town: Town) -> None:
    one = town.stream(rule=(None, "P4D", "1h"))
    town.fill(one, TODAY - 6 * DAY, TODAY)
    town.job().run()
    town.rules.put(town.owner, [one], None, "P2D", "6h")
    town.job().run()
    assert (town.row(one).thinned_until, town.row(one).thinned_every) == (TODAY - 2 * DAY, "6h")
    assert len(town.times(one)) == 2 * 24 + 2 * 4 + 2 * 144


def test_a_long_gap_is_passed_without_reading_it(town: Town) -> None:
    one = town.stream(rule=(None, "P2D", "1h"))
    town.fill(one, TODAY - 3000 * DAY, TODAY - 2999 * DAY)
    town.fill(one, TODAY - 3 * DAY, TODAY)
    town.job(rows=100).run()
    assert town.row(one).thinned_until == TODAY - 2 * DAY
    assert len(town.times(one)) == 24 + 24 + 288


def test_without_old_readings_nothing_is_said_to_be_thinned(town: Town) -> None:
    empty, fresh = (town.stream(rule=("P9D", "P2D", "1h")) for _ in range(2))
    town.fill(fresh, TODAY - DAY, TODAY)
    town.job().run()
    assert (town.row(empty).thinned_until, town.row(fresh).thinned_until) == (None, None)
    assert town.audited() == []


class Meddling:
    """A store in which somebody writes into every range before it is swapped, a number of times."""

    def __init__(self, store: Store, town: Town, times: int) -> None:
        self._store, self._town, self._times = store, town, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        if self._times:
            self._times -= 1
            self._town.fill(datastream, start + self._times + 1, start + self._times + 2)
        return self._store.swap(datastream, start, end, rows, version)


@pytest.mark.parametrize("store", ["memory", "duckdb"], indirect=True)
def test_what_is_written_meanwhile_is_thinned_with_the_rest(town: Town) -> None:
    one = town.stream(rule=(None, "P2D", "1h"))
    town.fill(one, TODAY - 3 * DAY, TODAY)
    meddling: Any = Meddling(town.store, town, 2)
    town.job(meddling).run()
    assert len(town.times(one)) == 24 + 288
    assert town.audited()[0]["thinned"] == 146


def test_a_datastream_that_changes_all_the_time_waits_and_holds_no_other_up(town: Town) -> None:
    one, other = (town.stream(rule=(None, "P2D", "1h")) for _ in range(2))
    for each in (one, other):
        town.fill(each, TODAY - 3 * DAY, TODAY)
    meddling: Any = Meddling(town.store, town, 5)
    town.job(meddling).run()
    assert town.row(one).thinned_until is None
    assert town.row(other).thinned_until == TODAY - 2 * DAY


class Failing:
    """A store that fails at its n-th change."""

    def __init__(self, store: Store, at: int, error: BaseException) -> None:
        self._store, self._left, self._error = store, at, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def swap(self, *arguments: Any) -> int:
        self._left -= 1
        if self._left == 0:
            raise self._error
        return self._store.swap(*arguments)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("error", [Unavailable("the disk is full"), Killed()])
def test_a_run_that_is_cut_short_is_gone_on_with_and_audited(town: Town, error: BaseException) -> None:
    one = town.stream(rule=(None, "P2D", "1h"))
    town.fill(one, TODAY - 6 * DAY, TODAY)
    failing: Any = Failing(town.store, 3, error)
    with pytest.raises(type(error)):
        town.job(failing, rows=150).run()
    assert town.row(one).thinned_until == TODAY - 4 * DAY
    town.job().run()
    assert len(town.times(one)) == 4 * 24 + 288
    assert [run["thinned"] for run in town.audited()] == [288, 288]


def test_a_mistake_in_one_block_takes_no_turn_from_the_next(town: Town, people: People) -> None:
    one = town.stream(rule=(None, "P2D", "1h"))
    busan = people.organisation("busan")
    owner = people.actor(busan, "owner")
    thing = town.registry.things.create(owner, "busan", "Harbour")
    other = town.registry.stream(owner, thing).id
    town.rules.put(owner, [other], "P2D", None, None)
    for each in (one, other):
        town.fill(each, TODAY - 3 * DAY, TODAY)
    failing: Any = Failing(town.store, 1, ValueError("a mistake"))
    town.job(failing).run()
    assert town.row(one).thinned_until is None
    assert min(town.times(other)) == TODAY - 2 * DAY


def test_a_server_that_stops_is_not_kept_waiting(town: Town) -> None:
    one = town.stream(rule=("P5D", "P2D", "1h"))
    town.fill(one, TODAY - 9 * DAY, TODAY)
    town.stopping.set()
    town.job().run()
    assert len(town.times(one)) == 9 * 144


def test_a_store_that_keeps_everything_is_left_alone(town: Town) -> None:
    one = town.stream(rule=("P2D", None, None))
    town.fill(one, TODAY - 3 * DAY, TODAY)

    class Keeping:
        capabilities = replace(town.store.capabilities, deletes_range=False)

        def extent(self, _ids: Sequence[int]) -> Receipt:
            raise AssertionError("nothing is to be asked")

    keeping: Any = Keeping()
    town.job(keeping).run()
    assert len(town.times(one)) == 3 * 144


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_what_lies_in_sealed_files_is_deleted_and_thinned_as_well(town: Town) -> None:
    streams = [town.stream(rule=("P5D", "P2D", "1h")) for _ in range(3)]
    for one in streams:
        town.fill(one, TODAY - 7 * DAY, TODAY)
    sealed: Any = town.store
    assert sealed.seal(TODAY)
    town.job().run()
    expected = [*range(TODAY - 5 * DAY, TODAY - 2 * DAY, HOUR), *range(TODAY - 2 * DAY, TODAY, 10 * MINUTE)]
    assert [town.times(one) for one in streams] == [expected] * 3
    sealed.merge()
    assert [town.times(one) for one in streams] == [expected] * 3
    assert sealed.check(deep=True) == []
