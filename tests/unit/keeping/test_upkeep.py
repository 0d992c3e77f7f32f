"""Upkeep by command and by schedule."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gops.clock import HOUR, FixedClock
from gops.errors import Conflict, Unavailable, Unsupported
from gops.keeping.progress import paced
from gops.keeping.service import Keeping
from gops.keeping.turns import Turns
from gops.records.database import Database
from gops.settings import Settings
from gops.store.memory import MemoryStore
from tests.unit.keeping.conftest import FILE, FilingStore


def test_the_schedule_seals_every_hour_and_merges_once_a_day(
    keeping: Keeping, filing: FilingStore, clock: FixedClock
) -> None:
    """It is 9:00 in Seoul; the merge is due at 3:40 there. A new process merges with its first run."""
    runs = []
    for _ in range(26):
        filing.asked.clear()
        keeping.run(threading.Event())
        runs.append([what for what, _ in filing.asked])
        clock.move(hours=1)
    merged = [hour for hour, run in enumerate(runs) if run == ["seal", "merge", "compact"]]
    assert merged == [0, 19]
    assert [run for run in runs if run != ["seal", "merge", "compact"]] == [["seal"]] * 24


def test_days_are_sealed_when_the_setting_says(keeping: Keeping, filing: FilingStore, clock: FixedClock) -> None:
    keeping.run(threading.Event())
    assert filing.asked[0] == ("seal", clock.micros() - 48 * HOUR)
    assert keeping.seal() == [vars(FILE)]
    assert filing.asked[-1] == ("seal", clock.micros() - 48 * HOUR)
    keeping.seal(5)
    assert filing.asked[-1] == ("seal", 5)


def test_the_schedule_lets_a_store_without_files_be(settings: Settings, clock: FixedClock, database: Database) -> None:
    keeping = Keeping(settings, clock, MemoryStore(), database)
    keeping.run(threading.Event())
    assert keeping.stats()["ok"]


def test_a_server_that_stops_begins_no_further_step(keeping: Keeping, filing: FilingStore) -> None:
    stopping = threading.Event()
    filing.during = stopping.set
    keeping.run(stopping)
    assert [what for what, _ in filing.asked] == ["seal"]


def test_a_failed_merge_is_due_again(keeping: Keeping, filing: FilingStore) -> None:
    def fail() -> None:
        if filing.asked[-1][0] == "merge":
            raise OSError("no room")

    filing.during = fail
    with pytest.raises(OSError, match="no room"):
        keeping.run(threading.Event())
    filing.during = lambda: None
    filing.asked.clear()
    keeping.run(threading.Event())
    assert [what for what, _ in filing.asked] == ["seal", "merge", "compact"]


def test_the_state_says_what_keeps_the_schedule_from_its_work(
    keeping: Keeping, filing: FilingStore, clock: FixedClock
) -> None:
    assert keeping.state() == {"last_run": None, "problem": None}

    def fail() -> None:
        raise Unavailable("the disk is full")

    filing.during = fail
    with pytest.raises(Unavailable):
        keeping.run(threading.Event())
    assert keeping.state() == {"last_run": None, "problem": "the disk is full"}
    filing.during = lambda: None
    keeping.run(threading.Event())
    assert keeping.state() == {"last_run": clock.now().isoformat(), "problem": None}


def test_upkeep_never_overlaps(keeping: Keeping, filing: FilingStore) -> None:
    """The schedule gives way at once, and what waits too long is told what it waits for."""
    caught: list[Conflict] = []

    def meanwhile() -> None:
        filing.during = lambda: None
        with pytest.raises(Conflict) as found:
            keeping.run(threading.Event())
        caught.append(found.value)

    filing.during = meanwhile
    keeping.compact()
    assert [(one.code, one.found) for one in caught] == [("upkeep_busy", "compact")]
    assert [what for what, _ in filing.asked] == ["compact"]


def test_a_turn_is_waited_for_and_given_back_after_a_failure() -> None:
    turns, told, entered = Turns(), [], threading.Event()
    with pytest.raises(ValueError, match="mine"), turns.take("first"):
        raise ValueError("mine")

    def second() -> None:
        with turns.take("second", told.append):
            entered.set()

    with turns.take("first"):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.05)
    assert entered.wait(5)
    thread.join()
    assert [step["what"] for step in told] == ["waiting for: first"]


@pytest.mark.parametrize("command", ["store.check", "store.seal", "store.merge", "store.compact"])
def test_another_engine_says_what_does_not_apply(
    command: str, settings: Settings, clock: FixedClock, database: Database
) -> None:
    keeping = Keeping(settings, clock, MemoryStore(), database)
    with pytest.raises(Unsupported) as caught:
        keeping.commands()[command]({}, lambda _step: None)
    assert caught.value.field == command.removeprefix("store.")


def test_progress_is_told_at_a_pace_and_to_its_end() -> None:
    told: list[Any] = []
    step = paced(told.append, "seal", "rows", pace_seconds=3600)
    for done in range(1, 1001):
        step(done, 1000)
    assert [one["done"] for one in told] == [1, 1000]
