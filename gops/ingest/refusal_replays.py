"""Replays of refusals: what was refused is read again after a feed or a mapping was mended.

Its readings are written in mode ``keep``: they fill gaps and undo no correction. What is still refused stays, with the
reason of today; what is taken is marked as settled. Few are done at once; for many there is a row that says how far it
is, and whoever runs it renews its lease with every batch. Every batch may be done twice.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from gops import logs
from gops.clock import SECOND, Clock
from gops.errors import GopsError, Invalid
from gops.ingest.mapping import Limits
from gops.ingest.model import Refusal, RefusalCount, RefusalReplay
from gops.ingest.refusal_groups import plain
from gops.ingest.refusal_reading import ReadAnew, Reader, messages_of
from gops.ingest.refusal_selection import Wanted
from gops.ingest.refusals import Refusals, Report
from gops.ingest.sources import Route
from gops.jobs import Jobs
from gops.permissions import Actor, missing, require
from gops.records import audit
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.settings import Settings
from gops.store.port import Store

AT_ONCE = 200  # refusals that are replayed before the answer; more of them are a run
TOGETHER = 200  # in one batch
LEASE = 120 * SECOND
NAME = "replays of refusals"
EVERY_SECONDS = 5.0
COUNTED = ("inserted", "replaced", "unchanged", "kept")
ENDED = ("done", "failed")
Told = Callable[[RefusalReplay], None]
log = logs.get(__name__)


class RefusalReplays:
    def __init__(
        self, database: Database, clock: Clock, settings: Settings, store: Store, refusals: Refusals, route: Route
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store
        self._refusals = refusals
        self._route = route
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, jobs: Jobs) -> None:
        """Runs that wait are taken from now on; when the scheduler stops, what runs waits for the next process."""
        self._stopping = jobs.stopping
        jobs.every(NAME, EVERY_SECONDS, self._begin, at_once=True)

    def order(
        self,
        actor: Actor,
        organisation_id: int,
        wanted: Wanted,
        *,
        at_once: int = AT_ONCE,
        told: Told = lambda _row: None,
    ) -> RefusalReplay:
        """Replay open refusals. One that has more than ``at_once`` of them is waiting when this returns;
        else it is done, and ``told`` how far it was after each batch.

        Raises ``Invalid`` (``nothing_named`` for a selection of all), ``NotFound`` where a named one is not there.
        """
        require(actor, "refusal.replay", organisation_id)
        wanted.check()
        if wanted == Wanted():
            raise Invalid(
                "nothing says which refusals",
                code="nothing_named",
                field="ids",
                expected="ids, feed, device, code, ...",
            )
        with self._database.write() as session:
            mine = wanted.conditions(organisation_id)
            count, upto = session.execute(select(func.count(), func.max(Refusal.id)).where(*mine)).one()
            if wanted.ids and count < len(set(wanted.ids)):
                raise missing("refusal")
            now = self._clock.micros()
            is_run = count > at_once
            counts = self._only_counted(session, wanted, organisation_id)
            made = RefusalReplay(
                organisation_id=organisation_id, person_id=actor.person_id, wanted=wanted.document(), upto=upto or 0,
                state="waiting" if is_run else "running", refusals=count, counts=counts, reason="", begun_at=now,
                lease_until=None if is_run else now + LEASE,
            )  # fmt: skip
            session.add(made)
            session.flush()
            detail = {"refusals": count, **made.wanted}
            audit.record(session, now, actor, "refusal.replay", "refusal_replay", made.id, organisation_id, **detail)
        return made if is_run else self._run(made.id, told)

    def _only_counted(self, session: Session, wanted: Wanted, organisation_id: int) -> dict[str, int]:
        """How many like ones were counted and not kept, of those that are meant by more than their ids."""
        if wanted.ids:
            return {}
        most = self._settings.refusal_kept_per_hour
        query = select(func.sum(RefusalCount.total - most)).where(RefusalCount.total > most)
        beyond = session.scalar(query.where(*wanted.groups(organisation_id))) or 0
        return {"unread_counted": int(beyond)} if beyond else {}

    def get(self, actor: Actor, replay_id: int) -> RefusalReplay:
        with self._database.read() as session:
            found = session.get(RefusalReplay, replay_id) if is_id(replay_id) else None
            if found is None:
                raise missing("replay")
            require(actor, "refusal.read", found.organisation_id, hidden="replay")
            return found

    def list(self, actor: Actor, organisation_id: int, after: int = 0, limit: int = 100) -> Sequence[RefusalReplay]:
        require(actor, "refusal.read", organisation_id)
        query = select(RefusalReplay).where(RefusalReplay.organisation_id == organisation_id)
        with self._database.read() as session:
            return session.scalars(page(query, RefusalReplay.id, after, limit)).all()

    def run(self) -> int:
        """All that wait, the oldest first; how many there were."""
        done = 0
        while not self._stopping.is_set() and (replay_id := self._take()) is not None:
            self._run(replay_id)
            done += 1
        return done

    def _begin(self) -> None:
        """In a thread of its own: a run may last longer than the scheduler's others may wait."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run_all, name="refusal-replays", daemon=True)
            self._thread.start()

    def _run_all(self) -> None:
        try:
            self.run()
        except Exception:  # the next round tries again what waits still
            log.exception("refusal_replays_failed")

    def _take(self) -> int | None:
        """The oldest that waits, or whose process died."""
        now = self._clock.micros()
        row = RefusalReplay
        free = or_(row.state == "waiting", (row.state == "running") & (row.lease_until < now))
        with self._database.write() as session:
            found = session.scalar(select(row).where(free).order_by(row.id).limit(1).with_for_update(skip_locked=True))
            if found is None:
                return None
            found.state, found.lease_until = "running", now + LEASE
            return found.id

    def _run(self, replay_id: int, told: Told = lambda _row: None) -> RefusalReplay:
        """To its end. Raises what made it fail."""
        try:
            while (row := self._batch(replay_id)).state == "running":
                told(row)
                if self._stopping.is_set():
                    return self._note(replay_id, state="waiting", lease_until=None)
        except GopsError as error:
            self._note(replay_id, state="failed", reason=f"{error.code}: {error.message}"[:500], ended=True)
            raise
        except Exception:
            self._note(replay_id, state="failed", reason="internal: the log says more", ended=True)
            raise
        return row

    def _batch(self, replay_id: int) -> RefusalReplay:
        with self._database.read() as session:
            row = session.get_one(RefusalReplay, replay_id)
            untried = or_(Refusal.tried_at.is_(None), Refusal.tried_at < row.begun_at)
            mine = (*Wanted.of(row.wanted).conditions(row.organisation_id), Refusal.id <= row.upto, untried)
            messages = messages_of(session, mine, TOGETHER)
        if not messages:
            return self._note(replay_id, state="done", ended=True)
        limits = Limits.of(self._settings, self._store.capabilities)
        found = Reader(self._database, self._settings, self._route, limits, row.organisation_id).read(messages)
        self._refusals.record(found.fresh)
        now = max(self._clock.micros(), row.begun_at)  # else a clock set back would never come to an end
        self._restate(found, now)
        counts = self._write(found)
        return self._settle(replay_id, found, counts, now)

    def _restate(self, found: ReadAnew, now: int) -> None:
        with self._database.write() as session:
            for refusal, report in found.still:
                session.execute(
                    update(Refusal).where(Refusal.id == refusal.id).values(**_restated(report), tried_at=now)
                )

    def _write(self, found: ReadAnew) -> Counter[str]:
        """Readings fill gaps only, also of messages that came fresh. What the store cannot count is ``untold``."""
        table = pa.concat_tables([*(part.table() for part in found.batch.parts.values()), *found.tables])
        counts: Counter[str] = Counter(readings=table.num_rows)
        if table.num_rows:
            receipt = self._store.write(table, "keep")
            for name in COUNTED:
                count = getattr(receipt, name)
                counts[f"untold_{name}" if count is None else name] += 1 if count is None else count
        return counts

    def _settle(self, replay_id: int, found: ReadAnew, counts: Counter[str], now: int) -> RefusalReplay:
        unread = [one.id for many in found.unread.values() for one in many]
        with self._database.write() as session:
            settled = [one.id for one in found.settled]
            _mark(session, settled, settled_at=now, tried_at=now)
            _mark(session, unread, tried_at=now)
            row = session.get_one(RefusalReplay, replay_id, with_for_update=True)
            counts.update(messages=found.messages, settled=len(settled), still=len(found.still), fresh=len(found.fresh))
            counts.update({f"unread_{why}": len(many) for why, many in found.unread.items()})
            row.counts = dict(Counter(row.counts) + counts)
            row.lease_until = self._clock.micros() + LEASE
        return row

    def _note(self, replay_id: int, *, ended: bool = False, **facts: Any) -> RefusalReplay:
        with self._database.write() as session:
            row = session.get_one(RefusalReplay, replay_id, with_for_update=True)
            for name, value in facts.items():
                setattr(row, name, value)
            if ended:
                row.ended_at, row.lease_until = self._clock.micros(), None
        return row


def _restated(report: Report) -> Mapping[str, Any]:
    refused = report.refused
    return {
        "code": refused.code,
        "field": None if refused.field is None else plain(refused.field, 64),
        "place": plain(refused.place, 200),
        "note": plain(refused.note, 500),
        "revision": report.revision,
    }


def _mark(session: Session, ids: Sequence[int], **facts: Any) -> None:
    if ids:
        session.execute(update(Refusal).where(Refusal.id.in_(ids)).values(**facts))
