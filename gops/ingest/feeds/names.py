"""What others may know of feeds: their names. ``compose`` gives it to the catalog, which knows no feeds."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.ingest.feeds.model import Feed


def feed_of(session: Session, organisation_id: int, slug: str) -> int | None:
    """The id of a feed of that organisation."""
    return session.scalar(select(Feed.id).where(Feed.organisation_id == organisation_id, Feed.slug == slug))


def feed_names(session: Session, ids: set[int]) -> Mapping[int, tuple[str, str]]:
    """Slug and name of feeds."""
    found = session.execute(select(Feed.id, Feed.slug, Feed.name).where(Feed.id.in_(ids)))
    return {one: (slug, name) for one, slug, name in found}
