"""Runs of harvesting: what is due is claimed, read, judged and applied, and the run says what came of it.

A claim ends by itself, so that what a killed process had claimed is harvested again. Whatever a source does, its run
ends with a code and the next source has its turn.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from gops import logs
from gops.catalog.harvest.applying import NAME, Applying, Counts
from gops.catalog.harvest.model import HarvestItem, HarvestRun, HarvestSource
from gops.catalog.harvest.reading import Asked, Catalogue, Reading
from gops.clock import HOUR, MINUTE, SECOND, Clock
from gops.errors import GopsError
from gops.jobs import Jobs
from gops.outbound import Outbound
from gops.permissions import ANONYMOUS
from gops.records import audit
from gops.records.database import Database, serialise
from gops.settings import Settings

JOB = "harvests"
LOOK_SECONDS = 30.0
RUNS_KEPT = 100  # of a source
REFUSALS_KEPT = 100  # of a run, with their reasons
CLAIM_MORE = 30 * MINUTE  # to write what was read
JITTER = 0.05  # of the time to the next run, so that sources of one hour do not stay together
NOTE_LENGTH = 500
log = logs.get(__name__)


@dataclass(frozen=True)
class Claim:
    source: HarvestSource
    run: int
    believe: bool


class Harvester:
    """``run`` in a job, as ``schedule`` arranges."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        outbound: Outbound,
        stopping: threading.Event | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._reading = Reading(outbound, settings)
        self._applying = Applying(database, clock, settings)
        self._stopping = stopping or threading.Event()
        self._chance = random.SystemRandom()

    @classmethod
    def of(cls, database: Database, clock: Clock, settings: Settings, stopping: threading.Event) -> Harvester:
        return cls(database, clock, settings, Outbound.of(settings), stopping)

    def schedule(self, jobs: Jobs) -> None:
        jobs.every(JOB, LOOK_SECONDS, self.run)

    def run(self) -> int:
        """End what was deleted and harvest what is due; how many sources were harvested."""
        with self._database.read() as session:
            ended = session.scalars(select(HarvestSource).where(HarvestSource.ended_at.is_not(None))).all()
        for source in ended:
            self._applying.end(source)
        done = 0
        while not self._stopping.is_set() and (claim := self._claim()) is not None:
            self._harvest(claim)
            done += 1
        return done

    def _claim(self) -> Claim | None:
        now = self._clock.micros()
        free = or_(HarvestSource.claimed_until.is_(None), HarvestSource.claimed_until < now)
        due = select(HarvestSource.id).where(HarvestSource.enabled, HarvestSource.next_at <= now, free)
        due = due.order_by(HarvestSource.next_at, HarvestSource.id).limit(1)
        with self._database.read() as session:
            if session.scalar(due) is None:
                return None
        with self._database.write() as session:
            serialise(session, NAME)
            one = session.scalar(due)
            if one is None:
                return None
            source = session.get_one(HarvestSource, one)
            _end_lost(session, source, now)
            source.claimed_until = now + self._settings.harvest_seconds * SECOND + CLAIM_MORE
            run = _new_run(source, now)
            session.add(run)
            session.flush()
            return Claim(source, run.id, source.believe)

    def _harvest(self, claim: Claim) -> None:
        source, read, counts = claim.source, Catalogue(), Counts()
        outcome, code, note = "failed", None, None
        try:
            read = self._reading.read(Asked(source.protocol, source.url, source.language, source.validators))
            outcome, code, note, counts = self._judge(claim, read)
        except GopsError as error:
            code, note = error.code, error.message
        except Exception:
            code, note = "internal", "GOPS failed; its log says how"
            log.exception("harvest_failed", source=source.id)
        self._end(claim, read, counts, outcome=outcome, code=code, note=note)

    def _judge(self, claim: Claim, read: Catalogue) -> tuple[str, str | None, str | None, Counts]:
        source, applying = claim.source, self._applying
        if read.unchanged:
            counts = Counts()
            seen = self._present(source)
            counts.unchanged = len(seen)
            applying.miss(source, seen, counts)
            return "unchanged", None, None, counts
        taken, counts = applying.sort_out(source, read.found, read.refused)
        seen = {one.identity for one in taken} | {one.identity for one in counts.refused}
        lost, standing = applying.loss(source, seen)
        most = self._settings.harvest_loss_percent
        if not claim.believe and lost * 100 > standing * most:
            note = f"{lost} of {standing} datasets are not there; more than {most} % is not believed"
            return "disbelieved", "lost_too_much", note, Counts(refused=counts.refused)
        applying.take(source, taken, counts)
        if not read.whole:
            return "done", "not_whole", "it gave fewer datasets than it counts; none counts as missing", counts
        applying.miss(source, seen, counts)
        return "done", None, None, counts

    def _present(self, source: HarvestSource) -> set[str]:
        own = HarvestItem.source_id == source.id, HarvestItem.missed == 0, HarvestItem.removed_at.is_(None)
        with self._database.read() as session:
            return set(session.scalars(select(HarvestItem.identity).where(*own)))

    def _end(self, claim: Claim, read: Catalogue, counts: Counts, *, outcome: str, code: Any, note: Any) -> None:
        now = self._clock.micros()
        with self._database.write() as session:
            serialise(session, NAME)
            run = session.get(HarvestRun, claim.run)
            source = session.get(HarvestSource, claim.source.id, with_for_update=True)
            if run is None or source is None:  # deleted meanwhile
                return
            run.outcome, run.ended_at, run.code, run.note = outcome, now, code, note and note[:NOTE_LENGTH]
            run.pages, run.found = read.pages, len(read.found) + len(read.refused)
            for name in ("added", "changed", "unchanged", "missing", "removed"):
                setattr(run, name, getattr(counts, name))
            run.refused = len(counts.refused)
            run.refusals = [one.document() for one in counts.refused[:REFUSALS_KEPT]]
            if outcome == "done" and _is_read_alike(source, claim.source):
                source.validators = read.validators
            source.claimed_until, source.believe = None, False
            hours = source.every_hours * HOUR
            source.next_at = now + hours + int(hours * JITTER * self._chance.random())
            _forget(session, source)
            detail = {"outcome": outcome, "added": counts.added, "changed": counts.changed, "removed": counts.removed}
            audit.record(session, now, ANONYMOUS, "harvest.run", NAME, source.id, source.organisation_id, **detail)
        say = log.info if outcome in ("done", "unchanged") else log.warning
        say("harvest", source=claim.source.id, outcome=outcome, code=code, **_numbers(counts))


def _is_read_alike(one: HarvestSource, other: HarvestSource) -> bool:
    """Was nothing changed meanwhile that says how it is read?"""
    return all(getattr(one, name) == getattr(other, name) for name in ("protocol", "url", "theme", "language"))


def _numbers(counts: Counts) -> dict[str, int]:
    names = ("added", "changed", "unchanged", "missing", "removed")
    return {name: getattr(counts, name) for name in names} | {"refused": len(counts.refused)}


def _new_run(source: HarvestSource, now: int) -> HarvestRun:
    names = ("pages", "found", "added", "changed", "unchanged", "missing", "removed", "refused")
    zeros: dict[str, Any] = dict.fromkeys(names, 0)
    return HarvestRun(source_id=source.id, outcome="running", began_at=now, refusals=[], **zeros)


def _end_lost(session: Session, source: HarvestSource, now: int) -> None:
    """Runs of a process that is no more."""
    running = HarvestRun.source_id == source.id, HarvestRun.outcome == "running"
    for run in session.scalars(select(HarvestRun).where(*running)):
        run.outcome, run.ended_at, run.code = "failed", now, "interrupted"


def _forget(session: Session, source: HarvestSource) -> None:
    own = select(HarvestRun.id).where(HarvestRun.source_id == source.id).order_by(HarvestRun.id.desc())
    last = session.scalar(own.offset(RUNS_KEPT).limit(1))
    if last is not None:
        session.execute(delete(HarvestRun).where(HarvestRun.source_id == source.id, HarvestRun.id <= last))
