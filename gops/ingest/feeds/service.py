"""Feeds as their publishers see them: declared, changed, watched, asked to run. A feed's key is never shown again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypedDict, Unpack

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks
from gops.accounts.lookup import organisation
from gops.clock import DAY, Clock
from gops.errors import Conflict, Invalid
from gops.ingest.feeds import declaring, revisions
from gops.ingest.feeds.adapters import ADAPTERS, adapter
from gops.ingest.feeds.budget import Budgets
from gops.ingest.feeds.memory import NO_DRIFT, Drift, drift_of, forget
from gops.ingest.feeds.model import Feed, FeedRun
from gops.ingest.feeds.pages import purse
from gops.ingest.feeds.ruled import follow, said_by_portal
from gops.ingest.mqtt.health import LinkHealth
from gops.jobs.scheduler import check_minutes, next_of_hour
from gops.outbound import Outbound
from gops.permissions import Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.paging import page
from gops.sensors.bounds import refuse_more
from gops.settings import Settings

State = Literal["new", "ok", "failing", "resting", "off"]
Breaker = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """Moments in microseconds. ``lag`` is the age of the newest reading; ``errors`` counts failed runs of 24 hours.

    ``breaker`` is open while the feed rests after failures in a row, then half open: one probe decides. ``drift`` says
    which columns are gone or new.
    """

    state: State
    last_run_at: int | None
    last_success_at: int | None
    next_run_at: int | None
    newest_t: int | None
    lag: int | None
    failures: int
    rests_until: int | None
    rest_code: str | None
    calls_today: int
    calls_per_day: int
    errors: Mapping[str, int]
    last_run: FeedRun | None
    breaker: Breaker = "closed"
    drift: Drift = NO_DRIFT
    last_message_at: int | None = None
    messages: int | None = None
    readings: int | None = None
    link: LinkHealth | None = None

    @classmethod
    def of_pushed(
        cls, enabled: bool, now: int, traffic: Traffic, link: LinkHealth | None, errors: Mapping[str, int]
    ) -> FeedHealth:
        """Of a feed whose messages come to GOPS; ``errors`` are its refusals by code."""
        newest, seen = traffic.newest_t, traffic.last_message_at
        state: State = "off" if not enabled else "new" if seen is None else "ok"
        if enabled and link is not None and (not link.connected or link.denied):
            state = "failing"
        lag = None if newest is None else now - newest
        return cls(
            state, None, None, None, newest, lag, 0, None, None, 0, 0, errors, None,
            last_message_at=seen, messages=traffic.messages, readings=traffic.readings, link=link,
        )  # fmt: skip


class Traffic(Protocol):
    """What came through a feed since this process started. Moments in microseconds."""

    messages: int
    readings: int
    last_message_at: int | None
    newest_t: int | None


class Changes(TypedDict, total=False):
    name: str
    config: dict[str, Any]
    key: str
    minutes: str
    calls_per_day: int
    enabled: bool


class Feeds:
    def __init__(self, database: Database, clock: Clock, settings: Settings, outbound: Outbound) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbound = outbound
        self._budgets = Budgets(database, clock)

    def declare(
        self,
        actor: Actor,
        home: str,
        slug: str,
        name: str,
        adapter_name: str,
        config: dict[str, Any],
        key: str,
        *,
        minutes: str | None = None,
        calls_per_day: int | None = None,
        enabled: bool = True,
    ) -> Feed:
        """A feed of the organisation with the slug ``home``. Raises ``Invalid``, or ``Conflict`` for a taken slug."""
        chosen = adapter(adapter_name)
        feed = Feed(
            slug=declaring.slug(slug),
            name=checks.name(name),
            adapter=chosen.name,
            config=chosen.check(config),
            secret=declaring.key(key) if key or chosen.needs_key else "",
            minutes=check_minutes(chosen.minutes if minutes is None else minutes),
            calls_per_day=declaring.calls_per_day(chosen.calls_per_day if calls_per_day is None else calls_per_day),
            enabled=enabled,
            failures=0,
            created_at=self._clock.micros(),
        )
        with self._database.read() as session:
            require(actor, "feed.change", organisation(session, home).id)
        self._outbound.check(feed.config["url"])  # asks the resolver: not within a unit
        with self._database.write() as session:
            owner = organisation(session, home).id
            require(actor, "feed.change", owner)
            declaring.measured(session, chosen.open(feed.config).measured)
            refuse_more(session, self._settings, "organisation_feeds", Feed.organisation_id == owner, owner)
            feed.organisation_id = owner
            session.add(feed)
            flush_unique(session, taken(feed.slug))
            revisions.add(session, self._clock.micros(), actor, feed)
            self._note(session, actor, "feed.create", feed, slug=feed.slug, adapter=feed.adapter)
        return feed

    def edit(self, actor: Actor, slug: str, **changes: Unpack[Changes]) -> Feed:
        """Change what is given; a changed feed rests no longer. Raises ``Invalid``, ``NotFound``, ``Forbidden``."""
        with self._database.read() as session:
            feed = changeable(session, actor, slug)
            _refuse_pushed(feed)
            wanted = self._wanted(feed, changes)
        if "config" in wanted:
            self._outbound.check(wanted["config"]["url"])
        with self._database.write() as session:
            feed = changeable(session, actor, slug, lock=True)
            ruled = self._follow(session, feed, wanted["config"]) if "config" in wanted else 0
            changed = sorted(name for name, value in wanted.items() if getattr(feed, name) != value)
            for name in changed:
                setattr(feed, name, wanted[name])
            if changed:
                feed.failures, feed.rests_until, feed.rest_code = 0, None, None
                forget(session, feed.id)
                feed.revision += 1
                revisions.add(session, self._clock.micros(), actor, feed)
                names = ["key" if name == "secret" else name for name in changed]
                self._note(session, actor, "feed.edit", feed, changed=names, **({"ruled": ruled} if ruled else {}))
        return feed

    def _follow(self, session: Session, feed: Feed, config: Mapping[str, Any]) -> int:
        """Ranges and rules of the new config reach the Datastreams that follow the feed's; how many. Raises
        ``Invalid``."""
        chosen = ADAPTERS[feed.adapter]
        wanted = chosen.open(config).measured
        declaring.measured(session, wanted)
        try:
            before = chosen.open(feed.config).measured
        except Invalid:  # a declaration of an earlier version, which said no rules
            before = {}
        return follow(session, feed, said_by_portal(before), said_by_portal(wanted), self._clock.micros())

    def get(self, actor: Actor, slug: str) -> Feed:
        """Raises ``NotFound`` also for a foreign one."""
        with self._database.read() as session:
            return readable(session, actor, slug)

    def list(self, actor: Actor, home: str, after: int = 0, limit: int = 100) -> Sequence[Feed]:
        """Feeds of an organisation, in the order of their ids."""
        with self._database.read() as session:
            owner = organisation(session, home).id
            require(actor, "feed.read", owner)
            query = select(Feed).where(Feed.organisation_id == owner)
            return session.scalars(page(query, Feed.id, after, limit)).all()

    def runs(self, actor: Actor, slug: str, limit: int = 100) -> Sequence[FeedRun]:
        """The newest runs, the newest first."""
        with self._database.read() as session:
            feed = readable(session, actor, slug)
            newest = select(FeedRun).where(FeedRun.feed_id == feed.id).order_by(FeedRun.id.desc())
            return session.scalars(newest.limit(limit)).all()

    def health(self, actor: Actor, slug: str) -> FeedHealth:
        now = self._clock.micros()
        with self._database.read() as session:
            feed = readable(session, actor, slug)
            mine = select(FeedRun).where(FeedRun.feed_id == feed.id)
            last = session.scalar(mine.order_by(FeedRun.id.desc()).limit(1))
            counted = (
                select(FeedRun.outcome, func.count())
                .where(FeedRun.feed_id == feed.id, FeedRun.began_at >= now - DAY)
                .where(FeedRun.outcome.not_in(("", "ok", "interrupted")))
                .group_by(FeedRun.outcome)
            )
            errors = {code: int(count) for code, count in session.execute(counted)}
            drift = drift_of(session, feed.id)
        return FeedHealth(
            state=_state(feed, now),
            last_run_at=feed.last_run_at,
            last_success_at=feed.last_success_at,
            next_run_at=self._next_run(feed, now),
            newest_t=feed.newest_t,
            lag=None if feed.newest_t is None else now - feed.newest_t,
            failures=feed.failures,
            rests_until=feed.rests_until,
            rest_code=feed.rest_code,
            calls_today=self._budgets.calls(feed.adapter, purse(feed)),
            calls_per_day=feed.calls_per_day,
            errors=errors,
            last_run=last,
            breaker=self._breaker(feed, now),
            drift=drift,
        )

    def _breaker(self, feed: Feed, now: int) -> Breaker:
        if feed.failures < self._settings.feed_failures:
            return "closed"
        return "open" if (feed.rests_until or 0) > now else "half_open"

    def _next_run(self, feed: Feed, now: int) -> int | None:
        """On the clock of the jobs."""
        if not feed.enabled:
            return None
        return next_of_hour(feed.minutes, max(now, feed.rests_until or 0), self._settings.zone)

    def ask(self, actor: Actor, slug: str) -> Feed:
        """Have a feed run now, in whichever process runs feeds. Raises ``Conflict`` for one that is off."""
        with self._database.write() as session:
            feed = changeable(session, actor, slug, lock=True)
            _refuse_pushed(feed)
            if not feed.enabled:
                raise Conflict(f"{slug} is switched off", code="feed_off", field="enabled", expected="enabled: true")
            now = self._clock.micros()
            audit.record(session, now, actor, "feed.ask", "feed", feed.id, feed.organisation_id)
            events.append(session, now, "feed.asked", feed=feed.id)
        return feed

    def _wanted(self, feed: Feed, changes: Changes) -> dict[str, Any]:
        """The columns that ``changes`` ask for, checked."""
        wanted: dict[str, Any] = {}
        if "name" in changes:
            wanted["name"] = checks.name(changes["name"])
        if "config" in changes:
            wanted["config"] = ADAPTERS[feed.adapter].check(changes["config"])
        if "key" in changes:
            needed = changes["key"] or ADAPTERS[feed.adapter].needs_key
            wanted["secret"] = declaring.key(changes["key"]) if needed else ""
        if "minutes" in changes:
            wanted["minutes"] = check_minutes(changes["minutes"])
        if "calls_per_day" in changes:
            wanted["calls_per_day"] = declaring.calls_per_day(changes["calls_per_day"])
        if "enabled" in changes:
            wanted["enabled"] = changes["enabled"]
        return wanted

    def _note(self, session: Session, actor: Actor, action: str, feed: Feed, **detail: Any) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "feed", feed.id, feed.organisation_id, **detail)
        events.append(session, now, "feed.changed", feed=feed.id, organisation=feed.organisation_id)


def readable(session: Session, actor: Actor, slug: str) -> Feed:
    feed = session.scalar(select(Feed).where(Feed.slug == slug))
    if feed is None or not permits(actor, "feed.read", feed.organisation_id):
        raise missing("feed")
    return feed


def changeable(session: Session, actor: Actor, slug: str, *, lock: bool = False) -> Feed:
    query = select(Feed).where(Feed.slug == slug)
    feed = session.scalar(query.with_for_update() if lock else query)
    if feed is None:
        raise missing("feed")
    require(actor, "feed.change", feed.organisation_id, hidden="feed", shown_by="feed.read")
    return feed


def _refuse_pushed(feed: Feed) -> None:
    if feed.kind != "http":
        raise Conflict(
            f"{feed.slug} is not pulled",
            code="not_pulled",
            field="kind",
            found=feed.kind,
            expected="a feed of kind http",
        )


def _state(feed: Feed, now: int) -> State:
    if not feed.enabled:
        return "off"
    if (feed.rests_until or 0) > now:
        return "resting"
    if feed.failures:
        return "failing"
    return "new" if feed.last_success_at is None else "ok"


def taken(slug: str) -> Conflict:
    return Conflict(
        f"there is a feed {slug} already",
        code="slug_taken",
        field="slug",
        found=slug,
        expected="a slug that no feed has",
    )
