"""News and revisions of datasets that are old are forgotten, so that they do not grow for ever; what is cited stays.

Of news the last piece of each dataset stays, and what a webhook has still to be told. Of revisions stay the first and
the present one of each dataset, and those that held when a snapshot was frozen or came with a state of a file: who
cites these finds what was said of them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import aliased

from gops import logs
from gops.catalog.filed.model import DatasetFile
from gops.catalog.history.model import DatasetNews, DatasetRevision
from gops.catalog.hooks.model import HookDelivery
from gops.catalog.model import Snapshot
from gops.clock import DAY, Clock
from gops.records.database import Database
from gops.settings import Settings

AT_ONCE = 1_000  # rows in one unit
log = logs.get(__name__)


class Forgetting:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._days = settings.history_days

    def run(self) -> tuple[int, int]:
        """How many pieces of news and revisions were removed, of those beyond the setting history_days."""
        if not self._days:
            return 0, 0
        oldest = self._clock.micros() - self._days * DAY
        news = self._remove(DatasetNews, old_news(oldest))
        revisions = self._remove(DatasetRevision, old_revisions(oldest))
        if news or revisions:
            log.info("history_forgotten", news=news, revisions=revisions)
        return news, revisions

    def _remove(self, table: type[DatasetNews | DatasetRevision], old: Select[Any]) -> int:
        removed = 0
        while True:
            with self._database.write() as session:
                ids = session.scalars(old.limit(AT_ONCE)).all()
                if ids:
                    session.execute(delete(table).where(table.id.in_(ids)))
            removed += len(ids)
            if len(ids) < AT_ONCE:
                return removed


def old_news(oldest: int) -> Select[Any]:
    """Ids of news before ``oldest`` that may go."""
    later = aliased(DatasetNews)
    has_later = select(later.id).where(later.dataset_id == DatasetNews.dataset_id, later.id > DatasetNews.id).exists()
    told = select(HookDelivery.id).where(HookDelivery.news_id == DatasetNews.id).exists()
    return select(DatasetNews.id).where(DatasetNews.at < oldest, has_later, ~told).order_by(DatasetNews.id)


def old_revisions(oldest: int) -> Select[Any]:
    """Ids of revisions that held until before ``oldest`` and may go."""
    own: dict[str, Any] = {"partition_by": DatasetRevision.dataset_id, "order_by": DatasetRevision.number}
    held = select(
        DatasetRevision.id,
        DatasetRevision.dataset_id,
        DatasetRevision.at,
        func.lag(DatasetRevision.at).over(**own).label("before"),
        func.lead(DatasetRevision.at).over(**own).label("until"),
        func.row_number().over(**own).label("place"),
    ).subquery()
    frozen = select(Snapshot.id).where(
        Snapshot.dataset_id == held.c.dataset_id, Snapshot.frozen_at >= held.c.at, Snapshot.frozen_at < held.c.until
    )
    filed = select(DatasetFile.id).where(  # a state is entered just before its revision
        DatasetFile.dataset_id == held.c.dataset_id, DatasetFile.at > held.c.before, DatasetFile.at <= held.c.at
    )
    cited = or_(frozen.exists(), filed.exists())
    return select(held.c.id).where(held.c.until < oldest, held.c.place > 1, ~cited).order_by(held.c.id)
