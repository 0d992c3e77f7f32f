"""Finding datasets by slug, present or former, and deciding who sees one."""

from __future__ import annotations

from functools import cache

from sqlalchemy import ColumnElement, Select, bindparam, false, or_, select
from sqlalchemy.orm import Session

from gops.accounts.checks import SLUG
from gops.accounts.model import FormerSlug
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.states import PUBLIC, WITHDRAWN
from gops.errors import Gone
from gops.permissions import Action, Actor, missing, permits, require

NOUN = "dataset"


def find(session: Session, slug: str, *, lock: bool = False) -> Dataset | None:
    """The dataset that has ``slug``, or had it before. ``lock`` keeps other write units from changing it."""
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        return None
    found = session.scalar(_by_slug(lock), {"slug": slug})
    return found if found is not None else session.scalar(_by_former_slug(lock), {"slug": slug})


@cache
def _by_slug(lock: bool) -> Select[Dataset]:
    """Made once: to build a statement anew takes as long as to execute it."""
    query = select(Dataset).where(Dataset.slug == bindparam("slug"))
    return query.with_for_update() if lock else query


@cache
def _by_former_slug(lock: bool) -> Select[Dataset]:
    former = select(FormerSlug.record_id).where(FormerSlug.noun == NOUN, FormerSlug.slug == bindparam("slug"))
    query = select(Dataset).where(Dataset.id.in_(former))
    return query.with_for_update() if lock else query


def readable(session: Session, actor: Actor, slug: str) -> Dataset:
    """A public dataset, or one of the actor's own in any state. Raises ``NotFound``; ``Gone`` for a withdrawn one."""
    dataset = find(session, slug)
    if dataset is None:
        raise missing(NOUN)
    if dataset.state == WITHDRAWN:
        raise gone(dataset)
    if dataset.state not in PUBLIC:
        require(actor, "dataset.read_private", dataset.organisation_id, hidden=NOUN)
    return dataset


def changeable(session: Session, actor: Actor, slug: str, action: Action = "dataset.publish") -> Dataset:
    """The dataset, locked, where the actor may do ``action``. Raises ``NotFound``, ``Forbidden``, ``Gone``."""
    dataset = find(session, slug, lock=True)
    if dataset is None:
        raise missing(NOUN)
    hidden = NOUN if dataset.state not in (*PUBLIC, WITHDRAWN) else None
    require(actor, action, dataset.organisation_id, hidden=hidden, shown_by="dataset.read_private")
    if dataset.state == WITHDRAWN:
        raise gone(dataset)
    return dataset


def visible(actor: Actor) -> ColumnElement[bool]:
    """The datasets that a list shows: public ones, and all of the actor's own organisation."""
    home = actor.organisation_id
    own = Dataset.organisation_id == home if permits(actor, "dataset.read_private", home) else false()
    return or_(Dataset.state.in_(PUBLIC), own)


def gone(dataset: Dataset) -> Gone:
    error = Gone(
        f"{dataset.slug} was withdrawn: {dataset.withdraw_reason}",
        code="withdrawn",
        field="dataset",
        found=dataset.slug,
    )
    error.extra = {"reason": dataset.withdraw_reason}
    return error


def published_in(session: Session, datastream: int) -> str | None:
    """The slug of a public dataset that holds the Datastream; of several the oldest."""
    query = select(Dataset.slug).join(DatasetDatastream).where(DatasetDatastream.datastream_id == datastream)
    return session.scalar(query.where(Dataset.state.in_(PUBLIC)).order_by(Dataset.id).limit(1))
