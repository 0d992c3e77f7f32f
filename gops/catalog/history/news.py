"""News of datasets: what their readers may want to hear of. Written in the unit that makes it true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.catalog import lookup
from gops.catalog.history.model import DatasetNews
from gops.catalog.model import Dataset
from gops.permissions import missing
from gops.records import events
from gops.records.database import Database, serialise

PUBLISHED, REVISED, SNAPSHOT, DEPRECATED, WITHDRAWN = KINDS = (
    "published",
    "revised",
    "snapshot",
    "deprecated",
    "withdrawn",
)
EVENT = "dataset.news"


@dataclass(frozen=True, slots=True)
class News:
    """One piece, with the publisher and the slug that the dataset has now."""

    row: DatasetNews
    slug: str
    publisher: Organisation

    @property
    def id(self) -> int:
        return self.row.id


def add(session: Session, dataset: Dataset, what: str, at: int, number: int, note: str = "") -> DatasetNews:
    """Tell that; the event makes webhooks hear of it."""
    serialise(session, "event")  # before it gets its id: readers go on from the last one they saw
    made = DatasetNews(
        dataset_id=dataset.id, publisher_id=dataset.organisation_id, what=what, at=at, number=number,
        slug=dataset.slug, title_ko=dataset.title_ko, title_en=dataset.title_en, note=note,
    )  # fmt: skip
    session.add(made)
    session.flush()
    events.append(session, at, EVENT, news=made.id, dataset=dataset.id)
    return made


@cache
def _newest(of_one: bool, is_before: bool) -> Select[DatasetNews, str, Organisation]:
    """Made once: to build it takes as long as to execute it."""
    query = select(DatasetNews, Dataset.slug, Organisation).join(Dataset, Dataset.id == DatasetNews.dataset_id)
    query = query.join(Organisation, Organisation.id == DatasetNews.publisher_id)
    if of_one:
        query = query.where(DatasetNews.dataset_id == bindparam("dataset"))
    if is_before:
        query = query.where(DatasetNews.id < bindparam("before"))
    return query.order_by(DatasetNews.id.desc()).limit(bindparam("most"))


class Feed:
    """What feeds show, the newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, before: int | None = None, limit: int = 50, slug: str | None = None) -> Sequence[News]:
        """Of all datasets or of one, withdrawn ones too: that they were is news. Raises ``NotFound``."""
        with self._database.read() as session:
            of = {} if slug is None else {"dataset": self._told(session, slug).id}
            behind = {} if before is None else {"before": before}
            query = _newest(slug is not None, before is not None)
            rows = session.execute(query, {**of, **behind, "most": limit}).all()
        return [News(*row) for row in rows]

    def dataset(self, slug: str) -> Dataset:
        """A dataset that there is news of. Raises ``NotFound``."""
        with self._database.read() as session:
            return self._told(session, slug)

    def _told(self, session: Session, slug: str) -> Dataset:
        """One that was public at some time."""
        found = lookup.find(session, slug)
        if found is None or found.published_at is None:
            raise missing(lookup.NOUN)
        return found
