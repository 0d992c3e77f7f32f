"""A feed deleted: nothing comes in through it from now on.

What it brought stays: Things, Datastreams, readings, and its refusals. Its id is never given again; its slug is free.
"""

from __future__ import annotations

from sqlalchemy import delete

from gops.clock import Clock
from gops.errors import Conflict
from gops.ingest.feeds.model import FeedQuery, FeedRevision, FeedRun, FeedStation
from gops.ingest.feeds.service import changeable
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database

OF_IT = (FeedQuery, FeedRun, FeedStation, FeedRevision)


def delete_feed(database: Database, clock: Clock, actor: Actor, slug: str) -> None:
    """Raises ``Conflict`` (``feed_runs``) while it is pulled, ``NotFound``, ``Forbidden``."""
    now = clock.micros()
    with database.write() as session:
        feed = changeable(session, actor, slug, lock=True)
        if (feed.claimed_until or 0) > now:
            raise Conflict(f"{slug} is being pulled", code="feed_runs", field="slug", found=slug,
                           expected="a feed that does not run; try again when it is done")  # fmt: skip
        for table in OF_IT:
            session.execute(delete(table).where(table.feed_id == feed.id))
        detail = {"slug": feed.slug, "kind": feed.kind, "revision": feed.revision}
        audit.record(session, now, actor, "feed.delete", "feed", feed.id, feed.organisation_id, **detail)
        events.append(session, now, "feed.changed", feed=feed.id, organisation=feed.organisation_id)
        session.delete(feed)
