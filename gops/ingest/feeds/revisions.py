"""Revisions of feeds: each as it was declared, who did it and when."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from gops.ingest.feeds.model import Feed, FeedRevision
from gops.permissions import Actor

PULLED = ("adapter", "config", "minutes", "calls_per_day")


def document(feed: Feed) -> dict[str, Any]:
    """What is declared of a feed, without secrets."""
    plain: dict[str, Any] = {"name": feed.name, "kind": feed.kind, "enabled": feed.enabled}
    if feed.kind == "http":
        return plain | {name: getattr(feed, name) for name in PULLED}
    return plain | (feed.declaration or {})


def add(session: Session, now: int, actor: Actor, feed: Feed) -> None:
    """Keep the feed as it is now as its present revision."""
    session.add(
        FeedRevision(
            feed_id=feed.id,
            number=feed.revision,
            at=now,
            person_id=actor.person_id,
            key_id=actor.key_id,
            document=document(feed),
        )
    )
    session.flush()
