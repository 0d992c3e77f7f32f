"""Datasets as others see them: with their publisher, what is missing, and as facts for profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select

from gops.accounts.lookup import find_organisation
from gops.accounts.model import Organisation
from gops.catalog import metadata, stating
from gops.catalog.counting import Counts, count
from gops.catalog.facts import Agent, Bilingual, CatalogFacts
from gops.catalog.feeds import FeedNames
from gops.catalog.kept import Kept, kept
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.selection import DIRECT, Rule
from gops.catalog.states import PUBLIC
from gops.clock import Clock
from gops.permissions import missing
from gops.records.database import Database
from gops.records.paging import page
from gops.sensors import retention
from gops.settings import Settings
from gops.store.port import Store

DATASETS_A_PAGE = 1000  # of the catalog document
TITLE = Bilingual("GOPS 열린 데이터", "GOPS open data")
DESCRIPTION = Bilingual(
    "도시의 센서와 개방 데이터에서 온 측정값의 목록", "Measurements of cities, from their sensors and open-data feeds"
)
NOBODY = Bilingual("GOPS", "GOPS")


@dataclass(frozen=True, slots=True)
class DatasetView:
    """``rule`` names feeds by slug; ``missing`` is what keeps a draft from being published."""

    dataset: Dataset
    publisher: Organisation
    rule: Mapping[str, Any] | None
    missing: tuple[str, ...]
    datastreams: int
    kept: Kept


class Views:
    def __init__(
        self, database: Database, clock: Clock, settings: Settings, store: Store, feed_names: FeedNames
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store
        self._feed_names = feed_names

    def of(self, datasets: Sequence[Dataset]) -> list[DatasetView]:
        """In the same order."""
        with self._database.read() as session:
            owners = stating.owners(session, datasets)
            ids = [one.id for one in datasets]
            counted = select(DatasetDatastream.dataset_id, func.count()).group_by(DatasetDatastream.dataset_id)
            found = session.execute(counted.where(DatasetDatastream.dataset_id.in_(ids))).all()
            counts = {one: int(count) for one, count in found}
            feeds = {feed for one in datasets if (feed := (one.rule or {}).get("feed"))}
            names = self._feed_names(session, feeds) if feeds else {}
            held = kept(session, retention.Rule.of(self._settings), ids)
        return [
            DatasetView(
                one,
                owners[one.organisation_id],
                _shown_rule(one.rule, names),
                metadata.missing(one) if one.state not in PUBLIC else (),
                counts.get(one.id, 0),
                held[one.id],
            )
            for one in datasets
        ]

    def catalog(self, base: str, after: int = 0, suffix: str = "jsonld", limit: int | None = None) -> CatalogFacts:
        """A page of what is public. ``base`` is the public address of this GOPS, without a slash at its end;
        pages are linked under ``/catalog.{suffix}``."""
        limit, published = limit or DATASETS_A_PAGE, select(Dataset).where(Dataset.state.in_(PUBLIC))
        with self._database.read() as session:
            rows = session.scalars(page(published, Dataset.id, after, limit + 1)).all()
            total = session.scalar(select(func.count()).select_from(published.subquery()))
        shown, pages = rows[:limit], f"{base}/catalog.{suffix}"
        size = "" if limit == DATASETS_A_PAGE else f"&limit={limit}"
        following = f"{pages}?after={shown[-1].id}{size}" if len(rows) > len(shown) else None
        first = f"{pages}?{size[1:]}".rstrip("?") if following or after else None
        return replace(self.stated(base, shown), next_page=following, first_page=first, total=total)

    def stated(self, base: str, datasets: Sequence[Dataset]) -> CatalogFacts:
        """A catalog of these published datasets, in their order."""
        with self._database.read() as session:
            facts = stating.Stating(self._settings, self._store, self._clock.micros(), base).of(session, datasets)
            operator = find_organisation(session, self._settings.operator_slug)
        return CatalogFacts(
            iri=f"{base}/catalog.jsonld",
            home=f"{base}/",
            title=TITLE,
            description=DESCRIPTION,
            publisher=stating.agent(base, operator) if operator else Agent(f"{base}/", NOBODY),
            modified=max((one.modified_at for one in datasets), default=None),
            datasets=tuple(facts),
            service=stating.service(base),
        )

    def counts(self) -> Counts:
        with self._database.read() as session:
            return count(session)

    def newest(self, limit: int, offset: int) -> Sequence[Dataset]:
        """Published datasets, what changed last first."""
        query = select(Dataset).where(Dataset.state.in_(PUBLIC)).order_by(Dataset.modified_at.desc(), Dataset.id)
        with self._database.read() as session:
            return session.scalars(query.limit(limit).offset(offset)).all()

    def by_ids(self, ids: Sequence[int]) -> Sequence[Dataset]:
        """Those of these datasets that are public."""
        query = select(Dataset).where(Dataset.id.in_(ids), Dataset.state.in_(PUBLIC)).order_by(Dataset.id)
        with self._database.read() as session:
            return session.scalars(query).all()

    def slug(self, dataset_id: int) -> str:
        """Of a dataset in any state: who may see it is for others to say. Raises ``NotFound``."""
        with self._database.read() as session:
            found = session.get(Dataset, dataset_id)
        if found is None:
            raise missing("dataset")
        return found.slug

    def home(self, organisation_id: int) -> Organisation:
        """Raises ``NotFound``."""
        found = self.homes([organisation_id])
        if not found:
            raise missing("organisation")
        return found[0]

    def homes(self, ids: Sequence[int]) -> Sequence[Organisation]:
        """Organisations, in the order of their ids."""
        query = select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.id)
        with self._database.read() as session:
            return session.scalars(query).all()


def _shown_rule(rule: Mapping[str, Any] | None, names: Mapping[int, tuple[str, str]]) -> Mapping[str, Any] | None:
    """The rule as its publisher wrote it."""
    if rule is None:
        return None
    document = Rule.of(rule).document()
    if "feed" in document:
        feed = document["feed"]
        document["feed"] = names.get(feed, (f"feed-{feed}", ""))[0] if feed else DIRECT
    return document
