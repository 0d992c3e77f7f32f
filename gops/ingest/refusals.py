"""What was refused: kept with its reason, counted when it repeats, shown to its owner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gops.clock import DAY, HOUR, Clock
from gops.errors import NotFound
from gops.ingest.model import PLATFORM, Refusal, RefusalCount, RefusedMessage
from gops.ingest.refusal_groups import Gathered, Group, Report, Source, crowded, fold, gather, plain
from gops.ingest.refusal_selection import Wanted
from gops.ingest.refusal_views import Raw, RefusalTotal, ShownRefusal, raw, shown
from gops.permissions import Actor, permits, require
from gops.records.database import Database, serialise
from gops.records.paging import is_id, page
from gops.settings import Settings

__all__ = ["Raw", "RefusalTotal", "Refusals", "Report", "ShownRefusal"]

ROWS_A_STATEMENT = 500  # of at most 7 columns each: SQLite takes 32,766 variables
EXPORTED, EXPORTED_TOGETHER = 100_000, 200  # of at most 16 kB each
KEY = (
    RefusalCount.organisation_id,
    RefusalCount.feed,
    RefusalCount.device,
    RefusalCount.code,
    RefusalCount.field,
)


class Refusals:
    """Bounds come from the settings ``refusal_*``. Several processes may record at once."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._hour = -1
        self._told_apart: dict[Source, int] = {}

    def record(self, reports: Sequence[Report]) -> None:
        """Keep the first like ones of this hour and count all, in one write unit."""
        if not reports:
            return
        now = self._clock.micros()
        hour = now - now % HOUR
        most = self._settings.refusal_kept_per_hour
        groups = gather(reports, most)
        with self._database.write() as session:
            serialise(session, "refusals")
            told_apart = self._groups_of(session, hour)
            groups = self._bounded(session, groups, told_apart, hour)
            totals = _count(session, groups, hour)
            kept = [
                report
                for group, gathered in groups.items()
                for report in gathered.first[: max(0, most - (totals[group] - gathered.total))]
            ]
            self._keep(session, kept, now)
        for group, gathered in groups.items():
            if totals[group] == gathered.total:  # it is new
                told_apart[group.source] = told_apart.get(group.source, 0) + 1
        self._hour, self._told_apart = hour, told_apart

    def list(
        self,
        actor: Actor,
        organisation_id: int,
        *,
        after: int = 0,
        limit: int = 100,
        settled: bool | None = False,
        **wanted: Any,
    ) -> Sequence[ShownRefusal]:
        """The kept ones of an organisation, without raw messages; ``wanted`` are members of ``Wanted``. ``settled``:
        those that a replay took in; None: these as well.

        Raises ``Invalid`` for an unknown code, ``Forbidden`` or ``Unauthenticated``.
        """
        require(actor, "refusal.read", organisation_id)
        asked = Wanted(**wanted)
        asked.check()
        query = select(Refusal, RefusedMessage.size).join(RefusedMessage)
        query = query.where(*asked.conditions(organisation_id, settled=settled))
        with self._database.read() as session:
            return [shown(refusal, size) for refusal, size in session.execute(page(query, Refusal.id, after, limit))]

    def export(
        self, actor: Actor, organisation_id: int, *, after: int = 0, most: int = EXPORTED, **wanted: Any
    ) -> Iterator[ShownRefusal]:
        """The same with their raw messages, ``most`` at most, read page after page as they are taken."""
        first = self.list(actor, organisation_id, after=after, limit=1, **wanted)  # what is wrong is raised at once

        def rows() -> Iterator[ShownRefusal]:
            last, left = after, most if first else 0
            while left > 0:
                page = self.list(actor, organisation_id, after=last, limit=min(left, EXPORTED_TOGETHER), **wanted)
                yield from self._with_raw(page)
                left = left - len(page) if page else 0
                last = page[-1].id if page else last

        return rows()

    def get(self, actor: Actor, refusal_id: int) -> ShownRefusal:
        """One of them with its raw message. ``NotFound`` also for whoever may not see it."""
        with self._database.read() as session:
            refusal = session.get(Refusal, refusal_id) if is_id(refusal_id) else None
            if refusal is None:
                raise NotFound("there is no such refusal, or none for you", field="refusal")
            require(actor, "refusal.read", refusal.organisation_id or None, hidden="refusal")
            message = session.get_one(RefusedMessage, refusal.digest)
            return shown(refusal, message.size, raw(message))

    def _with_raw(self, page: Sequence[ShownRefusal]) -> Iterator[ShownRefusal]:
        digests = {bytes.fromhex(one.digest) for one in page}
        with self._database.read() as session:
            found = session.scalars(select(RefusedMessage).where(RefusedMessage.digest.in_(digests)))
            messages = {one.digest.hex(): raw(one) for one in found}
        return (replace(one, raw=messages.get(one.digest)) for one in page)

    def counts(
        self,
        actor: Actor,
        organisation_id: int | None = None,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 1000,
    ) -> Sequence[RefusalTotal]:
        """How often what was refused, most frequent first; whole hours that begin in ``start <= hour < end``.

        Without an organisation those of all, which is for the platform's roles. Who may not read refusals gets
        neither devices nor fields.
        """
        require(actor, "refusal.count", organisation_id)
        reads = organisation_id is not None and permits(actor, "refusal.read", organisation_id)
        by = KEY if reads else (RefusalCount.organisation_id, RefusalCount.feed, RefusalCount.code)
        total = func.sum(RefusalCount.total)
        query = select(*by, total).group_by(*by).order_by(total.desc(), *by).limit(limit)
        if organisation_id is not None:
            query = query.where(RefusalCount.organisation_id == organisation_id)
        with self._database.read() as session:
            rows = session.execute(_within(query, RefusalCount.hour, start, end)).all()
        if reads:
            return [RefusalTotal(row[0], row[1], row[2], row[3], row[4], int(row[5])) for row in rows]
        return [RefusalTotal(row[0], row[1], None, row[2], None, int(row[3])) for row in rows]

    def forget_old(self) -> int:
        """Remove what is older than ``refusal_days``, in small units; how many kept refusals that were."""
        before = self._clock.micros() - self._settings.refusal_days * DAY
        removed = 0
        while True:
            with self._database.write() as session:
                serialise(session, "refusals")
                count = _forget(session, before)
            removed += count
            if count < ROWS_A_STATEMENT:
                return removed

    def _groups_of(self, session: Session, hour: int) -> dict[Source, int]:
        """How many groups each source has in this hour: remembered, or counted when an hour or the process begins."""
        if hour == self._hour:
            return self._told_apart
        found: dict[Source, int] = {}
        for row in session.execute(select(*KEY).where(RefusalCount.hour == hour)):
            source = Group(*row).source
            found[source] = found.get(source, 0) + 1
        return found

    def _bounded(
        self, session: Session, groups: dict[Group, Gathered], told_apart: dict[Source, int], hour: int
    ) -> dict[Group, Gathered]:
        bound = self._settings.refusal_groups_per_hour
        many = crowded(groups, told_apart, bound)
        if not many:
            return groups
        standing: set[Group] = set()
        for some in _chunks(many):
            found = select(*KEY).where(RefusalCount.hour == hour, tuple_(*KEY).in_([tuple(group) for group in some]))
            standing.update(Group(*row) for row in session.execute(found))
        return fold(groups, standing, told_apart, bound, self._settings.refusal_kept_per_hour)

    def _keep(self, session: Session, reports: Sequence[Report], now: int) -> None:
        wholes = {(one.raw, one.whole): one.whole or (sha256(one.raw).digest(), len(one.raw)) for one in reports}
        most = self._settings.refusal_raw_bytes
        messages = [{"digest": digest, "raw": raw[:most], "size": size} for (raw, _), (digest, size) in wholes.items()]
        for some in _chunks(messages):
            session.execute(_upsert(session, RefusedMessage).values(some).on_conflict_do_nothing())
        if reports:
            session.execute(insert(Refusal), [_row(one, wholes[one.raw, one.whole][0], now) for one in reports])


def _count(session: Session, groups: dict[Group, Gathered], hour: int) -> dict[Group, int]:
    """Add to the counts of the hour; the new total of each group."""
    totals: dict[Group, int] = {}
    for some in _chunks(list(groups)):
        rows = [{**group._asdict(), "hour": hour, "total": groups[group].total} for group in some]
        statement = _upsert(session, RefusalCount).values(rows)
        statement = statement.on_conflict_do_update(
            index_elements=["hour", *Group._fields],
            set_={"total": RefusalCount.total + statement.excluded.total},
        )
        for *key, total in session.execute(statement.returning(*KEY, RefusalCount.total)):
            totals[Group(*key)] = total
    return totals


def _upsert(session: Session, table: Any) -> Any:
    """An INSERT that can say what to do on conflict; both databases spell it alike, SQLAlchemy does not."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def _forget(session: Session, before: int) -> int:
    old = session.execute(
        select(Refusal.id, Refusal.digest).where(Refusal.at < before).order_by(Refusal.at).limit(ROWS_A_STATEMENT)
    ).all()
    session.execute(delete(Refusal).where(Refusal.id.in_([row.id for row in old])))
    used = exists().where(Refusal.digest == RefusedMessage.digest)
    mine = RefusedMessage.digest.in_({row.digest for row in old})
    session.execute(delete(RefusedMessage).where(mine, ~used))
    session.execute(delete(RefusalCount).where(RefusalCount.hour < before - HOUR))
    return len(old)


def _row(report: Report, digest: bytes, now: int) -> dict[str, Any]:
    refused = report.refused
    return {
        "at": now,
        "organisation_id": PLATFORM if report.organisation_id is None else report.organisation_id,
        "feed": plain(report.feed, 64),
        "device": plain(report.device, 130),
        "topic": plain(report.topic, 500),
        "code": refused.code,
        "field": None if refused.field is None else plain(refused.field, 64),
        "place": plain(refused.place, 200),
        "note": plain(refused.note, 500),
        "revision": report.revision,
        "digest": digest,
        "arrival": report.arrival,
    }


def _within(query: Any, column: Any, start: int | None, end: int | None) -> Any:
    if start is not None:
        query = query.where(column >= start)
    return query if end is None else query.where(column < end)


def _chunks(items: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return [items[first : first + ROWS_A_STATEMENT] for first in range(0, len(items), ROWS_A_STATEMENT)]
