"""Asking a portal for a page: within the budget, again where the portal fails, and never past its own "enough"."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from gops.clock import DAY, SECOND, Clock
from gops.errors import GopsError, Unavailable
from gops.ingest.feeds.answers import Failure, Page
from gops.ingest.feeds.budget import Budgets, midnight_after
from gops.ingest.feeds.model import Feed
from gops.ingest.feeds.source import Source
from gops.ingest.feeds.troubles import FeedTrouble, Interrupted, is_passing
from gops.outbound import Call, Outbound, mask
from gops.settings import Settings

LONGEST_WAIT = 60  # seconds between two tries of one run


@dataclass(frozen=True, slots=True)
class Asked:
    """A page and where it came from. ``raw`` and ``url`` are masked; ``etag`` and ``modified`` are its headers."""

    page: Page
    url: str
    raw: bytes = field(repr=False)
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The portal says that it has what it had (304)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the address, the query it belongs to, and headers by which the portal may say "as before"."""

    url: str = field(repr=False)
    query: str
    validators: Mapping[str, str] = field(default_factory=dict)


class Pages:
    """``fetch`` a page of a feed; ``calls`` counts what was asked since the last ``begin``."""

    def __init__(
        self, outbound: Outbound, budgets: Budgets, clock: Clock, settings: Settings, stopping: threading.Event
    ) -> None:
        self._outbound = outbound
        self._budgets = budgets
        self._clock = clock
        self._settings = settings
        self._stopping = stopping

    def fetch(self, feed: Feed, source: Source, question: Question, calls: list[str]) -> Asked | Unchanged | None:
        """None where the portal has nothing. ``calls`` gets the masked address of each call that is made.

        A feed whose breaker is half open is asked only once. Raises ``FeedTrouble``, and ``Interrupted`` when GOPS
        stops meanwhile.
        """
        tries = 1 if self.is_probe(feed) else self._settings.feed_retries + 1
        trouble = FeedTrouble("internal", "nothing was tried")
        for attempt in range(tries):
            if attempt:
                self._wait(attempt, trouble.after)
            found = self._ask(feed, source, question, calls)
            if not isinstance(found, FeedTrouble):
                return found
            trouble = found
            if not trouble.passing:
                break
        raise trouble

    def is_probe(self, feed: Feed) -> bool:
        """Has the breaker opened, so that this run only looks whether the portal is back?"""
        return feed.failures >= self._settings.feed_failures

    def _ask(
        self, feed: Feed, source: Source, question: Question, calls: list[str]
    ) -> Asked | Unchanged | FeedTrouble | None:
        url = question.url
        if self._stopping.is_set():
            raise Interrupted
        self._pay(feed, len(calls))
        secrets = (feed.secret,) if feed.secret else ()
        calls.append(mask(url, secrets))
        headers = {"Accept": "application/json, */*;q=0.5", **question.validators}
        if urlsplit(url)[:2] == urlsplit(feed.config["url"])[:2]:  # the key is nobody else's
            headers |= source.headers(feed.secret)
        try:
            answer = self._outbound.fetch(Call(url, headers=headers, secrets=secrets))
        except Unavailable as error:
            return FeedTrouble(error.code, mask(error.message, secrets), passing=True)
        except GopsError as error:
            return FeedTrouble(error.code, mask(error.message, secrets))
        if answer.status == 304 and question.validators:
            return Unchanged()
        found = source.read(answer.status, answer.body, question.query)
        if isinstance(found, Failure):
            return self._of(feed, found, secrets, _seconds(answer.headers.get("retry-after", "")))
        raw, sent = mask_bytes(answer.body, secrets), answer.headers
        return Asked(found, answer.url, raw, sent.get("etag"), sent.get("last-modified"))

    def _pay(self, feed: Feed, calls: int) -> None:
        if calls >= self._settings.feed_pages:
            bound = f"{self._settings.feed_pages} calls (GOPS_FEED_PAGES)"
            raise FeedTrouble("too_many_pages", f"the run would need more than {bound}")
        if not self._budgets.take(feed.adapter, purse(feed), feed.calls_per_day):
            note = f"the key's calls of today are spent, or its portal said so; the feed allows {feed.calls_per_day}"
            raise FeedTrouble("budget_spent", note, rests_until=midnight_after(self._clock.micros()))

    def _of(self, feed: Feed, failure: Failure, secrets: tuple[str, ...], after: int) -> FeedTrouble | None:
        """``after``: seconds that the portal asks for; for more than a run waits the feed rests."""
        if failure.trouble == "no_data":
            return None
        note = mask(failure.note, secrets)
        if failure.trouble == "quota":
            self._budgets.stop(feed.adapter, purse(feed))
            raise FeedTrouble(failure.code, note, rests_until=midnight_after(self._clock.micros()))
        if after > LONGEST_WAIT and is_passing(failure.trouble):
            return FeedTrouble(failure.code, note, rests_until=self._clock.micros() + after * SECOND)
        return FeedTrouble(failure.code, note, passing=is_passing(failure.trouble), after=after)

    def _wait(self, attempt: int, least: float) -> None:
        """Twice as long each time, a quarter more or less, so that feeds do not come back all at once."""
        seconds = max(least, self._settings.feed_retry_seconds * 2 ** (attempt - 1))
        if self._stopping.wait(seconds * random.uniform(0.75, 1.25)):  # noqa: S311 - nothing secret depends on it
            raise Interrupted


def _seconds(header: str) -> int:
    """Of Retry-After (RFC 9110, 10.2.3), at most a day; 0 for none and for a date."""
    return min(int(header), DAY // SECOND) if header.isascii() and header.isdigit() and len(header) < 10 else 0


def next_page(url: str, following: str, seen: set[str]) -> str:
    """The address that a page names as the next. Raises ``FeedTrouble`` for one elsewhere, and for one asked before."""
    there = urljoin(url, following)
    if urlsplit(there)[:2] != urlsplit(url)[:2]:
        note = f"the next page stands on {mask(urlsplit(there).netloc)[:100]}, not where the first one does"
        raise FeedTrouble("foreign_page", note)
    if there in seen:
        raise FeedTrouble("page_loop", "the portal names a page as the next that was read already")
    return there


def purse(feed: Feed) -> str:
    """What calls are counted by: the key, or the feed itself where its portal wants none."""
    return feed.secret or f"feed {feed.id}"


def mask_bytes(raw: bytes, secrets: tuple[str, ...]) -> bytes:
    """Whatever the encoding is: Latin-1 keeps every byte, and keys are ASCII."""
    return mask(raw.decode("latin-1"), secrets).encode("latin-1")
