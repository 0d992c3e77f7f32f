"""Quality rules on the way into the store: what is said, what is flagged, what is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gops.clock import DAY, HOUR, MINUTE, SECOND, FixedClock
from gops.errors import Unavailable
from gops.ingest.rules.counts import Flagged, QualityCounts
from gops.ingest.rules.judging import RANGE
from gops.ingest.rules.ruling import Rules, rules_over
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors.model import Datastream, ObservedProperty, Sensor, Thing
from gops.sensors.properties import seed
from gops.settings import Settings
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Read, Receipt, Series
from tests.conftest import People

Row = tuple[int, int, float | None, int]


class Town:
    """One organisation with Datastreams, a store in memory, and the rules before it."""

    def __init__(self, database: Database, clock: FixedClock, settings: Settings, people: People) -> None:
        self.database = database
        self.clock = clock
        self.settings = settings
        self.memory = StoreAwayOnce()
        self.home = people.organisation("suwon")
        with database.write() as session:
            seed(session)
        self.rules = self.restarted()

    def restarted(self, settings: Settings | None = None) -> Rules:
        """Rules that remember nothing, over the same store."""
        self.rules = rules_over(self.memory, self.database, self.clock, settings or self.settings)
        return self.rules

    def stream(self, kind: str = "gauge", **columns: Any) -> int:
        with self.database.write() as session:
            prop = session.query(ObservedProperty).filter_by(key="temperature").one()
            thing = Thing(organisation_id=self.home.id, name="a", created_at=0)
            sensor = Sensor(organisation_id=self.home.id, name="s")
            session.add_all([thing, sensor])
            session.flush()
            made = Datastream(
                thing_id=thing.id, organisation_id=self.home.id, sensor_id=sensor.id, observed_property_id=prop.id,
                name="a", unit="Cel", kind=kind, created_at=0, **columns,
            )  # fmt: skip
            session.add(made)
            session.flush()
            return made.id

    def write(self, *rows: Row, mode: Any = "replace") -> Receipt:
        columns = [list(column) for column in zip(*rows, strict=True)]
        names = ("datastream", "t", "value", "quality")
        nothing = {"text": [None] * len(rows), "result_time": [None] * len(rows)}
        table = pa.table(dict(zip(names, columns, strict=True)) | nothing, schema=READINGS)
        return self.rules.store.write(table, mode)

    def qualities(self, one: int) -> list[int]:
        found: list[int] = self.memory.read(Read([Series(one)]))["quality"].to_pylist()
        return found

    def counted(self, one: int) -> dict[tuple[str, str], int]:
        self.rules.counts.flush()
        return {(row.day, row.rule): row.readings for row in self.rules.counts.of(one)}


@pytest.fixture
def town(database: Database, clock: FixedClock, settings: Settings, people: People) -> Town:
    return Town(database, clock, settings, people)


def test_a_jump_is_suspect_and_kept(town: Town) -> None:
    one, now = town.stream(quality_rules={"step": 5.0}), town.clock.micros()
    receipt = town.write((one, now - 2 * MINUTE, 20.0, 0), (one, now - MINUTE, 30.0, 0), (one, now, 31.0, 1))
    assert town.qualities(one) == [0, 2, 1]
    assert receipt.inserted == 3


def test_rules_come_with_others_that_have_none(town: Town) -> None:
    """Each in its own columns, whatever order they stand in."""
    ruled, free, now = town.stream(quality_rules={"step": 5.0}), town.stream(), town.clock.micros()
    town.write(
        (free, now, 1.0, 0), (ruled, now + SECOND, 30.0, 0), (free, now + SECOND, 99.0, 0), (ruled, now, 20.0, 0)
    )
    assert (town.qualities(ruled), town.qualities(free)) == ([0, 2], [0, 0])


def test_what_is_out_of_range_or_under_maintenance_is_no_reading_to_compare_with(town: Town) -> None:
    one, now = town.stream(quality_rules={"step": 5.0}, range_low=0.0, range_high=50.0), town.clock.micros()
    rows = [(20.0, 0), (-999.0, 2), (0.0, 3), (None, 5), (21.0, 0)]
    town.write(*((one, now + index * MINUTE, value, quality) for index, (value, quality) in enumerate(rows)))
    assert town.qualities(one) == [0, 2, 3, 5, 0]


def test_a_restart_forgets_no_frozen_value(town: Town) -> None:
    one, now = town.stream(quality_rules={"frozen": "PT3H", "frozen_except": [0]}), town.clock.micros()
    for hour in range(6):
        town.restarted()
        town.write((one, now - 10 * HOUR + hour * HOUR, 7.0, 0))
    assert town.qualities(one) == [0, 0, 0, 2, 2, 2]
    town.write(*((one, now + hour * HOUR, 0.0, 0) for hour in range(6)))
    assert town.qualities(one)[6:] == [0] * 6


def test_a_clock_that_runs_ahead_is_suspect(town: Town) -> None:
    one, now = town.stream("state", quality_rules={"skew": "PT30S"}), town.clock.micros()
    town.write((one, now + 30 * SECOND, None, 5), (one, now + 31 * SECOND, None, 4), (one, now, None, 5))
    assert town.qualities(one) == [5, 5, 4]
    gauge = town.stream(quality_rules={"skew": "PT30S"})
    town.write((gauge, now + 30 * SECOND, 1.0, 0), (gauge, now + 31 * SECOND, 1.0, 0))
    assert town.qualities(gauge) == [0, 2]


def test_a_late_reading_is_compared_with_older_ones_alone(town: Town) -> None:
    one, now = town.stream(quality_rules={"step": 5.0}), town.clock.micros()
    town.write((one, now - 2 * HOUR, 20.0, 0), (one, now, 22.0, 0))
    town.write((one, now - HOUR, 90.0, 0))
    assert town.qualities(one) == [0, 2, 0]
    town.write((one, now + HOUR, 24.0, 0))
    assert town.qualities(one)[-1] == 0


def test_a_late_reading_in_a_run_breaks_it(town: Town) -> None:
    one, now = town.stream(quality_rules={"frozen": "PT3H"}), town.clock.micros()
    town.write(*((one, now + hour * HOUR, 7.0, 0) for hour in (0, 1, 2)))
    town.write((one, now + HOUR + MINUTE, 8.0, 0))
    town.write((one, now + 3 * HOUR, 7.0, 0))
    assert town.qualities(one) == [0] * 5


def test_what_was_corrected_is_looked_at_anew(town: Town) -> None:
    """Here, or by another process."""
    one, now = town.stream(quality_rules={"step": 5.0}), town.clock.micros()
    town.write((one, now, 90.0, 0))
    town.rules.store.delete([one], now, now + 1)
    town.write((one, now + MINUTE, 20.0, 0))
    town.memory.delete([one], now, now + DAY)
    for handle in town.rules.handlers["observation.corrected"]:
        handle(Event(1, 0, "observation.corrected", {"datastream": one}))
    town.write((one, now + HOUR, 50.0, 0))
    assert town.qualities(one) == [0]


def test_changed_rules_hold_from_their_event_on(town: Town) -> None:
    one, now = town.stream(), town.clock.micros()
    town.write((one, now, 1.0, 0), (one, now + MINUTE, 90.0, 0))
    with town.database.write() as session:
        session.get_one(Datastream, one).quality_rules = {"step": 5.0}
    for handle in town.rules.handlers["datastream.changed"]:
        handle(Event(1, 0, "datastream.changed", {"datastream": one}))
    town.write((one, now + 2 * MINUTE, 1.0, 0))
    assert town.qualities(one) == [0, 0, 2]


def test_flagged_readings_are_counted_by_day_and_rule(town: Town) -> None:
    """Of GOPS_ZONE; the same reading again is not counted twice."""
    one, now = town.stream(quality_rules={"step": 5.0, "rate": 60.0}, range_high=100.0), town.clock.micros()
    rows = [
        (one, now, 20.0, 0),
        (one, now + MINUTE, 30.0, 0),
        (one, now + HOUR, 200.0, 2),
        (one, now + 2 * HOUR, 30.0, 2),
    ]
    town.write(*rows)
    assert town.counted(one) == {("2026-05-01", rule): 1 for rule in ("step", "rate", "range", "source")}
    town.write(*rows)
    town.write((one, now + 16 * HOUR, 70.0, 0))
    assert town.counted(one) == {
        **{("2026-05-01", rule): 1 for rule in ("rate", "range", "source")},
        ("2026-05-01", "step"): 1,
        ("2026-05-02", "step"): 1,
    }


def test_a_range_alone_is_counted_too(town: Town) -> None:
    one, now = town.stream(range_high=100.0), town.clock.micros()
    town.write((one, now, 200.0, 2), (one, now + 1, 50.0, 0))
    assert town.counted(one) == {("2026-05-01", "range"): 1}


def test_counts_end_after_their_days(town: Town) -> None:
    one, now = town.stream(range_high=1.0), town.clock.micros()
    town.restarted(replace(town.settings, quality_days=10))
    town.write((one, now - 11 * DAY, 2.0, 2), (one, now - 10 * DAY, 2.0, 2))
    assert town.counted(one) == {("2026-04-21", "range"): 1}
    town.clock.move(seconds=86_400)
    town.rules.counts.forget_old()
    assert town.counted(one) == {}


class AwayOnce:
    """Records that are away when they are first written to."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._away = True

    def write(self) -> Any:
        away, self._away = self._away, False
        if away:
            raise Unavailable("the records are away")
        return self._database.write()

    def read(self) -> Any:
        return self._database.read()


def test_counts_wait_while_the_records_are_away(town: Town) -> None:
    one, now = town.stream(), town.clock.micros()
    counts = QualityCounts(AwayOnce(town.database), town.clock, town.settings)  # type: ignore[arg-type]

    def note(t: int, value: float) -> None:
        counts.note(Flagged(np.array([one]), np.array([t]), np.array([value]), np.array([RANGE], np.uint8)))

    note(now, 2.0)
    with pytest.raises(Unavailable):
        counts.flush()
    note(now + 1, 3.0)
    counts.flush()
    (row,) = counts.of(one)
    assert (row.readings, row.last_t, row.last_value) == (2, now + 1, 3.0)


class StoreAwayOnce(MemoryStore):
    """Cannot be written to once, when told so."""

    is_away = False

    def write(self, batch: pa.Table, mode: Any, deliveries: Any = ()) -> Receipt:
        if self.is_away:
            self.is_away = False
            raise Unavailable("the store is away")
        return super().write(batch, mode, deliveries)


def test_what_the_store_could_not_take_is_not_remembered(town: Town) -> None:
    """So that the same batch, tried again, is judged as if it came for the first time."""
    one, now = town.stream(quality_rules={"step": 5.0}), town.clock.micros()
    town.write((one, now, 20.0, 0))
    town.memory.is_away = True
    with pytest.raises(Unavailable):
        town.write((one, now + MINUTE, 30.0, 0))
    town.write((one, now + MINUTE, 30.0, 0))
    assert town.qualities(one) == [0, 2]


def test_no_more_states_are_kept_than_the_setting_says(town: Town) -> None:
    streams, now = [town.stream(quality_rules={"step": 5.0}) for _ in range(5)], town.clock.micros()
    town.restarted(replace(town.settings, quality_states=2))
    town.write(*((one, now, 1.0, 0) for one in streams))
    assert 0 < len(town.rules.store.past) <= 2
    town.write(*((one, now + 1, 90.0, 0) for one in streams))
    assert [town.qualities(one) for one in streams] == [[0, 2]] * 5


def test_what_was_counted_is_written_at_the_end(town: Town) -> None:
    one, now = town.stream(range_high=1.0), town.clock.micros()
    town.rules.counts.start()
    town.write((one, now, 2.0, 2))
    town.rules.counts.close()
    assert [(row.rule, row.readings) for row in town.rules.counts.of(one)] == [("range", 1)]
