"""Drafts that GOPS offers: one for each (organisation, feed) that has Datastreams. And rules that are followed.

``reconcile`` runs at the start, hourly, and soon after the registry has changed. It never publishes anything that the
publisher has not: a published dataset takes new Datastreams in only where it follows its rule.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from gops import logs
from gops.accounts.model import Organisation
from gops.catalog import selection
from gops.catalog.datasets import new_draft
from gops.catalog.exposing import expose, refresh
from gops.catalog.feeds import FeedNames
from gops.catalog.lookup import NOUN, find
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.selection import DIRECT, Rule
from gops.catalog.states import DRAFT, PUBLIC, WITHDRAWN, is_public
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.records.database import Database, serialise
from gops.records.events import Event
from gops.sensors.model import Datastream
from gops.sensors.publicity import set_public
from gops.settings import Settings

SLUG_LENGTH = 63
SLUGS_TRIED = 1000
log = logs.get(__name__)


class Drafts:
    """``reconcile``. ``handlers`` belong into the event pump; ``on_change`` says what they do."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, feed_names: FeedNames) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._feed_names = feed_names
        self._heard: Callable[[], None] = lambda: None
        self.handlers: dict[str, tuple[Callable[[Event], None], ...]] = {
            "datastream.changed": (self._changed,),
            "thing.changed": (self._changed,),
        }

    def on_change(self, tell: Callable[[], None]) -> None:
        """``tell`` is called when the registry has changed and ``reconcile`` would be of use."""
        self._heard = tell

    def _changed(self, _event: Event) -> None:
        self._heard()

    def reconcile(self) -> int:
        """Offer what is missing and have rules followed; how many datasets changed."""
        with self._database.read() as session:
            owners = session.scalars(select(Datastream.organisation_id).distinct()).all()
        return sum(self._reconcile(owner) for owner in sorted(owners))

    def _reconcile(self, owner: int) -> int:
        """One organisation, in a unit of its own."""
        with self._database.write() as session:
            serialise(session, NOUN)
            changed = self._offer(session, owner) + self._follow(session, owner) + self._succeed(session, owner)
            held = select(DatasetDatastream.datastream_id).join(Dataset)
            published = held.where(Dataset.organisation_id == owner, Dataset.state.in_(PUBLIC))
            ids = set(session.scalars(published))
            made_public = set_public(session, ids, True)  # whatever was done to one of them meanwhile
            refresh(session, ids if _holds_back(session, owner) else made_public)
        return changed

    def _offer(self, session: Session, owner: int) -> int:
        feeds = select(Datastream.feed_id).where(Datastream.organisation_id == owner).distinct()
        wanted = {_offer_of(feed): feed for feed in session.scalars(feeds)}
        there = set(session.scalars(select(Dataset.offer).where(Dataset.organisation_id == owner)))
        new = {offer: feed for offer, feed in wanted.items() if offer not in there}
        if not new:
            return 0
        names = self._feed_names(session, {feed for feed in new.values() if feed is not None})
        home = session.get_one(Organisation, owner)
        for offer, feed in sorted(new.items()):
            slug, name = (f"{home.slug}-devices", "") if feed is None else names.get(feed, (f"feed-{feed}", ""))
            self._add(session, home, offer, feed, slug, name)
        return len(new)

    def _add(self, session: Session, home: Organisation, offer: str, feed: int | None, slug: str, name: str) -> None:
        now = self._clock.micros()
        dataset = new_draft(
            now,
            home.id,
            _free_slug(session, slug, home.slug),
            title_ko=f"{home.name_ko} {name or '기기 측정 데이터'}"[:200],
            title_en=f"{home.name_en}: {'measurements of devices' if feed is None else slug}"[:200],
            contact_name=home.name_ko,
            offer=offer,
            rule=Rule(feed=feed or 0).document(),
        )
        session.add(dataset)
        session.flush()
        detail = {"slug": dataset.slug, "offer": offer}
        audit.record(session, now, ANONYMOUS, "dataset.offer", "dataset", dataset.id, home.id, **detail)
        events.append(session, now, "dataset.changed", dataset=dataset.id)

    def _follow(self, session: Session, owner: int) -> int:
        """Bring the selection of drafts, and of what follows its rule, up to date."""
        ruled = select(Dataset).where(Dataset.organisation_id == owner, Dataset.rule.is_not(None))
        moving = or_(Dataset.state == DRAFT, and_(Dataset.state.in_(PUBLIC), Dataset.follow))
        found = session.scalars(ruled.where(moving).order_by(Dataset.id).with_for_update())
        return sum(self._update(session, dataset) for dataset in found.all())

    def _update(self, session: Session, dataset: Dataset) -> bool:
        """A draft is what its rule says now; what is published only grows."""
        wanted = selection.matching(session, dataset.organisation_id, Rule.of(dataset.rule or {}))
        if is_public(dataset):
            wanted |= selection.members(session, dataset.id)
        try:
            added, gone = selection.put(session, self._settings, dataset, wanted)
        except Conflict as error:
            log.warning("dataset_full", dataset=dataset.slug, reason=error.message)
            return False
        if not (added or gone):
            return False
        self._changed_selection(session, dataset, added)
        return True

    def _succeed(self, session: Session, owner: int) -> int:
        """Where a Sensor was replaced, the Datastream that goes on belongs where the one that ended does."""
        new = aliased(Datastream)
        ended = Datastream.ended_at.is_not(None)
        goes_on = and_(
            new.thing_id == Datastream.thing_id,
            new.observed_property_id == Datastream.observed_property_id,
            new.created_at == Datastream.ended_at,
            new.id > Datastream.id,
        )
        held = select(DatasetDatastream.dataset_id, new.id).join_from(DatasetDatastream, Datastream)
        found = session.execute(held.join(new, goes_on).where(Datastream.organisation_id == owner, ended)).all()
        grown = 0
        for dataset_id in sorted({dataset_id for dataset_id, _ in found}):
            dataset = session.get_one(Dataset, dataset_id, with_for_update=True)
            there = selection.members(session, dataset_id)
            wanted = there | {one for holder, one in found if holder == dataset_id}
            if wanted != there and dataset.state != WITHDRAWN:
                added, _gone = selection.put(session, self._settings, dataset, wanted)
                self._changed_selection(session, dataset, added)
                grown += 1
        return grown

    def _changed_selection(self, session: Session, dataset: Dataset, added: set[int]) -> None:
        if is_public(dataset):
            expose(session, added)
        dataset.modified_at = self._clock.micros()
        dataset.revision += 1
        events.append(session, dataset.modified_at, "dataset.changed", dataset=dataset.id)


def _holds_back(session: Session, owner: int) -> bool:
    """Does a public dataset of that organisation show others less than all?"""
    terms = Dataset.start.is_not(None), Dataset.delay > 0, Dataset.location_decimals.is_not(None)
    some = or_(*terms, Dataset.suppress_below.is_not(None))
    query = select(Dataset.id).where(Dataset.organisation_id == owner, Dataset.state.in_(PUBLIC), some)
    return session.scalar(query.limit(1)) is not None


def _offer_of(feed: int | None) -> str:
    return DIRECT if feed is None else f"feed:{feed}"


def _free_slug(session: Session, wanted: str, home: str) -> str:
    """``wanted``, or what is nearest to it and was never another's."""
    for name in (wanted, f"{home}-{wanted}", *(f"{wanted}-{number}" for number in range(2, SLUGS_TRIED))):
        slug = name[:SLUG_LENGTH].strip("-")
        if find(session, slug) is None:
            return slug
    raise Conflict(f"no slug like {wanted} is free", code="slug_taken", field="slug", found=wanted)
