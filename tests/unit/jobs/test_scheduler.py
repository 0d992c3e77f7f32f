"""Jobs by the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gops.clock import to_micros
from gops.errors import Invalid, Unavailable
from gops.jobs import Jobs
from gops.jobs.scheduler import check_minutes, next_of_hour

SEOUL = ZoneInfo("Asia/Seoul")
PATIENCE = 5.0


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs(SEOUL, 2)
    made.start()
    yield made
    made.stop()


def test_a_job_runs_again_and_again(jobs: Jobs) -> None:
    times = threading.Semaphore(0)
    jobs.every("tick", 0.05, times.release)
    assert all(times.acquire(timeout=PATIENCE) for _ in range(3))


def test_a_job_may_begin_at_once(jobs: Jobs) -> None:
    ran = threading.Event()
    jobs.every("now", 3600, ran.set, at_once=True)
    assert ran.wait(PATIENCE)
    assert jobs.next_run("now") is not None


@pytest.mark.parametrize("trouble", [ValueError("mine"), Unavailable("down")])
def test_a_failure_does_not_end_a_job(jobs: Jobs, trouble: Exception) -> None:
    times = threading.Semaphore(0)

    def fail() -> None:
        times.release()
        raise trouble

    jobs.every("fail", 0.05, fail)
    assert all(times.acquire(timeout=PATIENCE) for _ in range(2))


def test_a_job_never_runs_twice_at_once(jobs: Jobs) -> None:
    running, most, times = [0], [0], threading.Semaphore(0)

    def slow() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.1)
        running[0] -= 1
        times.release()

    jobs.every("slow", 0.02, slow)
    for _ in range(5):
        jobs.now("slow")
    assert all(times.acquire(timeout=PATIENCE) for _ in range(3))
    assert most == [1]


def test_a_job_is_replaced_by_one_of_its_name_and_removed(jobs: Jobs) -> None:
    first, second = threading.Event(), threading.Event()
    jobs.hourly("job", "0", first.set)
    jobs.hourly("job", "30", second.set)
    jobs.now("job")
    assert second.wait(PATIENCE)
    assert not first.is_set()
    jobs.remove("job")
    assert jobs.next_run("job") is None
    jobs.remove("job")
    jobs.now("job")


def test_a_job_of_an_hour_comes_at_its_minute_or_a_little_later(jobs: Jobs) -> None:
    jobs.hourly("job", "15,35", lambda: None, jitter_seconds=60)
    moment = jobs.next_run("job")
    assert moment is not None
    assert datetime.fromtimestamp(moment / 1e6, SEOUL).minute in (15, 16, 35, 36)


def test_a_job_that_is_asked_for_often_runs_once_soon(jobs: Jobs) -> None:
    times = threading.Semaphore(0)
    jobs.every("soon", 3600, times.release)
    for _ in range(20):
        jobs.soon("soon", 0.2)
    assert times.acquire(timeout=PATIENCE)
    assert not times.acquire(timeout=0.4)
    jobs.soon("unknown", 1)


def test_a_stop_wakes_what_waits() -> None:
    jobs, began = Jobs(SEOUL, 1), threading.Event()

    def wait() -> None:
        began.set()
        jobs.stopping.wait(60)

    jobs.every("wait", 3600, wait, at_once=True)
    jobs.start()
    assert began.wait(PATIENCE)
    begun = time.monotonic()
    jobs.stop()
    assert time.monotonic() - begun < PATIENCE


def test_jobs_that_never_began_stop() -> None:
    Jobs(SEOUL, 1).stop()


@pytest.mark.parametrize("minutes", ["", ",", "60", "-1", "5,5", "35,15", "1,", "*", "*/5", "1-5", "٣", "007", None])
def test_what_are_no_minutes_is_refused(minutes: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_minutes(minutes)
    assert caught.value.code == "bad_minutes"


def test_the_next_of_some_minutes() -> None:
    at = to_micros(datetime(2026, 5, 1, 23, 35, 10, tzinfo=SEOUL))
    assert next_of_hour("15,35", at, SEOUL) == to_micros(datetime(2026, 5, 2, 0, 15, tzinfo=SEOUL))
    assert next_of_hour("35,36", at, SEOUL) == to_micros(datetime(2026, 5, 1, 23, 36, tzinfo=SEOUL))


def test_runs_are_counted_by_the_first_word_of_their_names(jobs: Jobs) -> None:
    def fail() -> None:
        raise Unavailable("away")

    jobs.every("feed 1", 3600, lambda: None, at_once=True)
    jobs.every("feed 2", 3600, fail, at_once=True)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not (jobs.tallies() and jobs.tallies()["feed"].runs == 2):
        time.sleep(0.01)
    tally = jobs.tallies()["feed"]
    assert (tally.runs, tally.failures, tally.running) == (2, 1, 0)
