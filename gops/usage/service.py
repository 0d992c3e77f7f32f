"""What was used, and what one may still use; with the thread that writes the counts."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, or_, select

from gops import logs
from gops.accounts.lookup import organisation
from gops.accounts.model import Organisation
from gops.catalog.lookup import visible
from gops.catalog.model import Dataset
from gops.clock import Clock
from gops.errors import Invalid, Unavailable
from gops.permissions import Actor
from gops.records.database import Database
from gops.settings import Settings
from gops.usage.days import Days
from gops.usage.model import UsageCount
from gops.usage.quotas import Quotas
from gops.usage.tally import Tally

FLUSH_SECONDS = 5.0
FORGET_EVERY = 720  # flushes: an hour
SPAN_DAYS = 366
By = Literal["day", "dataset", "publisher", "kind"]
log = logs.get(__name__)


@dataclass(frozen=True)
class Used:
    """``name`` is a day, a kind, or the slug of a dataset or an organisation."""

    name: str
    requests: int
    rows: int


@dataclass(frozen=True)
class Asked:
    """``start`` and ``end`` are days, ``end`` not in it."""

    by: By = "day"
    start: dt.date | None = None
    end: dt.date | None = None
    kind: str | None = None
    dataset: str | None = None
    publisher: str | None = None
    limit: int = 100


class Usage:
    """``quotas`` and ``tally`` count; ``report`` adds up what is written, which is a few seconds old."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._days = Days(clock, settings.zone)
        self.quotas = Quotas(database, clock, settings)
        self.tally = Tally(database, clock, settings)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)

    def report(self, actor: Actor, asked: Asked) -> Sequence[Used]:
        """Sums of public datasets, of the actor's own ones too, and of what is of no dataset; the most used first,
        days in order. Raises ``Invalid`` for a span that is too long, ``NotFound`` for an unknown publisher."""
        start, end = self._span(asked)
        with self._database.read() as session:
            home = organisation(session, asked.publisher).id if asked.publisher else None
            where = [UsageCount.day >= start, UsageCount.day < end, _seen(actor)]
            if home is not None:
                where.append(Dataset.organisation_id == home)
            if asked.dataset is not None:
                where.append(Dataset.slug == asked.dataset)
            if asked.kind is not None:
                where.append(UsageCount.kind == asked.kind)
            return [Used(*row) for row in session.execute(_summed(asked).where(*where))]

    def _span(self, asked: Asked) -> tuple[str, str]:
        end = asked.end or dt.date.fromisoformat(self._days.today().name) + dt.timedelta(days=1)
        start = asked.start or end - dt.timedelta(days=30)
        if not dt.timedelta(0) <= end - start <= dt.timedelta(days=SPAN_DAYS):
            raise Invalid(
                "not a span of days that is added up",
                field="from",
                found=f"{start} to {end}",
                expected=f"at most {SPAN_DAYS} days, from before to",
            )
        return start.isoformat(), end.isoformat()

    def flush(self) -> None:
        """Raises ``Unavailable``."""
        self.tally.flush()
        self.quotas.flush()

    def forget_old(self) -> None:
        self.tally.forget_old()
        self.quotas.forget_old()

    def start(self) -> None:
        """Write every few seconds, in a thread of its own: also in a process that has no other jobs."""
        self._thread.start()

    def close(self) -> None:
        """Write what is collected, if the records let it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._written(self.flush)

    def _run(self) -> None:
        turn = 0
        while not self._stopping.wait(FLUSH_SECONDS):
            self._written(self.flush)
            if turn % FORGET_EVERY == 0:
                self._written(self.forget_old)
            turn += 1

    def _written(self, act: Any) -> None:
        try:
            act()
        except Unavailable as error:
            log.warning("usage_not_written", reason=error.message)


def _seen(actor: Actor) -> ColumnElement[bool]:
    return or_(UsageCount.dataset_id == 0, visible(actor))


def _summed(asked: Asked) -> Select[Any]:
    names: Any = {
        "day": UsageCount.day,
        "kind": UsageCount.kind,
        "dataset": Dataset.slug,
        "publisher": Organisation.slug,
    }
    name = names[asked.by]
    requests, rows = func.sum(UsageCount.requests), func.sum(UsageCount.rows)
    query = (
        select(name, requests, rows)
        .select_from(UsageCount)
        .outerjoin(Dataset, Dataset.id == UsageCount.dataset_id)
        .outerjoin(Organisation, Organisation.id == Dataset.organisation_id)
        .where(name.is_not(None))
        .group_by(name)
    )
    order = (name,) if asked.by == "day" else (requests.desc(), name)
    return query.order_by(*order).limit(max(asked.limit, SPAN_DAYS) if asked.by == "day" else asked.limit)
