"""Do the links of harvested datasets answer? They are tried by the clock, politely; what was seen counts as quality.

HEAD first, and a GET of one byte where that is refused. One after another, with a pause between two questions to a host
and a bound of them in a run; a host that does not answer is left alone for the rest of the run.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gops import logs
from gops.catalog.harvest.found import Found
from gops.catalog.harvest.model import HarvestItem, HarvestTry
from gops.clock import DAY, Clock
from gops.errors import GopsError, TooLarge
from gops.jobs import Jobs
from gops.outbound import Bounds, Call, Outbound
from gops.records.database import Database
from gops.settings import Settings

JOB = "links"
LOOK_SECONDS = 60.0
AT_ONCE = 50  # datasets in a run
TRIED = 20  # links of a dataset
OF_HOST = 30  # questions to one host in a run
PAUSE = 1.0  # seconds between two questions to one host
SIZE = 65_536  # bytes of an answer that are read
SECONDS = 10.0
AGAIN = DAY  # where something did not answer
log = logs.get(__name__)


@dataclass(frozen=True)
class Seen:
    """What a link answered: a status of HTTP, or the code of why there was none."""

    status: int | None = None
    code: str | None = None

    @property
    def answers(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def word(self) -> str:
        return "" if self.answers else str(self.status or self.code)


@dataclass
class Turns:
    """What one run asked of hosts: how often, and which did not answer. ``seen`` by address."""

    asked: dict[str, int] = field(default_factory=dict)
    silent: dict[str, Seen] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)


class Links:
    """``run`` in a job, as ``schedule`` arranges. ``every`` days a link is tried again, and a day after it failed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        days: int,
        outbound: Outbound,
        stopping: threading.Event | None = None,
        pause: float = PAUSE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._every = days * DAY
        self._outbound = outbound
        self._stopping = stopping or threading.Event()
        self._pause = pause

    @classmethod
    def of(cls, database: Database, clock: Clock, settings: Settings, stopping: threading.Event) -> Links:
        bounds = replace(Bounds.of(settings), size=SIZE, total=SECONDS)
        return cls(database, clock, settings.harvest_link_days, Outbound(bounds, settings.outbound_allow), stopping)

    def schedule(self, jobs: Jobs) -> None:
        if self._every:
            jobs.every(JOB, LOOK_SECONDS, self.run)

    def run(self) -> int:
        """Try the links of what is due; of how many datasets."""
        turns, done = Turns(), 0
        for item in self._due():
            seen = self._try(item, turns)
            if seen is None:  # its host had its share; the next run goes on
                continue
            self._keep(item, seen)
            done += 1
            if self._stopping.is_set():
                break
        return done

    def _due(self) -> Sequence[HarvestItem]:
        now = self._clock.micros()
        query = select(HarvestItem).outerjoin(HarvestTry, HarvestTry.dataset_id == HarvestItem.dataset_id)
        due = or_(HarvestTry.id.is_(None), HarvestTry.next_at <= now, HarvestTry.digest != HarvestItem.digest)
        query = query.where(HarvestItem.removed_at.is_(None), due)
        with self._database.read() as session:
            order = HarvestTry.next_at.asc().nulls_first(), HarvestItem.id
            return session.scalars(query.order_by(*order).limit(AT_ONCE)).all()

    def _try(self, item: HarvestItem, turns: Turns) -> dict[str, Seen] | None:
        found: dict[str, Seen] = {}
        for link in Found.of(item.document).links[:TRIED]:
            host = urlsplit(link.url).netloc.lower()
            seen = turns.seen.get(link.url) or turns.silent.get(host)
            if seen is None:
                if turns.asked.get(host, 0) >= OF_HOST or self._stopping.is_set():
                    return None
                if host in turns.asked:
                    self._stopping.wait(self._pause)
                turns.asked[host] = turns.asked.get(host, 0) + 1
                seen = turns.seen[link.url] = tried(self._outbound, link.url)
                if seen.code is not None and seen.code.startswith("host_"):
                    turns.silent[host] = seen
            found[link.url] = seen
        return found

    def _keep(self, item: HarvestItem, seen: Mapping[str, Seen]) -> None:
        now = self._clock.micros()
        good = all(one.answers for one in seen.values())
        with self._database.write() as session:
            row = session.scalar(select(HarvestTry).where(HarvestTry.dataset_id == item.dataset_id).with_for_update())
            if row is None:
                row = HarvestTry(dataset_id=item.dataset_id)
                session.add(row)
            row.digest, row.tried_at = item.digest, now
            row.next_at = now + (self._every if good else min(self._every, AGAIN))
            row.links = {url: {"status": one.status, "code": one.code} for url, one in seen.items()}
        if not good:
            failed = sum(not one.answers for one in seen.values())
            log.info("links_tried", dataset=item.dataset_id, links=len(seen), failed=failed)


def tried(outbound: Outbound, url: str) -> Seen:
    """Ask for the head of ``url``, and for its first byte where that is refused."""
    seen = Seen()
    for call in (Call(url, "HEAD"), Call(url, headers={"Range": "bytes=0-0"})):
        seen = _asked(outbound, call)
        if seen.answers or (seen.status is None and seen.code != "answer_broken"):
            break
    return seen


def _asked(outbound: Outbound, call: Call) -> Seen:
    try:
        return Seen(outbound.fetch(call).status)
    except TooLarge as error:  # it answers with more than the byte that was asked for
        return Seen((error.extra or {}).get("status"), error.code)
    except GopsError as error:
        return Seen(None, error.code)


def seen_links(session: Session, ids: Sequence[int]) -> dict[int, Mapping[str, Seen]]:
    """What was seen last of the links of these datasets, by id of the dataset and address."""
    if not ids:
        return {}
    rows = session.scalars(select(HarvestTry).where(HarvestTry.dataset_id.in_(ids)))
    return {row.dataset_id: {url: Seen(one["status"], one["code"]) for url, one in row.links.items()} for row in rows}
