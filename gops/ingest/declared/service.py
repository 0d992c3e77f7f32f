"""Feeds of every kind as their publishers declare, change and try them; what is pulled is handed on to ``feeds``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks
from gops.accounts.lookup import find_organisation, organisation
from gops.accounts.model import Organisation
from gops.clock import DAY, HOUR, Clock
from gops.errors import Conflict, Invalid
from gops.ingest.declared import filters
from gops.ingest.declared.declaration import Declaration, Source, parse
from gops.ingest.declared.registering import check_rule, said_by_fields
from gops.ingest.declared.routes import HEAD, Traffic, stored
from gops.ingest.declared.sections import Section, wrong
from gops.ingest.declared.trying import Tried, try_out
from gops.ingest.declared.trying_pulled import try_answer
from gops.ingest.feeds import declaring, revisions
from gops.ingest.feeds.adapters import adapter
from gops.ingest.feeds.deleting import delete_feed
from gops.ingest.feeds.model import Feed, FeedRevision
from gops.ingest.feeds.ruled import follow
from gops.ingest.feeds.service import FeedHealth, Feeds, changeable, readable, taken
from gops.ingest.model import RefusalCount
from gops.ingest.mqtt import LinkHealth
from gops.ingest.mqtt import parse as parse_address
from gops.outbound import Outbound
from gops.permissions import Actor, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique, serialise
from gops.records.paging import page
from gops.sensors.bounds import refuse_count, refuse_more
from gops.settings import Settings

DECLARED = ("source", "codec", "mapping", "defaults")
PULLED = ("adapter", "config", "key", "minutes", "calls_per_day")
SECRET_LENGTH = 500


class Watched:
    """What is known of feeds in this process alone; ``compose`` gives it what runs."""

    def __init__(self) -> None:
        self.traffic: Callable[[int], Traffic | None] = lambda _feed: None
        self.link: Callable[[int], LinkHealth | None] = lambda _feed: None


class FeedDeclarations:
    def __init__(
        self, database: Database, clock: Clock, settings: Settings, outbound: Outbound, feeds: Feeds, watched: Watched
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbound = outbound
        self._feeds = feeds
        self.watched = watched

    def declare(self, actor: Actor, given: Mapping[str, Any]) -> Feed:
        """A feed as a JSON body or a TOML file has it: ``organisation``, ``slug``, ``name`` and the tables of its kind.

        Raises ``Invalid`` that names the place, ``Conflict`` for a taken slug or a topic that another feed reads.
        """
        given = as_declared(given)
        home, slug, name = (str(given.get(one) or "") for one in ("organisation", "slug", "name"))
        _refuse_unknown(given)
        if given.get("adapter") is not None:
            return self._declare_pulled(actor, home, slug, name, given)
        _refuse_members(given, PULLED, "mqtt or broker")
        with self._database.read() as session:
            owner = organisation(session, home)
            require(actor, "feed.change", owner.id)
            declared = self._checked(session, given, owner.slug)
        self._check_broker(declared.source)
        feed = Feed(
            slug=declaring.slug(slug),
            name=checks.name(name),
            kind=declared.source.kind,
            revision=1,
            declaration=declared.document(),
            secret=_secret(given, declared.source, None),
            adapter="",
            config={},
            minutes="",
            calls_per_day=0,
            enabled=bool(given.get("enabled", True)),
            failures=0,
            created_at=self._clock.micros(),
        )
        with self._database.write() as session:
            owner = organisation(session, home)
            require(actor, "feed.change", owner.id)
            feed.organisation_id = owner.id
            refuse_more(session, self._settings, "organisation_feeds", Feed.organisation_id == owner.id, owner.id)
            self._refuse_overlap(session, feed)
            session.add(feed)
            flush_unique(session, taken(feed.slug))
            self._note(session, actor, "feed.create", feed, slug=feed.slug, kind=feed.kind)
        return feed

    def edit(self, actor: Actor, slug: str, changes: Mapping[str, Any]) -> Feed:
        """Change what is given; a table that is given replaces the whole table. What changes makes a new revision."""
        changes = flat(changes)
        with self._database.read() as session:
            feed = changeable(session, actor, slug)
            if feed.kind == "http":
                _refuse_members(changes, ("codec", "mapping", "defaults"), "http")
                given = changes | _pulled(changes)
                return self._feeds.edit(actor, slug, **{k: v for k, v in given.items() if k != "source"})
            _refuse_members(changes, PULLED, feed.kind)
            home = session.get_one(Organisation, feed.organisation_id).slug
            declared = self._checked(session, _merged(feed, changes), home)
        if declared.source.kind != feed.kind:
            raise wrong("source.kind", declared.source.kind, f"{feed.kind}: another kind is another feed")
        self._check_broker(declared.source)
        with self._database.write() as session:
            feed = changeable(session, actor, slug, lock=True)
            before = (feed.name, feed.enabled, feed.declaration, feed.secret)
            feed.secret = _secret(changes, declared.source, feed)
            feed.name = checks.name(changes["name"]) if "name" in changes else feed.name
            feed.enabled = bool(changes.get("enabled", feed.enabled))
            ruled = self._follow(session, feed, declared)
            feed.declaration = declared.document()
            if before != (feed.name, feed.enabled, feed.declaration, feed.secret):
                self._refuse_overlap(session, feed)
                feed.revision += 1
                counted = {"ruled": ruled} if ruled else {}
                self._note(session, actor, "feed.edit", feed, revision=feed.revision, **counted)
        return feed

    def _follow(self, session: Session, feed: Feed, declared: Declaration) -> int:
        """Changed ranges and rules reach the Datastreams that follow the feed's; how many."""
        before = stored(feed).mapping.fields
        if before == declared.mapping.fields:
            return 0
        said, wanted = said_by_fields(session, before), said_by_fields(session, declared.mapping.fields)
        return follow(session, feed, said, wanted, self._clock.micros())

    def delete(self, actor: Actor, slug: str) -> None:
        """End a feed of any kind. What it brought stays."""
        delete_feed(self._database, self._clock, actor, slug)

    def revisions(self, actor: Actor, slug: str, after: int = 0, limit: int = 100) -> Sequence[FeedRevision]:
        """What was declared when, by whom; the oldest first."""
        with self._database.read() as session:
            feed = readable(session, actor, slug)
            query = select(FeedRevision).where(FeedRevision.feed_id == feed.id)
            return session.scalars(page(query, FeedRevision.id, after, limit)).all()

    def attempt(
        self, actor: Actor, slug: str, sample: bytes, topic: str = "", changes: Mapping[str, Any] | None = None
    ) -> Tried:
        """What a message would come to, with ``changes`` of the declaration. Nothing is stored or registered."""
        with self._database.read() as session:
            feed = readable(session, actor, slug)
            home = session.get_one(Organisation, feed.organisation_id)
            if feed.kind == "http":
                config = (changes or {}).get("config") or feed.config
                return self._try_pulled(feed, home.slug, feed.adapter, config, sample, topic)
            declared = self._checked(session, _merged(feed, flat(changes or {})), home.slug)
        return self._try(feed, home, declared, sample, topic)

    def attempt_new(self, actor: Actor, given: Mapping[str, Any], sample: bytes, topic: str = "") -> Tried:
        """The same of a feed that is declared nowhere yet."""
        given = as_declared(given)
        with self._database.read() as session:
            home = organisation(session, str(given.get("organisation") or ""))
            require(actor, "feed.change", home.id)
            feed = Feed(id=0, slug=declaring.slug(given.get("slug")), organisation_id=home.id, revision=0)
            if given.get("adapter") is not None:
                config = given.get("config") or {}
                return self._try_pulled(feed, home.slug, str(given["adapter"]), config, sample, topic)
            declared = self._checked(session, given, home.slug)
        return self._try(feed, home, declared, sample, topic)

    def health(self, actor: Actor, slug: str) -> FeedHealth:
        with self._database.read() as session:
            feed = readable(session, actor, slug)
            if feed.kind == "http":
                return self._feeds.health(actor, slug)
            now = self._clock.micros()
            counted = select(RefusalCount.code, func.sum(RefusalCount.total)).group_by(RefusalCount.code)
            own = (RefusalCount.feed == feed.slug, RefusalCount.organisation_id == feed.organisation_id)
            recent = counted.where(*own, RefusalCount.hour > now - DAY - HOUR)
            errors = {code: int(total) for code, total in session.execute(recent)}
        traffic, link = self.watched.traffic(feed.id) or Traffic(), self.watched.link(feed.id)
        return FeedHealth.of_pushed(feed.enabled, now, traffic, link, errors)

    def _try(self, feed: Feed, home: Organisation, declared: Declaration, sample: bytes, topic: str) -> Tried:
        return try_out(self._database, self._settings, self._clock.micros(), feed, home.slug, declared, sample, topic)

    def _try_pulled(
        self, feed: Feed, home: str, name: str, config: Mapping[str, Any], answer: bytes, query: str
    ) -> Tried:
        source = adapter(name).open(config)
        return try_answer(self._database, self._settings, self._clock.micros(), feed, home, source, answer, query)

    def _declare_pulled(self, actor: Actor, home: str, slug: str, name: str, given: Mapping[str, Any]) -> Feed:
        _refuse_members(given, ("codec", "mapping", "defaults"), "http")
        rest = {one: given[one] for one in ("minutes", "calls_per_day", "enabled") if given.get(one) is not None}
        return self._feeds.declare(
            actor, home, slug, name, str(given["adapter"]), given.get("config") or {}, given.get("key") or "", **rest
        )  # fmt: skip

    def _checked(self, session: Session, given: Mapping[str, Any], slug: str) -> Declaration:
        """Raises ``Invalid`` that names the place. A filter may name a former slug of the organisation."""
        tables = {name: given[name] for name in DECLARED if given.get(name) is not None}
        declared = parse(_with_slug(session, tables, slug), slug)
        for index, rule in enumerate(declared.mapping.fields):
            check_rule(session, rule, f"mapping.fields[{index}].")
        refuse_count(len(declared.mapping.fields), "device_fields", self._settings)
        return declared

    def _check_broker(self, source: Source) -> None:
        """Another broker is one that the operator approved, and leads to no address inside."""
        if source.kind != "broker":
            return
        address = parse_address(source.url)
        if str(address) not in {str(parse_address(one)) for one in self._settings.feed_brokers}:
            raise Invalid(
                f"the operator has not approved {address}",
                code="broker_not_approved",
                field="source.url",
                found=str(address),
                expected="one of GOPS_FEED_BROKERS, which the operator sets",
            )
        self._outbound.addresses(address.host, address.port, "source.url")

    def _refuse_overlap(self, session: Session, feed: Feed) -> None:
        """Two feeds that read one topic would store its readings by two mappings."""
        if not feed.enabled:
            return
        serialise(session, f"feed_filters {feed.organisation_id}")
        mine = stored(feed).source
        others = select(Feed).where(Feed.organisation_id == feed.organisation_id, Feed.kind == feed.kind, Feed.enabled)
        with session.no_autoflush:
            found = session.scalars(others.order_by(Feed.id)).all()
        for other in found:
            theirs = stored(other).source
            if other.id != feed.id and theirs.url == mine.url and filters.overlap(_levels(mine), _levels(theirs)):
                raise Conflict(
                    f"the feed {other.slug} reads topics that this filter matches as well",
                    code="filter_overlaps",
                    field="source.filter",
                    found=mine.filter,
                    expected=f"topics that {theirs.filter} does not match",
                )

    def _note(self, session: Session, actor: Actor, action: str, feed: Feed, **detail: Any) -> None:
        now = self._clock.micros()
        session.flush()
        revisions.add(session, now, actor, feed)
        audit.record(session, now, actor, action, "feed", feed.id, feed.organisation_id, **detail)
        events.append(session, now, "feed.changed", feed=feed.id, organisation=feed.organisation_id)


def flat(given: Mapping[str, Any]) -> dict[str, Any]:
    """A TOML file keeps slug, name and organisation in a table ``[feed]``; a JSON body beside the others."""
    head = given.get("feed")
    if head is None:
        return dict(given)
    section = Section(head, "feed")
    for name in ("organisation", "slug", "name", "enabled"):
        section.has(name)
    section.done()
    return {**head, **{name: value for name, value in given.items() if name != "feed"}}


def as_declared(given: Mapping[str, Any]) -> dict[str, Any]:
    """``flat``, and what ``[source]`` of kind http says beside the others."""
    plain = flat(given)
    source = plain.get("source")
    return plain | _pulled(plain) if isinstance(source, Mapping) and source.get("kind") == "http" else plain


def _levels(source: Source) -> tuple[str, ...]:
    levels = tuple(source.filter.split("/"))
    return levels[HEAD:] if source.kind == "mqtt" else levels


def _with_slug(session: Session, tables: dict[str, Any], slug: str) -> dict[str, Any]:
    """The filter under the present slug where it names a former one."""
    source = tables.get("source")
    text = source.get("filter") if isinstance(source, Mapping) else None
    if not isinstance(source, Mapping) or not isinstance(text, str) or source.get("kind", "mqtt") != "mqtt":
        return tables
    levels = text.split("/")
    if len(levels) < HEAD or levels[2] == slug:
        return tables
    named = find_organisation(session, levels[2])
    if named is None or named.slug != slug:
        return tables
    return tables | {"source": {**source, "filter": "/".join((*levels[:2], slug, *levels[HEAD:]))}}


def _merged(feed: Feed, changes: Mapping[str, Any]) -> dict[str, Any]:
    return dict(feed.declaration or {}) | {name: changes[name] for name in DECLARED if name in changes}


def _pulled(given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``[source]`` of kind http says, as the members of a pulled feed."""
    if given.get("source") is None:
        return {}
    section = Section(given["source"], "source")
    section.one_of("kind", ("http",))
    found = {name: section.get(name) for name in PULLED if section.has(name)}
    section.done()
    return found


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    section = Section(given, "")
    for name in ("organisation", "slug", "name", "enabled", *DECLARED, *PULLED):
        section.has(name)
    section.done()


def _refuse_members(given: Mapping[str, Any], names: Sequence[str], kind: str) -> None:
    for name in names:
        if given.get(name) is not None:
            raise Invalid(
                f"a feed of kind {kind} has no {name}", code="member_of_kind", field=name, expected=f"no {name}"
            )


def _secret(given: Mapping[str, Any], source: Source, feed: Feed | None) -> str:
    """The broker's password. One that was given for another address or user is not sent to a new one."""
    table = given.get("source")
    said = table.get("secret") if isinstance(table, Mapping) else None
    if said is not None:
        if source.kind != "broker" or not isinstance(said, str) or not 0 < len(said) <= SECRET_LENGTH:
            expected = f"a password of at most {SECRET_LENGTH} characters, for kind broker alone"
            raise Invalid("this is no password of a broker", field="source.secret", expected=expected)
        return said
    if feed is None or feed.kind != "broker":
        return ""
    before = stored(feed).source
    return feed.secret if (before.url, before.username) == (source.url, source.username) else ""
