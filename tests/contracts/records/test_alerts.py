"""Alerts on SQLite and PostgreSQL: one event a step, one process at a time, figures of what stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gops.alerts.lease import LASTS
from gops.clock import SECOND, FixedClock
from gops.figures.alerts import of_alerts
from gops.records.database import Database
from gops.settings import Settings
from tests.unit.alerts.conftest import WEBHOOK, Town


@pytest.fixture
def town(either_database: Database, clock: FixedClock, settings: Settings) -> Iterator[Town]:
    made = Town(either_database, clock, settings)
    yield made
    made.engine.close()


def figures(town: Town) -> dict[tuple[str, ...], float]:
    found = of_alerts(town.database)
    return {(one.name, *one.labels.values()): one.value for one in found if one.value}


def test_a_rule_fires_is_told_of_and_clears(town: Town) -> None:
    stream = town.stream()
    town.rule(stream, severity="critical", channels=[{"kind": "webhook", "url": WEBHOOK}])
    assert figures(town) == {("gops_alerts", "critical", "ok"): 1}
    town.measure(stream, 70, 90, 95)
    assert (town.happened(), [one.state for one in town.deliveries()]) == (["fired"], ["waiting"])
    assert figures(town) == {
        ("gops_alerts", "critical", "firing"): 1,
        ("gops_alert_deliveries", "waiting", "webhook"): 1,
        ("gops_alert_newest_event",): 1,
    }
    town.running.sender.run()
    assert [one.attempts for one in town.deliveries()] == [1]
    town.measure(stream, 60)
    assert town.happened() == ["fired", "cleared"]
    town.running.forget_old()
    town.clock.move(days=4000)
    town.running.forget_old()
    assert town.happened() == []


def test_one_process_evaluates_and_another_takes_over(town: Town) -> None:
    stream = town.stream()
    town.rule(stream)
    second = town.process()
    assert second.watching.turn() == 0
    town.measure(stream, 90)
    assert not second.evaluator.states
    first = town.running
    town.clock.move(seconds=LASTS // SECOND + 1)
    town.running = second
    town.turn()
    town.measure(stream, 95, 60)
    assert town.happened() == ["fired", "cleared"]
    first.watching.turn()
    assert not first.evaluator.states


def test_what_another_process_commits_is_found_in_the_store(town: Town) -> None:
    """As with separate processes: pushes, feeds and other seats tell nobody here."""
    stream = town.stream()
    town.rule(stream)
    town.store = town.engine  # type: ignore[assignment]  # a store that tells nobody
    town.measure(stream, 90)
    assert town.happened() == []
    town.running.watching._sweep_seconds = 0
    town.turn()
    assert town.happened() == ["fired"]
