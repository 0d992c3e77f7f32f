"""Clocks of the testbed: what happens by itself when its time has come, told 7, 3 and 1 days before.

A ``TestbedClock`` says what it waits for and what it does then; ``clock_table`` lists them all. ``Clocks.advance`` is
run by a job: it acts on what is due and writes an event ``clock.near`` for what comes near. Whatever moves a deadline
needs to do nothing here: another moment is announced anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gops import logs
from gops.clock import DAY, Clock
from gops.records import events
from gops.records.base import Base, Id, Micros, table_args
from gops.records.database import Database, serialise
from gops.testbed import nearing

ANNOUNCED = (7, 3, 1)
AT_ONCE = 1000  # subjects of one clock in one run; the next run, seconds later, goes on
NEAR = "clock.near"
TOLD_AT_ONCE = 200  # announcements of one clock in one run: others wait for the records meanwhile
Act = Callable[[Session, int, int], bool]
"""(session, id of the subject, now) in a write unit: take hold of the subject, look again whether it is due, change it,
note it. Was there anything to do?"""
log = logs.get(__name__)


@dataclass(frozen=True)
class TestbedClock:
    """One row of the table.

    ``name``: {noun}.{what happens}. ``noun`` is what the ids of ``waiting`` are of. ``waiting``: of everything for
    which the clock runs its id and the moment it is due, in microseconds, labelled ``subject`` and ``due_at``.
    ``act`` None: only announced, as for people who should do something until then. ``lasts`` and ``then`` say in
    words, for the documentation, how long it runs by default and what it does.
    """

    __test__ = False  # no class of tests, whatever its name begins with

    name: str
    noun: str
    waiting: Callable[[], Select[Any]]
    lasts: str
    then: str
    act: Act | None = None
    announced: Sequence[int] = ANNOUNCED


class ClockTold(Base):
    """An announcement that was made: of a clock, for a subject and a moment, so many days before."""

    __tablename__ = "clock_told"
    __table_args__ = table_args(UniqueConstraint("clock", "subject_id", "due_at", "days"))
    id: Mapped[Id]
    clock: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[Micros]
    days: Mapped[int] = mapped_column(BigInteger)


class Clocks:
    """``table``: every clock that runs, in the order in which they act."""

    def __init__(self, database: Database, clock: Clock, table: Sequence[TestbedClock]) -> None:
        self._database = database
        self._clock = clock
        self.table = table

    def advance(self) -> int:
        """Do what is due and announce what is near; how many subjects were changed.

        What fails for one subject is logged, keeps no other one waiting, and is tried again in the next run.
        """
        now = self._clock.micros()
        changed, failures = 0, []
        for one in self.table:
            for subject in self._due(one, now):
                try:
                    changed += self._act(one, subject, now)
                except Exception as error:  # noqa: BLE001 - the other clocks go on, and it is raised below
                    log.warning("clock_failed", clock=one.name, subject=subject, reason=str(error))
                    failures.append(error)
            self._announce(one, now)
        self._forget(now)
        if failures:
            raise failures[0]
        return changed

    def _due(self, one: TestbedClock, now: int) -> Sequence[int]:
        if one.act is None:
            return ()
        waiting = one.waiting().subquery()
        query = select(waiting.c.subject).where(waiting.c.due_at <= now)
        with self._database.read() as session:
            return session.scalars(query.order_by(waiting.c.due_at, waiting.c.subject).limit(AT_ONCE)).all()

    def _act(self, one: TestbedClock, subject: int, now: int) -> bool:
        assert one.act is not None
        with self._database.write() as session:
            return one.act(session, subject, now)

    def _announce(self, one: TestbedClock, now: int) -> None:
        """The nearest announcement of each that was not made yet; those of earlier days that were missed are not."""
        if not one.announced:
            return
        waiting = one.waiting().subquery()
        near = waiting.c.due_at.between(now + 1, now + max(one.announced) * DAY)
        query = select(waiting.c.subject, waiting.c.due_at).where(near)
        with self._database.read() as session:
            wanted = {(subject, due, _days(one, due - now)) for subject, due in session.execute(query)}
            wanted -= _told(session, one)
        if wanted:
            with self._database.write() as session:
                serialise(session, ClockTold.__tablename__)
                _tell(session, one, now, sorted(wanted - _told(session, one))[:TOLD_AT_ONCE])

    def _forget(self, now: int) -> None:
        past = ClockTold.due_at < now
        with self._database.read() as session:
            if session.scalar(select(ClockTold.id).where(past).limit(1)) is None:
                return
        with self._database.write() as session:
            session.execute(delete(ClockTold).where(past))


def _days(one: TestbedClock, left: int) -> int:
    return min(days for days in one.announced if left <= days * DAY)


def _told(session: Session, one: TestbedClock) -> set[tuple[int, int, int]]:
    query = select(ClockTold.subject_id, ClockTold.due_at, ClockTold.days).where(ClockTold.clock == one.name)
    return {(row.subject_id, row.due_at, row.days) for row in session.execute(query)}


def _tell(session: Session, one: TestbedClock, now: int, rows: Iterable[tuple[int, int, int]]) -> None:
    for subject, due, days in rows:
        session.add(ClockTold(clock=one.name, subject_id=subject, due_at=due, days=days))
        events.append(session, now, NEAR, clock=one.name, noun=one.noun, subject=subject, days=days, due_at=due)
        nearing.tell_near(session, now, one.name, one.noun, subject, days, due)
