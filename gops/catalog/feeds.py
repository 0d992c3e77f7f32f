"""What the catalog asks of pulled feeds: who they are. ``compose`` gives it ``gops.ingest.feeds.names``.

Ranks keep the two rooms apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

FeedOf = Callable[[Session, int, str], int | None]
"""``feed_of(session, organisation_id, slug)``: the id of a pulled feed of that organisation."""

FeedNames = Callable[[Session, set[int]], Mapping[int, tuple[str, str]]]
"""``feed_names(session, ids)``: slug and name of pulled feeds."""
