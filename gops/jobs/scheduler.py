"""The scheduler, on APScheduler."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from gops import logs
from gops.clock import to_micros
from gops.errors import GopsError, Invalid

Run = Callable[[], object]
STOP_SECONDS = 10.0
LARGEST_POOL = 64
log = logs.get(__name__)


@dataclass(frozen=True)
class Tally:
    """Of the runs of a job, or of all jobs whose names begin with the same word."""

    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
    running: int = 0


class Jobs:
    """``start`` and ``stop`` once each. At most ``threads`` jobs run at once; a further one waits for its turn."""

    def __init__(self, zone: ZoneInfo, threads: int) -> None:
        self.stopping = threading.Event()
        self._zone = zone
        self._running = 0
        self._idle = threading.Condition()
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._scheduler = BackgroundScheduler(
            timezone=zone,
            executors={"default": ThreadPoolExecutor(min(threads, LARGEST_POOL))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing any more, wake what waits, and give what is running some time to end."""
        self.stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        with self._idle:
            if not self._idle.wait_for(lambda: self._running == 0, STOP_SECONDS):
                log.warning("jobs_still_running", count=self._running)

    def hourly(self, name: str, minutes: str, run: Run, jitter_seconds: int = 0) -> None:
        """Run at these minutes of every hour (``15,35``), up to ``jitter_seconds`` later.

        A job of that name is replaced. Raises ``Invalid`` (``bad_minutes``).
        """
        self._add(name, CronTrigger(minute=check_minutes(minutes), timezone=self._zone, jitter=jitter_seconds), run)

    def every(self, name: str, seconds: float, run: Run, jitter_seconds: int = 0, *, at_once: bool = False) -> None:
        """Run every so many seconds, the first time now or after the first interval."""
        trigger = IntervalTrigger(seconds=seconds, timezone=self._zone, jitter=jitter_seconds)
        self._add(name, trigger, run)
        if at_once:
            self.now(name)

    def now(self, name: str) -> None:
        """Run a job as soon as a thread is free, unless it is running; then as its clock says. Unknown names pass."""
        try:
            self._scheduler.modify_job(name, next_run_time=datetime.now(self._zone))
        except JobLookupError:
            log.info("job_unknown", job=name)

    def soon(self, name: str, seconds: float) -> None:
        """Run a job within so many seconds, if it does not run before that anyway. Unknown names pass.

        Asked often, it runs at most that often.
        """
        at, wanted = self.next_run(name), datetime.now(self._zone) + timedelta(seconds=seconds)
        if at is not None and at > to_micros(wanted):
            self._scheduler.modify_job(name, next_run_time=wanted)

    def remove(self, name: str) -> None:
        """Unknown names pass."""
        try:
            self._scheduler.remove_job(name)
        except JobLookupError:
            log.debug("job_unknown", job=name)

    def next_run(self, name: str) -> int | None:
        """When a job runs next, in microseconds; None for one that there is not."""
        job = self._scheduler.get_job(name)
        moment = getattr(job, "next_run_time", None)
        return None if moment is None else to_micros(moment)

    def tallies(self) -> Mapping[str, Tally]:
        """By the first word of their names: ``feed 12`` and ``feed 13`` are ``feed``."""
        with self._idle:
            return dict(self._tallies)

    def _count(self, name: str, running: int, failures: int = 0, seconds: float = 0.0) -> None:
        """A run of ``name`` begins (1) or ended (-1)."""
        word = name.partition(" ")[0]
        with self._idle:
            old = self._tallies[word]
            self._tallies[word] = Tally(
                old.runs + (running < 0), old.failures + failures, old.seconds + seconds, old.running + running
            )
            self._running += running
            self._idle.notify_all()

    def _add(self, name: str, trigger: BaseTrigger, run: Run) -> None:
        self._scheduler.add_job(self._guarded, trigger, args=(name, run), id=name, name=name, replace_existing=True)

    def _guarded(self, name: str, run: Run) -> None:
        if self.stopping.is_set():
            return
        begun, failures = time.monotonic(), 1
        self._count(name, 1)
        try:
            run()
            failures = 0
        except GopsError as error:
            log.warning("job_failed", job=name, code=error.code, reason=error.message)
        except Exception:
            log.exception("job_failed", job=name)
        finally:
            self._count(name, -1, failures, time.monotonic() - begun)


def check_minutes(minutes: str) -> str:
    """Minutes of an hour with commas between, ascending and each once: ``15,35``. Raises ``Invalid``."""
    parts = minutes.split(",") if isinstance(minutes, str) else []
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) <= 2]
    if len(numbers) != len(parts) or not numbers or max(numbers) > 59 or sorted(set(numbers)) != numbers:
        raise Invalid(
            "these are no minutes of an hour",
            code="bad_minutes",
            field="minutes",
            found=minutes,
            expected="ascending numbers from 0 to 59 with commas between, such as 15,35",
        )
    return ",".join(map(str, numbers))


def next_of_hour(minutes: str, after: int, zone: ZoneInfo) -> int:
    """The first moment at one of these minutes of an hour that is later than ``after``, in microseconds."""
    moment = datetime.fromtimestamp(after // 1_000_000, zone).replace(second=0, microsecond=0)
    allowed = set(map(int, check_minutes(minutes).split(",")))
    while True:
        moment += timedelta(minutes=1)
        if moment.minute in allowed:
            return to_micros(moment)
