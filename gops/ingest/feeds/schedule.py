"""When feeds run: a job for each that is on, made anew when a feed changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import select

from gops.ingest.feeds.model import Feed
from gops.ingest.feeds.runner import FeedRunner
from gops.jobs import Jobs
from gops.records.database import Database
from gops.records.events import Event

JITTER_SECONDS = 60  # so that the feeds of a minute do not all ask in its first second


class FeedSchedule:
    """``start`` before the jobs start. ``handlers`` belong into the event pump."""

    def __init__(self, database: Database, jobs: Jobs, runner: FeedRunner) -> None:
        self._database = database
        self._jobs = jobs
        self._runner = runner
        self.handlers: dict[str, tuple[Callable[[Event], None], ...]] = {
            "feed.changed": (self._changed,),
            "feed.asked": (self._asked,),
        }

    def start(self) -> None:
        with self._database.read() as session:
            feeds = session.scalars(select(Feed).where(Feed.enabled, Feed.kind == "http")).all()
        for feed in feeds:
            self._plan(feed)

    def _plan(self, feed: Feed) -> None:
        self._jobs.hourly(name_of(feed.id), feed.minutes, partial(self._run, feed.id), JITTER_SECONDS)

    def _run(self, feed_id: int) -> None:
        self._runner.run(feed_id)

    def _changed(self, event: Event) -> None:
        feed_id = event.payload["feed"]
        with self._database.read() as session:
            feed = session.get(Feed, feed_id)
        if feed is None or not feed.enabled or feed.kind != "http":
            self._jobs.remove(name_of(feed_id))
        else:
            self._plan(feed)

    def _asked(self, event: Event) -> None:
        self._jobs.now(name_of(event.payload["feed"]))


def name_of(feed_id: int) -> str:
    return f"feed {feed_id}"
