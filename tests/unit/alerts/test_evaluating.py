"""Readings that are committed meet the rules; what happened is in the records before anybody is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pytest

from gops.alerts.lease import LASTS
from gops.alerts.model import AlertState
from gops.alerts.running import RunningAlerts
from gops.clock import SECOND
from gops.errors import Unavailable
from gops.store.port import READINGS
from tests.unit.alerts.conftest import Town


def table(stream: int, values: Mapping[int, float]) -> pa.Table:
    rows = [{"datastream": stream, "t": t, "value": value, "quality": 0} for t, value in values.items()]
    return pa.Table.from_pylist([{"text": None, "result_time": None} | row for row in rows], READINGS)


def test_a_reading_over_the_threshold_is_an_event_with_its_reading(town: Town) -> None:
    """With the rule's name and severity as they were, the reading, and when GOPS found it."""
    stream = town.stream()
    rule = town.rule(stream, severity="critical")
    town.measure(stream, 70, 90, 95, 60)
    fired, cleared = town.events()
    assert (fired.what, fired.rule_id, fired.datastream_id, fired.severity) == ("fired", rule, stream, "critical")
    assert (fired.value, cleared.what, cleared.value) == (90.0, "cleared", 60.0)
    assert cleared.at - fired.at == 120 * SECOND
    assert [one.phase for one in town.alerts.get(town.publisher, rule).states] == ["cleared"]


def test_only_good_readings_count_unless_the_rule_says_otherwise(town: Town) -> None:
    stream = town.stream()
    town.rule(stream)
    town.measure(stream, 90, quality=2)
    assert town.happened() == []
    town.rule(stream, quality="good,suspect")  # it looks at the newest reading at once
    assert town.happened() == ["fired"]


def test_late_and_corrected_readings_do_not_fire_again(town: Town) -> None:
    stream = town.stream()
    town.rule(stream)
    town.measure(stream, 90, 60)
    town.measure(stream, 99, before=10)
    assert town.happened() == ["fired", "cleared"]


def test_readings_of_others_are_left_alone(town: Town) -> None:
    """A commit without a reading that a rule looks at is not even queued."""
    town.rule(town.stream())
    other = town.stream("air-2")
    town.measure(other, 99)
    assert town.happened() == []
    town.running.watching.after_commit(town.engine.latest([other]), _receipt())
    assert town.running.watching._waiting == 0


def _receipt() -> object:
    from gops.store.port import Receipt

    return Receipt(1, 0, 0, 0)


def test_the_clock_alone_fires_holds_and_silences(town: Town) -> None:
    stream = town.stream()
    town.rule(stream, hold="PT10M")
    town.rule(stream, "silent", None, hold="PT30M")
    town.measure(stream, 90)
    town.clock.move(minutes=10)
    assert town.turn() == 1
    town.clock.move(minutes=20)
    assert town.turn() == 1
    town.measure(stream, 10)
    assert sorted(town.happened()) == ["cleared", "cleared", "fired", "fired"]


def test_a_rule_that_is_off_or_changed_or_deleted_says_nothing_more(town: Town) -> None:
    """A change begins afresh: what fires under the new words is a new event."""
    stream = town.stream()
    rule = town.rule(stream)
    town.measure(stream, 90)
    row = town.alerts.get(town.publisher, rule)
    wish = _wish_of(row, stream, threshold=85.0)
    assert town.alerts.replace(town.publisher, rule, wish).row.revision == 2
    town.turn(changed=True)
    assert town.happened() == ["fired", "fired"]
    town.alerts.replace(town.publisher, rule, replace(wish, enabled=False))
    town.turn(changed=True)
    town.measure(stream, 10, 99)
    town.alerts.delete(town.publisher, rule)
    town.turn(changed=True)
    town.measure(stream, 10, 99)
    assert town.happened() == ["fired", "fired"]


def _wish_of(rule: object, stream: int, threshold: float) -> object:
    from gops.alerts.rules import Wish

    return Wish("hot", [stream], "gt", threshold)


def test_a_restart_goes_on_where_the_alert_stood(town: Town) -> None:
    """What fired is not told again; what cleared while nobody listened is found in the store."""
    stream = town.stream()
    town.rule(stream)
    town.measure(stream, 90)
    town.running.watching._end()
    town.running = town.process()
    assert town.turn() == 0
    town.running.watching._end()
    row = {"datastream": stream, "t": town.clock.micros() + 1, "value": 60.0, "quality": 0}
    town.engine.write(pa.Table.from_pylist([{"text": None, "result_time": None} | row], READINGS), "replace")
    town.running = town.process()
    assert town.turn() == 1
    assert town.happened() == ["fired", "cleared"]


def test_one_process_evaluates_and_another_takes_over(town: Town) -> None:
    """The other one waits until the lease has ended; who lost it writes nothing more."""
    stream = town.stream()
    town.rule(stream)
    other = town.process()
    assert other.watching.turn() == 0
    assert not len(other.evaluator.watched)
    town.clock.move(microseconds=LASTS + 1)
    other.watching.turn()
    assert other.evaluator.watched.tolist() == [stream]
    town.measure(stream, 90)  # in the process that has lost the lease
    assert town.happened() == []
    other.watching._swept = float("-inf")  # the look at the store that is due each minute
    assert other.watching.turn() == 1


def test_beyond_the_queue_the_store_is_looked_at(town: Town) -> None:
    """A breach that came and went in what did not fit is seen, once; what comes behind it is not heard before it."""
    stream = town.stream()
    town.rule(stream)
    town.running.watching._most = 1
    now = town.clock.micros()
    town.store.write(table(stream, {now: 90.0, now + 1: 20.0}), "replace")
    town.store.write(table(stream, {now + 2: 21.0}), "replace")
    assert town.running.watching._waiting == 0
    assert town.turn() == 2
    assert town.turn() == 0
    assert town.happened() == ["fired", "cleared"]


def test_while_the_records_are_away_nothing_counts(town: Town) -> None:
    """Once they are back the alert fires from what the store has."""
    stream = town.stream()
    town.rule(stream)
    lease, settle = town.running.evaluator._lease, town.running.evaluator._lease.confirm

    def away(_session: object) -> None:
        raise Unavailable("the records are away")

    lease.confirm = away  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        town.measure(stream, 90)
    assert town.happened() == []
    lease.confirm = settle  # type: ignore[method-assign]
    assert town.turn() == 1


def test_what_moved_without_a_step_is_written_at_the_end(town: Town) -> None:
    """The newest reading of a rule that did not fire stands in the records after a stop."""
    stream = town.stream()
    rule = town.rule(stream)
    town.measure(stream, 70)
    town.running.watching._end()
    with town.database.read() as session:
        state = session.get(AlertState, (rule, stream))
    assert state is not None
    assert (state.t, state.value) == (town.clock.micros(), 70.0)


def test_events_and_letters_are_bounded_for_each_organisation(town: Town) -> None:
    """A rule that flaps writes so many events in an hour, and no more."""
    town.settings = replace(town.settings, alert_events_per_hour=3, alert_deliveries=1)
    town.running = town.process()
    stream = town.stream()
    town.rule(stream, channels=[{"kind": "mail", "to": "kim@example.kr"}])
    town.measure(stream, 90, 60, 90, 60, 90, 60)
    assert town.happened() == ["fired", "cleared", "fired"]
    assert len(town.deliveries()) == 1
    town.clock.move(hours=1)
    town.measure(stream, 90)
    assert len(town.events()) == 4


def test_old_events_are_forgotten_with_their_deliveries(town: Town) -> None:
    stream = town.stream()
    town.rule(stream, channels=[{"kind": "mail", "to": "kim@example.kr"}])
    town.measure(stream, 90)
    town.clock.move(days=town.settings.alert_days, minutes=1)
    town.measure(stream, 60)
    town.running.forget_old()
    assert town.happened() == ["cleared"]
    assert len(town.deliveries()) == 1


class TestBesideOtherProcesses:
    """Readings are committed elsewhere; the store is looked at again and again."""

    @pytest.fixture(autouse=True)
    def _shared(self, town: Town) -> None:
        town.running = RunningAlerts(
            town.database, town.clock, town.settings, town.engine, town.letters, sweep_seconds=0, shared=True
        )

    def commit(self, town: Town, stream: int, values: Mapping[int, float]) -> list[str]:
        """What happened by the next look but one, which is when a look has come that far."""
        now = town.clock.micros()
        town.store.write(table(stream, {now + t: value for t, value in values.items()}), "replace")
        before = len(town.happened())
        town.turn()
        town.turn()
        return town.happened()[before:]

    def test_a_breach_that_came_and_went_between_two_looks_is_seen(self, town: Town) -> None:
        stream = town.stream()
        town.rule(stream)
        assert self.commit(town, stream, {1: 90, 2: 20}) == ["fired", "cleared"], "of the first readings ever"
        assert self.commit(town, stream, {3: 20, 4: 95, 5: 20, 6: 96}) == ["fired", "cleared", "fired"]
        assert self.commit(town, stream, {}) == []

    def test_a_reading_that_is_committed_behind_a_later_one_is_seen_in_its_place(self, town: Town) -> None:
        stream = town.stream()
        town.rule(stream)
        self.commit(town, stream, {1: 20})
        now = town.clock.micros()
        town.engine.write(table(stream, {now + 3: 20.0}), "replace")
        town.turn()
        town.engine.write(table(stream, {now + 2: 90.0}), "replace")
        town.turn()
        assert town.happened() == ["fired", "cleared"]

    def test_a_rule_begins_with_the_newest_reading(self, town: Town) -> None:
        stream = town.stream()
        self.commit(town, stream, {1: 90, 2: 20})
        town.rule(stream)
        assert self.commit(town, stream, {}) == []

    def test_who_takes_over_looks_from_where_it_stood(self, town: Town) -> None:
        stream = town.stream()
        town.rule(stream)
        self.commit(town, stream, {1: 20})
        town.running.watching._end()
        now = town.clock.micros()
        town.engine.write(table(stream, {now + 2: 90.0, now + 3: 20.0}), "replace")
        town.running = RunningAlerts(town.database, town.clock, town.settings, town.engine, town.letters, shared=True)
        town.turn()
        assert town.happened() == ["fired", "cleared"]

    def test_a_look_is_bounded_and_the_newest_stands_for_what_is_beyond(self, town: Town) -> None:
        streams = [town.stream(f"air-{number}") for number in range(3)]
        for stream in streams:
            town.rule(stream)
            self.commit(town, stream, {1: 20})
        looking = town.running.evaluator._looking
        looking._most = 4
        now = town.clock.micros()
        for stream in streams:
            town.engine.write(table(stream, {now + 2: 90.0, now + 3: 20.0, now + 4: 20.0}), "replace")
        town.turn()
        town.turn()
        assert [(event.datastream_id, event.what) for event in town.events()] == [
            (streams[0], "fired"),
            (streams[0], "cleared"),
        ]
        assert town.turn() == 0, "what was passed over stays so"

    def test_silence_ends_with_the_first_look(self, town: Town) -> None:
        stream = town.stream()
        town.rule(stream, "silent", None, hold="PT10M")
        town.clock.move(minutes=11)
        town.turn()
        town.engine.write(table(stream, {town.clock.micros(): 20.0}), "replace")
        town.turn()
        assert town.happened() == ["fired", "cleared"]
