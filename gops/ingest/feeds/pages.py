"""Asking a portal for a page: within the budget, again where the portal fails, and never past its own "enough"."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from gops.clock import Clock
from gops.errors import GopsError, Unavailable
from gops.ingest.feeds.adapters import Adapter
from gops.ingest.feeds.answers import Failure, Page
from gops.ingest.feeds.budget import Budgets, midnight_after
from gops.ingest.feeds.model import Feed
from gops.ingest.feeds.troubles import FeedTrouble, Interrupted, is_passing
from gops.outbound import Call, Outbound, mask
from gops.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """A page and where it came from. ``raw`` and ``url`` are masked."""

    page: Page
    url: str
    raw: bytes = field(repr=False)


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

    def fetch(self, feed: Feed, adapter: Adapter, query: str, number: int, calls: list[str]) -> Asked | None:
        """None where the portal has nothing. ``calls`` gets the masked address of each call that is made.

        Raises ``FeedTrouble``, and ``Interrupted`` when GOPS stops meanwhile.
        """
        tries = self._settings.feed_retries + 1
        url = adapter.url(feed.config, query, number, feed.secret)
        trouble = FeedTrouble("internal", "nothing was tried")
        for attempt in range(tries):
            if attempt:
                self._wait(attempt)
            found = self._ask(feed, adapter, url, calls)
            if not isinstance(found, FeedTrouble):
                return found
            trouble = found
            if not trouble.passing:
                break
        raise trouble

    def _ask(self, feed: Feed, adapter: Adapter, url: str, calls: list[str]) -> Asked | FeedTrouble | None:
        if self._stopping.is_set():
            raise Interrupted
        self._pay(feed, len(calls))
        secrets = (feed.secret,)
        calls.append(mask(url, secrets))
        try:
            answer = self._outbound.fetch(Call(url, headers={"Accept": "application/json"}, secrets=secrets))
        except Unavailable as error:
            return FeedTrouble(error.code, mask(error.message, secrets), passing=True)
        except GopsError as error:
            return FeedTrouble(error.code, mask(error.message, secrets))
        found = adapter.read(answer.status, answer.body)
        if isinstance(found, Failure):
            return self._of(feed, found, secrets)
        raw = answer.body if feed.secret.encode() not in answer.body else mask_bytes(answer.body, secrets)
        return Asked(found, answer.url, raw)

    def _pay(self, feed: Feed, calls: int) -> None:
        if calls >= self._settings.feed_pages:
            bound = f"{self._settings.feed_pages} calls (GOPS_FEED_PAGES)"
            raise FeedTrouble("too_many_pages", f"the run would need more than {bound}")
        if not self._budgets.take(feed.adapter, feed.secret, feed.calls_per_day):
            note = f"the key's calls of today are spent, or its portal said so; the feed allows {feed.calls_per_day}"
            raise FeedTrouble("budget_spent", note, rests_until=midnight_after(self._clock.micros()))

    def _of(self, feed: Feed, failure: Failure, secrets: tuple[str, ...]) -> FeedTrouble | None:
        if failure.trouble == "no_data":
            return None
        note = mask(failure.note, secrets)
        if failure.trouble == "quota":
            self._budgets.stop(feed.adapter, feed.secret)
            raise FeedTrouble(failure.code, note, rests_until=midnight_after(self._clock.micros()))
        return FeedTrouble(failure.code, note, passing=is_passing(failure.trouble))

    def _wait(self, attempt: int) -> None:
        """Twice as long each time, a quarter more or less, so that feeds do not come back all at once."""
        seconds = self._settings.feed_retry_seconds * 2 ** (attempt - 1)
        if self._stopping.wait(seconds * random.uniform(0.75, 1.25)):  # noqa: S311 - nothing secret depends on it
            raise Interrupted


def mask_bytes(raw: bytes, secrets: tuple[str, ...]) -> bytes:
    return mask(raw.decode("utf-8", "replace"), secrets).encode()
