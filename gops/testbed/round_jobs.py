"""Runs of the allocation that nobody waits for at the other end of a request: with progress, a limit of time, an end.

A run is a row. The scheduler takes the oldest that waits, one at a time; who runs it renews its lease with every look
at the row, and sees there whether it was cancelled. A run whose process died waits once more, then fails.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops import logs
from gops.accounts.checks import one_of, whole
from gops.clock import Clock
from gops.errors import Conflict, GopsError
from gops.jobs import Jobs
from gops.permissions import Actor, missing, require
from gops.records import audit
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.settings import Settings
from gops.testbed import comparing, lifecycles, visibility
from gops.testbed.allocation.apart import Progress
from gops.testbed.lifecycles import RUN
from gops.testbed.model import Call, Round
from gops.testbed.round_model import RoundJob
from gops.testbed.rounds import Rounds

KINDS = ("round", "compare")
NAME = "allocations"
EVERY_SECONDS = 10.0
LEASE = 60_000_000  # microseconds
LOOK = 2_000_000  # between two looks at the row
OPEN = ("waiting", "running")
log = logs.get(__name__)


class RoundJobs:
    def __init__(self, database: Database, clock: Clock, settings: Settings, rounds: Rounds) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._rounds = rounds
        self._on_order: list[Callable[[], None]] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, jobs: Jobs) -> None:
        """Run by the scheduler from now on: at once what is ordered here, within seconds what another process did.

        When it stops, what runs waits again for whoever takes it next.
        """
        self._stopping = jobs.stopping
        jobs.every(NAME, EVERY_SECONDS, self._begin, at_once=True)
        self._on_order.append(lambda: jobs.now(NAME))

    def _begin(self) -> None:
        """In a thread of its own: a run lasts longer than any job of the scheduler may."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run_all, name=NAME, daemon=True)
            self._thread.start()

    def _run_all(self) -> None:
        try:
            self.run()
        except Exception:
            log.exception("allocations_failed")

    def order(self, actor: Actor, call_slug: str, kind: str, seconds: int | None = None) -> RoundJob:
        """Raises ``Conflict``: ``call_not_scored``; ``run_open`` while another of the call waits or runs."""
        one_of(kind, KINDS, "kind")
        most = self._settings.round_seconds
        limit = most if seconds is None else whole(seconds, 1, most, "seconds", "GOPS_ROUND_SECONDS")
        require(actor, "round.run", None)
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug, lock=True)
            if call.state != "scored":
                raise Conflict(f"the call {call.slug} is {call.state}", code="call_not_scored", field="call",
                               found=call.state, expected="a call that is scored")  # fmt: skip
            before = session.scalar(select(RoundJob).where(RoundJob.call_id == call.id, RoundJob.state.in_(OPEN)))
            if before is not None:
                raise Conflict(f"run {before.id} of the call is {before.state}", code="run_open", field="call",
                               found=before.id, expected="one run of a call at a time")  # fmt: skip
            now = self._clock.micros()
            made = RoundJob(call_id=call.id, person_id=actor.person_id, kind=kind, state=RUN.states[0], seconds=limit,
                            progress={}, reason="", created_at=now)  # fmt: skip
            session.add(made)
            session.flush()
            audit.record(session, now, actor, "round.order", "call", call.id, call.organisation_id, kind=kind)
        for hear in self._on_order:
            hear()
        return made

    def get(self, actor: Actor, call_slug: str, job_id: int) -> RoundJob:
        require(actor, "round.run", None)
        with self._database.read() as session:
            return _found(session, actor, call_slug, job_id)

    def list(self, actor: Actor, call_slug: str, after: int = 0, limit: int = 100) -> Sequence[RoundJob]:
        require(actor, "round.run", None)
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            return session.scalars(
                page(select(RoundJob).where(RoundJob.call_id == call.id), RoundJob.id, after, limit)
            ).all()

    def comparison(self, actor: Actor, call_slug: str) -> RoundJob:
        """The newest that is done. Raises ``NotFound``."""
        require(actor, "round.run", None)
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            query = select(RoundJob).where(RoundJob.call_id == call.id, RoundJob.kind == "compare")
            found = session.scalar(query.where(RoundJob.state == "done").order_by(RoundJob.id.desc()).limit(1))
        if found is None:
            raise missing("comparison")
        return found

    def compared(self, actor: Actor, call_slug: str) -> RoundJob | None:
        """For whoever sees the call, once a round of it was published: its newest comparison, figures alone."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            published = select(Round.id).where(Round.call_id == call.id, Round.published_at.is_not(None)).limit(1)
            query = select(RoundJob).where(RoundJob.call_id == call.id, RoundJob.kind == "compare")
            newest = query.where(RoundJob.state == "done").order_by(RoundJob.id.desc()).limit(1)
            return None if session.scalar(published) is None else session.scalar(newest)

    def cancel(self, actor: Actor, call_slug: str, job_id: int) -> RoundJob:
        """Who runs it sees it within seconds. Raises ``Conflict`` (``illegal_move``) for one that has ended."""
        require(actor, "round.run", None)
        now = self._clock.micros()
        with self._database.write() as session:
            job = _found(session, actor, call_slug, job_id)
            lifecycles.move(RUN, job, "cancelled")
            job.ended_at, job.lease_until = now, None
            call = session.get_one(Call, job.call_id)
            audit.record(session, now, actor, "round.cancel", "call", call.id, call.organisation_id, run=job.id)
        return job

    def run(self) -> int:
        """Every run that waits, the oldest first. How many there were."""
        done = 0
        self._reclaim()
        while not self._stopping.is_set() and (job_id := self._take()) is not None:
            self._one(job_id)
            done += 1
        return done

    def _reclaim(self) -> None:
        now = self._clock.micros()
        with self._database.write() as session:
            dead = select(RoundJob).where(RoundJob.state == "running", RoundJob.lease_until < now)
            for job in session.scalars(dead.order_by(RoundJob.id)):
                again = "begun_again" in job.progress
                lifecycles.move(RUN, job, "failed" if again else "waiting")
                job.lease_until = None
                job.progress = {"begun_again": True}
                if again:
                    job.ended_at, job.reason = now, "the process that ran it ended, twice"

    def _take(self) -> int | None:
        now = self._clock.micros()
        with self._database.write() as session:
            waiting = select(RoundJob).where(RoundJob.state == "waiting").order_by(RoundJob.id).limit(1)
            job = session.scalar(waiting.with_for_update(skip_locked=True))
            if job is None:
                return None
            lifecycles.move(RUN, job, "running")
            job.started_at, job.lease_until = now, now + LEASE
            return job.id

    def _one(self, job_id: int) -> None:
        with self._database.read() as session:
            job = session.get_one(RoundJob, job_id)
            slug = session.get_one(Call, job.call_id).slug
        acting = Actor(job.person_id, platform_roles=frozenset({"operator"}), scopes=frozenset({"platform:admin"}))
        watch = _Watching(self, job_id)
        try:
            if job.kind == "compare":
                prepared, _ = self._rounds.prepare(acting, slug)
                self._end(job_id, "done", result=comparing.compare(prepared, job.seconds, watch))
            else:
                made = self._rounds.compute(acting, slug, job.seconds, watch)
                self._end(job_id, "done", revision=made.revision)
        except GopsError as refused:
            self._end(job_id, "failed", reason=f"{refused.code}: {refused.message}")
        except Exception:
            self._end(job_id, "failed", reason="internal: an unforeseen failure; it stands in the log")
            raise

    def _end(self, job_id: int, state: str, **facts: Any) -> None:
        """A run that was cancelled meanwhile stays so."""
        with self._database.write() as session:
            job = session.get_one(RoundJob, job_id, with_for_update=True)
            if job.state != "running":
                return
            lifecycles.move(RUN, job, state)
            job.ended_at, job.lease_until = self._clock.micros(), None
            for name, value in facts.items():
                setattr(job, name, value)

    def look(self, job_id: int, progress: Progress) -> bool:
        """Write how far a run is, renew its lease, and say whether it shall go on."""
        with self._database.write() as session:
            job = session.get_one(RoundJob, job_id, with_for_update=True)
            if job.state != "running":
                return False
            if self._stopping.is_set():
                lifecycles.move(RUN, job, "waiting")
                job.lease_until = None
                return False
            again = {"begun_again": True} if "begun_again" in job.progress else {}
            job.progress = {**again, **progress.document}
            job.lease_until = self._clock.micros() + LEASE
        return True


class _Watching:
    """Looks at the row now and then, however often it is asked."""

    def __init__(self, jobs: RoundJobs, job_id: int) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._next = 0.0

    def __call__(self, progress: Progress) -> bool:
        if not progress.is_over and progress.seconds * 1_000_000 < self._next:
            return True
        self._next = progress.seconds * 1_000_000 + LOOK
        return self._jobs.look(self._job_id, progress)


def _found(session: Session, actor: Actor, call_slug: str, job_id: int) -> RoundJob:
    call = visibility.call(session, actor, call_slug)
    job = session.get(RoundJob, job_id) if is_id(job_id) else None
    if job is None or job.call_id != call.id:
        raise missing("run")
    return job
