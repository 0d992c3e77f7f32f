"""Old news and revisions go, what is cited stays: the same on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from gops.catalog.datasets import new_draft
from gops.catalog.filed.model import DatasetFile
from gops.catalog.history.forgetting import Forgetting
from gops.catalog.history.model import DatasetNews, DatasetRevision
from gops.catalog.history.news import add
from gops.catalog.model import FILES, Dataset, Snapshot
from gops.clock import DAY, FixedClock
from gops.records.database import Database
from gops.settings import Settings
from tests.conftest import People

ZEROS = {"attempts": 0, "rows_done": 0, "rows_expected": 0, "bytes": 0, "manifest_bytes": 0}


class Past:
    """Datasets with one revision and one piece of news a day, from day 0 of the clock on."""

    def __init__(self, database: Database, clock: FixedClock, settings: Settings, people: People) -> None:
        self.database, self.clock, self.begin = database, clock, clock.micros()
        self.home = people.organisation().id
        self.settings = settings

    def dataset(self, slug: str, days: int) -> int:
        with self.database.write() as session:
            made = new_draft(self.begin, self.home, slug, FILES, title_ko=slug)
            session.add(made)
            session.flush()
            for day in range(days):
                at = self.begin + day * DAY
                add(session, made, "revised", at, day + 1)
                row = DatasetRevision(dataset_id=made.id, number=day + 1, at=at, document={"day": day})
                session.add(row)
            return made.id

    def forget(self, days: int) -> tuple[int, int]:
        return Forgetting(self.database, self.clock, replace(self.settings, history_days=days)).run()

    def kept(self, one: int) -> tuple[list[int], list[int]]:
        """Numbers of news and of revisions."""
        with self.database.read() as session:
            news = select(DatasetNews.number).where(DatasetNews.dataset_id == one).order_by(DatasetNews.id)
            said = select(DatasetRevision.number).where(DatasetRevision.dataset_id == one).order_by(DatasetRevision.id)
            return list(session.scalars(news)), list(session.scalars(said))


@pytest.fixture
def past(
    either_database: Database, clock: FixedClock, settings: Settings, people_of: Callable[[Database], People]
) -> Past:
    return Past(either_database, clock, settings, people_of(either_database))


def test_what_is_old_goes_and_what_is_cited_stays(past: Past) -> None:
    one, other = past.dataset("one", 10), past.dataset("other", 1)
    with past.database.write() as session:
        frozen = past.begin + 2 * DAY + 5
        session.add(Snapshot(dataset_id=one, number=1, state="complete", asked_at=frozen, frozen_at=frozen,
                             not_before=frozen, **ZEROS))  # fmt: skip
        session.add(DatasetFile(dataset_id=one, name="a.csv", number=1, form="csv", sha256="0" * 64, bytes=1, rows=1,
                                table_sha256="1" * 64, table_bytes=1, encoding="utf-8", columns=[],
                                at=past.begin + 4 * DAY - 1))  # fmt: skip
    past.clock.move(days=10)
    assert past.forget(0) == (0, 0)
    assert past.forget(3) == (7, 3)
    assert past.kept(one) == ([8, 9, 10], [1, 3, 5, 7, 8, 9, 10])
    assert past.kept(other) == ([1], [1])
    assert past.forget(3) == (0, 0)
    past.clock.move(days=100)
    assert past.forget(3) == (2, 3)
    assert past.kept(one) == ([10], [1, 3, 5, 10])


def test_what_a_webhook_is_told_stays(past: Past) -> None:
    from gops.catalog.hooks.model import DatasetHook, HookDelivery

    one = past.dataset("one", 3)
    with past.database.write() as session:
        first = session.scalars(select(DatasetNews).order_by(DatasetNews.id)).first()
        hook = DatasetHook(organisation_id=past.home, address="https://a.example", secret="s", events=[], heard=0,
                           created_at=past.begin)  # fmt: skip
        session.add(hook)
        session.flush()
        assert first is not None
        session.add(HookDelivery(hook_id=hook.id, news_id=first.id, state="waiting", attempts=0, begun_at=past.begin,
                                 next_at=past.begin))  # fmt: skip
    past.clock.move(days=30)
    past.forget(1)
    assert past.kept(one)[0] == [1, 3]
    with past.database.read() as session:
        assert session.get_one(Dataset, one).slug == "one"
