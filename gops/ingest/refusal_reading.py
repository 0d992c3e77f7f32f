"""Messages that were refused, read once more by what is declared now. Writes nothing.

A message is read whole, as it came, at the moment that it came: what it said without a time has the same one again. Of
a push and of a page that was pulled each row is a message of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pyarrow as pa
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gops.ingest import topics
from gops.ingest.declared.links import FeedSpeaker
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.decoded import Frame
from gops.ingest.feeds.model import Feed
from gops.ingest.mapping import Limits
from gops.ingest.model import Refusal, RefusedMessage
from gops.ingest.mqtt.inbox import Message
from gops.ingest.pipeline import Batch, Pipeline
from gops.ingest.refusal_rows import RowAnew, Rows
from gops.ingest.refusals import Report
from gops.ingest.refused import Code, Refused
from gops.ingest.sources import Route, Sources, Speakers
from gops.records.database import Database
from gops.sensors.retention import Rule
from gops.settings import Settings

UNREADABLE: dict[str, Code] = {
    "cut": Code("메시지의 앞부분만 보관되어 있습니다", "Only the start of its message is kept"),
    "counted": Code("건수만 세고 내용은 보관하지 않았습니다", "It was counted, as many like it, and not kept"),
    "pushed": Code(
        "행이 보관되어 있지 않습니다. 보낸 곳에서 다시 보내야 합니다",
        "Its row is not kept; whoever pushed it pushes it again",
    ),
    "pulled": Code(
        "행이 보관되어 있지 않습니다. 다음 수집 때 다시 가져옵니다",
        "Its row is not kept; the feed's next run asks its portal again",
    ),
    "feed_gone": Code("피드가 더 이상 없습니다", "Its feed is no more"),
}
"""Why what was refused cannot be replayed."""
PUSH = "push"


class Key(NamedTuple):
    """What makes refusals those of one message."""

    feed: str
    topic: str
    digest: bytes
    arrival: int


@dataclass(slots=True)
class Kept:
    """A message and its open refusals, in the order of their ids."""

    key: Key
    raw: bytes
    size: int
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class ReadAnew:
    """``still``: refusals with the reason of today. ``fresh``: reasons that no refusal had. ``settled``: refusals whose
    reading is taken now. ``unread``: refusals by why they cannot be read."""

    batch: Batch = field(default_factory=Batch)
    tables: list[pa.Table] = field(default_factory=list)  # of rows, beside the readings of the batch
    still: list[tuple[Refusal, Report]] = field(default_factory=list)
    fresh: list[Report] = field(default_factory=list)
    settled: list[Refusal] = field(default_factory=list)
    unread: dict[str, list[Refusal]] = field(default_factory=lambda: defaultdict(list))
    messages: int = 0


def messages_of(session: Session, conditions: Sequence[ColumnElement[bool]], most: int) -> list[Kept]:
    """The messages of the first ``most`` refusals that hold ``conditions``, each with all of its open refusals."""
    first = select(Refusal).where(*conditions).order_by(Refusal.id).limit(most)
    keys = dict.fromkeys(_key(one) for one in session.scalars(first))
    found: dict[Key, Kept] = {}
    digests = {key.digest for key in keys}
    raw = {one.digest: one for one in session.scalars(select(RefusedMessage).where(RefusedMessage.digest.in_(digests)))}
    mine = select(Refusal).where(Refusal.digest.in_(digests), Refusal.settled_at.is_(None), conditions[0])
    for one in session.scalars(mine.order_by(Refusal.id)):
        key = _key(one)
        if key in keys:
            message = raw[key.digest]
            found.setdefault(key, Kept(key, message.raw, message.size)).refusals.append(one)
    return list(found.values())


def _key(one: Refusal) -> Key:
    return Key(one.feed, one.topic, one.digest, one.at if one.arrival is None else one.arrival)


class Reader:
    """Of one organisation, as its registry and feeds are when it is made: one for each batch."""

    def __init__(
        self, database: Database, settings: Settings, route: Route, limits: Limits, organisation_id: int
    ) -> None:
        self._database = database
        self._organisation_id = organisation_id
        self._limits = limits
        self._rows = Rows(database, settings, route, limits, organisation_id)
        self._frame = Frame.of(settings)
        self._routes = FeedRoutes(database, settings)
        self._sources = Sources(database, route, settings.mqtt_topics, Rule.of(settings), self._routes)

    def read(self, messages: Iterable[Kept]) -> ReadAnew:
        """Raises ``Unavailable``."""
        out = ReadAnew()
        kept = list(messages)
        feeds = self._feeds({one.key.feed for one in kept})
        for one in kept:
            feed = feeds.get(one.key.feed)
            if one.size <= len(one.raw) and (row := self._row(one, feed)) is not None:
                out.messages += 1
                out.tables.append(row.table)
                _settle_row(out, one, row.refusals)
                continue
            speakers = self._speakers(one, feed)
            if isinstance(speakers, str):
                out.unread[speakers] += one.refusals
                continue
            start = len(out.batch.reports)
            Pipeline(speakers, self._frame, self._limits, "").add(out.batch, _message(one), None)
            out.messages += 1
            _settle(out, one, out.batch.reports[start:])
        return out

    def _row(self, one: Kept, feed: Feed | None) -> RowAnew | None:
        """What is kept as a row, read anew; None where the message is no row."""
        topic, raw, arrival = one.key.topic, one.raw, one.key.arrival
        if feed is None:
            return self._rows.pushed(topic, raw, arrival) if one.key.feed == PUSH else None
        return self._rows.pulled(feed, topic, raw, arrival) if feed.kind == "http" else None

    def _feeds(self, slugs: set[str]) -> dict[str, Feed]:
        query = select(Feed).where(Feed.organisation_id == self._organisation_id, Feed.slug.in_(slugs))
        with self._database.read() as session:
            return {feed.slug: feed for feed in session.scalars(query)}

    def _speakers(self, one: Kept, feed: Feed | None) -> Speakers | str:
        """Who reads the message now, or why nobody can."""
        if one.size > len(one.raw):
            return "cut"
        if feed is not None and feed.kind != "mqtt":
            if feed.kind == "broker":
                return FeedSpeaker(self._routes, feed.id, feed.organisation_id)
            return "pulled"
        if not one.key.topic.startswith(topics.ROOT):
            return "pushed" if one.key.feed == PUSH else "feed_gone"
        return self._sources if self._is_own(one.key.topic) else "feed_gone"

    def _is_own(self, topic: str) -> bool:
        """A slug that the organisation gave up may be another's by now."""
        home = self._sources.get(topic).organisation_id
        return home is None or home == self._organisation_id


def _settle(out: ReadAnew, one: Kept, reports: Sequence[Report]) -> None:
    """Which of the refusals stand, by their places. Where the whole message is refused they all do; what was refused
    whole stands as the first reason that there is now."""
    left = list(reports)
    whole = next((report for report in reports if not report.refused.place), None)
    for refusal in one.refusals:
        found = next((report for report in left if report.refused.place == refusal.place), whole)
        if found is None and not refusal.place and left:
            found = left[0]
        if found is None:
            out.settled.append(refusal)
            continue
        out.still.append((refusal, found))
        left = [report for report in left if report is not found]
    out.fresh += left


def _settle_row(out: ReadAnew, one: Kept, refused: Sequence[Refused]) -> None:
    """Which of the refusals of a row stand: by field, or all for a reason that is of the whole row. They keep their
    places, which are those of the body that the row came in."""
    left = list(refused)
    for refusal in one.refusals:
        found = next((reason for reason in left if reason.field == refusal.field), None)
        found = found or next((reason for reason in left if reason.field is None or one.key.feed == PUSH), None)
        if found is None:
            out.settled.append(refusal)
            continue
        left = [reason for reason in left if reason is not found]
        out.still.append((refusal, _report(one, replace(found, place=refusal.place))))
    out.fresh += [_report(one, reason) for reason in left]


def _report(one: Kept, refused: Refused) -> Report:
    of = one.refusals[0]
    key = one.key
    return Report(
        key.feed, of.device, of.organisation_id, key.topic, one.raw, refused, of.revision, arrival=key.arrival
    )


def _message(one: Kept) -> Message:
    return Message(one.key.topic, one.raw, 0, False, False, 0, one.key.arrival, one.size)
