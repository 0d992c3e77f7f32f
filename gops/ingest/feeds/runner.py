"""One run of a feed: claim it, pull page after page, register, check, store, and write down how it went.

A page is committed by itself, refusals first. What a run brought before it failed stays.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gops import logs
from gops.accounts.model import Organisation
from gops.clock import SECOND, Clock
from gops.errors import GopsError
from gops.ingest.feeds import kept_rows, stations
from gops.ingest.feeds.adapters import ADAPTERS
from gops.ingest.feeds.answers import Page, Sample, Station
from gops.ingest.feeds.budget import Budgets, day_of
from gops.ingest.feeds.memory import Answered, Memory, digest, validators
from gops.ingest.feeds.model import Feed, FeedQuery
from gops.ingest.feeds.pages import Asked, Pages, Question, Unchanged, next_page
from gops.ingest.feeds.source import Source
from gops.ingest.feeds.standing import Outcome, RunLog, Tally
from gops.ingest.feeds.troubles import FeedTrouble, Interrupted
from gops.ingest.mapping import Limits, resolve, to_table
from gops.ingest.refusals import Refusals, Report
from gops.ingest.refused import Refused
from gops.outbound import Outbound
from gops.records.database import Database
from gops.sensors.retention import Rule, inherited
from gops.settings import Settings
from gops.store.port import Store

TROUBLED_QUERIES = 2  # of passing troubles in one run, after which the portal is left alone
log = logs.get(__name__)


@dataclass(slots=True)
class _Run:
    feed: Feed
    organisation: str
    source: Source
    run_id: int
    default: Rule  # retention
    tally: Tally = field(default_factory=Tally)
    memory: Mapping[bytes, FeedQuery] = field(default_factory=dict)
    described: dict[str, Station] = field(default_factory=dict)

    def is_first_of_day(self, now: int) -> bool:
        """Is this the first good run of the Korean day?"""
        last = self.feed.last_success_at
        return last is None or day_of(last) < day_of(now)

    def remember(self, sample: Sample) -> None:
        """Some portals describe stations in one document and give their readings in another."""
        for key, station in sample.stations.items():
            if station.title or station.place:
                self.described[key] = station
            else:
                sample.stations[key] = self.described.get(key, station)


class FeedRunner:
    """``run`` may be called from several threads; a feed that runs already is left alone."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        outbound: Outbound,
        store: Store,
        refusals: Refusals,
        *,
        stopping: threading.Event | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store
        self._refusals = refusals
        self._log = RunLog(database, clock, settings)
        self._memory = Memory(database)
        budgets = Budgets(database, clock)
        self._pages = Pages(outbound, budgets, clock, settings, stopping or threading.Event())

    def run(self, feed_id: int) -> Outcome | None:
        """How it went; None when the feed is off, rests, or runs elsewhere."""
        claimed = self._log.claim(feed_id)
        if claimed is None:
            return None
        feed, run_id = claimed
        with self._database.read() as session:
            slug = session.get_one(Organisation, feed.organisation_id).slug
            default = inherited(session, Rule.of(self._settings), feed.organisation_id)
        tally = Tally()
        try:
            source = ADAPTERS[feed.adapter].open(feed.config)
        except GopsError as error:  # a declaration of an earlier version
            outcome = Outcome(error.code, error.message)
        else:
            outcome = self._outcome(_Run(feed, slug, source, run_id, default, tally, self._memory.of(feed)))
        self._log.finish(run_id, feed, tally, outcome)
        say = log.info if outcome.is_success else log.warning
        say("feed_run", feed=feed.slug, outcome=outcome.code, note=outcome.note, calls=len(tally.calls))
        return outcome

    def _outcome(self, run: _Run) -> Outcome:
        try:
            trouble = self._pull(run)
        except FeedTrouble as error:
            trouble = error
        except Interrupted:
            return Outcome("interrupted", "GOPS stopped")
        except GopsError as error:
            return Outcome(error.code, error.message)
        except Exception:
            log.exception("feed_failed", feed=run.feed.slug)
            return Outcome("internal", "a mistake of GOPS; its log says more")
        if trouble is not None:
            return Outcome(trouble.code, trouble.note, trouble.rests_until)
        return Outcome("ok", "; ".join(sorted(run.tally.drift)))

    def _pull(self, run: _Run) -> FeedTrouble | None:
        """The first passing trouble, after which other queries were still tried; a probe ends with the first."""
        troubles: list[FeedTrouble] = []
        most = 1 if self._pages.is_probe(run.feed) else TROUBLED_QUERIES
        waiting, asked = deque(run.source.queries), set[str]()
        while waiting:
            query = waiting.popleft()
            if query in asked:
                continue
            asked.add(query)
            try:
                waiting.extend(self._query(run, query, query in run.source.queries or run.source.roams))
            except FeedTrouble as trouble:
                troubles.append(trouble)
                if not trouble.passing or len(troubles) == most:
                    raise
        if not troubles and run.is_first_of_day(self._clock.micros()):
            self._place(run)
        return troubles[0] if troubles else None

    def _place(self, run: _Run) -> None:
        """Where stations are. A key may not be allowed for that, and readings are as good without it."""
        for query in run.source.places:
            try:
                self._query(run, query, False)
            except FeedTrouble as trouble:
                said = trouble.note if trouble.note.startswith(trouble.code) else f"{trouble.code} {trouble.note}"
                run.tally.drift.add(f"no places: {said}")
                return

    def _query(self, run: _Run, query: str, remembered: bool) -> Sequence[str]:
        """Ask, unless there can be nothing newer; the further queries that the answer names."""
        now = self._clock.micros()
        row = run.memory.get(digest(query)) if remembered else None
        if row is not None and (row.fresh_until or 0) > now:
            return row.follow
        answered = Answered(run.source.url(query, 1, run.feed.secret, now))
        if not self._ask(run, query, validators(row, answered.url), answered):
            return () if row is None else row.follow
        if remembered:
            self._memory.keep(run.feed, query, answered, self._clock.micros())
        return answered.follow

    def _ask(self, run: _Run, query: str, known: Mapping[str, str], answered: Answered) -> bool:
        """Page after page into the store. False where nothing came: no data, or nothing newer."""
        seen, number, total = 0, 1, None
        question, asked_for = Question(answered.url, query, known), {answered.url}
        while True:
            asked = self._pages.fetch(run.feed, run.source, question, run.tally.calls)
            if asked is None or isinstance(asked, Unchanged):
                _refuse_short(total, seen, query)
                return number > 1
            total, seen = asked.page.total, seen + len(asked.page.rows)
            answered.follow.extend(self._followed(run, question.url, asked.page))
            self._take_in(run, asked, query, answered)
            if run.source.is_last(asked.page, seen):
                _refuse_short(total, seen, query)
                break
            number += 1
            url = run.source.url(query, number, run.feed.secret, self._clock.micros())
            if asked.page.next is not None:
                url = next_page(question.url, asked.page.next, asked_for)
            asked_for.add(url)
            question = Question(url, query)
        if number == 1:
            answered.etag, answered.modified = asked.etag, asked.modified
        if asked.page.fresh:
            answered.fresh_until = self._clock.micros() + asked.page.fresh * SECOND
        return True

    def _followed(self, run: _Run, url: str, page: Page) -> Sequence[str]:
        """Raises ``FeedTrouble`` for one that leads away from where the page came from."""
        for query in () if run.source.roams else page.follow:
            next_page(url, run.source.url(query, 1, "", self._clock.micros()), set())
        return page.follow

    def _take_in(self, run: _Run, asked: Asked, query: str, answered: Answered) -> None:
        """Register, check and store a page."""
        feed, now = run.feed, self._clock.micros()
        sample = run.source.sample(asked.page, query, now)
        run.remember(sample)
        answered.saw(sample.columns, sample.absent)
        with self._database.read() as session:
            registered = stations.look_up(session, feed, sample)
        if registered.lacks(sample):
            with self._database.write() as session:
                measured = run.source.measured
                run.tally.registered += stations.register(session, feed, sample, measured, self._settings, now)
                registered = stations.look_up(session, feed, sample)
        to = stations.route(feed, run.organisation, registered, run.source.measured, run.default)
        decoded, silent = stations.told(sample.decoded, to)
        readings = resolve(decoded, to, now, Limits.of(self._settings, self._store.capabilities))
        self._refusals.record([_report(feed, asked, query, refused, now) for refused in readings.refusals])
        if readings.t:
            receipt = self._store.write(to_table([readings]), "replace")
            run.tally.count(receipt, max(readings.t))
        run.tally.rows += len(asked.page.rows)
        run.tally.readings += len(readings.t)
        run.tally.refused += sum(refused.readings for refused in readings.refusals)
        run.tally.skipped += sample.skipped + silent
        run.tally.drift |= sample.drift | {f"no row has {name}" for name in sample.absent}
        self._log.progress(run.run_id, feed.id, run.tally)


def _report(feed: Feed, asked: Asked, query: str, refused: Refused, now: int) -> Report:
    """With the row that it is about, so that this can be read again; with the page where it is about no row."""
    row = kept_rows.row_of(asked.page, refused.place, feed.secret)
    source = feed.slug, "", feed.organisation_id
    if row is None:
        return Report(*source, asked.url, asked.raw, refused, feed.revision, arrival=now)
    return Report(
        *source, kept_rows.topic_of(asked.url, query, asked.page.made), row, refused, feed.revision, arrival=now
    )


def _refuse_short(total: int | None, seen: int, query: str) -> None:
    """A portal that says there are more rows than it gives is not at the end of its data."""
    if total is not None and seen < total:
        note = f"{query}: the portal says {total} rows and gave {seen}; a sample key gives a few only".lstrip(": ")
        raise FeedTrouble("short_pages", note, passing=True)
