"""News go out to webhooks: each at least once, tried for a day, then kept as a dead letter.

News are dealt out from their table, not from the event that announces them, so that what was told while GOPS stood
still goes out too. A batch is claimed before it is sent: what a killed process had claimed is tried again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gops import logs
from gops.accounts.model import Organisation
from gops.catalog.history.atom import moment, related
from gops.catalog.history.model import DatasetNews
from gops.catalog.history.news import EVENT, News
from gops.catalog.hooks.model import DatasetHook, HookDelivery
from gops.catalog.model import Dataset
from gops.clock import DAY, MINUTE, Clock
from gops.errors import GopsError
from gops.jobs import Jobs
from gops.notify.attempts import note
from gops.notify.webhook import Webhook
from gops.outbound import Bounds, Outbound
from gops.records.database import Database, serialise
from gops.records.events import Event
from gops.settings import Settings

JOB = "dataset hooks"
LOOK_SECONDS = 10.0
SOON_SECONDS = 0.5
WEBHOOK_SECONDS = 10.0  # a receiver takes a message and thinks about it later
AT_ONCE = 50
DEALT_AT_ONCE = 500  # pieces of news for one hook
CLAIM = 15 * MINUTE  # longer than a batch takes in which every receiver times out
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    id: int
    address: str
    secret: str
    body: bytes


class HookSender:
    """``run`` in a job, as ``schedule`` arranges; ``handlers`` belong into the event pump."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        webhook: Webhook,
        stopping: threading.Event | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._webhook = webhook
        self._stopping = stopping or threading.Event()
        self._chance = random.SystemRandom()
        self._heard: Callable[[], None] = lambda: None
        self.handlers: Mapping[str, tuple[Callable[[Event], None], ...]] = {EVENT: (self._told,)}

    def schedule(self, jobs: Jobs) -> None:
        """Look every now and then, and soon after there is news."""
        jobs.every(JOB, LOOK_SECONDS, self.run)
        self._heard = partial(jobs.soon, JOB, SOON_SECONDS)

    def _told(self, _event: Event) -> None:
        self._heard()

    def run(self) -> int:
        """Deal out what is new and send what is due; how many were tried."""
        self._deal()
        tried = 0
        while not self._stopping.is_set() and (parcels := self._claim()):
            for parcel in parcels:
                self._settle(parcel, self._try(parcel))
                tried += 1
        self._forget()
        return tried

    def _deal(self) -> None:
        with self._database.read() as session:
            newest = session.scalar(select(func.max(DatasetNews.id))) or 0
            behind = session.scalars(select(DatasetHook.id).where(DatasetHook.heard < newest)).all()
        for one in behind:
            with self._database.write() as session:
                serialise(session, JOB)
                hook = session.get(DatasetHook, one, with_for_update=True)
                if hook is not None:
                    _deal_to(session, hook, newest, self._clock.micros())

    def _claim(self) -> Sequence[Parcel]:
        now = self._clock.micros()
        is_due = HookDelivery.state == "waiting", HookDelivery.next_at <= now
        with self._database.read() as session:
            if session.scalar(select(HookDelivery.id).where(*is_due).limit(1)) is None:
                return []
        with self._database.write() as session:
            serialise(session, JOB)
            query = select(HookDelivery).where(*is_due).order_by(HookDelivery.next_at, HookDelivery.id)
            rows = session.scalars(query.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
            for row in rows:
                row.next_at = now + CLAIM
            return [_parcel(session, row, self._settings.base_url.rstrip("/")) for row in rows]

    def _try(self, parcel: Parcel) -> GopsError | None:
        """What went wrong, None for nothing."""
        try:
            self._webhook.send(parcel.address, parcel.secret, parcel.body, f"dataset-{parcel.id}")
        except GopsError as error:
            return error
        return None

    def _settle(self, parcel: Parcel, problem: GopsError | None) -> None:
        now = self._clock.micros()
        with self._database.write() as session:
            row = session.get(HookDelivery, parcel.id, with_for_update=True)
            if row is None or row.state != "waiting":
                return
            note(row, problem, now, self._chance.random(), parcel.secret)
        if row.state == "dead" and problem is not None:
            log.warning("hook_delivery_dead", delivery=row.id, hook=row.hook_id, reason=problem.code)

    def _forget(self) -> None:
        """Deliveries that ended longer ago than the setting hook_days."""
        before = self._clock.micros() - self._settings.hook_days * DAY
        old = select(HookDelivery.id).where(HookDelivery.ended_at < before)
        with self._database.read() as session:
            ids = session.scalars(old.limit(5000)).all()
        if ids:
            with self._database.write() as session:
                session.execute(delete(HookDelivery).where(HookDelivery.id.in_(ids)))


def hook_sender(database: Database, clock: Clock, settings: Settings, stopping: threading.Event) -> HookSender:
    """With the guard of addresses, and receivers that have to be quick."""
    bounds = Bounds.of(settings)
    outbound = Outbound(replace(bounds, total=min(bounds.total, WEBHOOK_SECONDS)), settings.outbound_allow)
    return HookSender(database, clock, settings, Webhook(outbound, clock), stopping)


def body(news: News, base: str) -> dict[str, Any]:
    """JSON of a piece of news (docs/datasets.md). Times are ISO 8601 in UTC."""
    row = news.row
    return {
        "id": row.id,
        "event": f"dataset.{row.what}",
        "at": moment(row.at),
        "dataset": {"slug": news.slug, "title": {"ko": row.title_ko, "en": row.title_en}},
        "publisher": {
            "slug": news.publisher.slug,
            "name": {"ko": news.publisher.name_ko, "en": news.publisher.name_en},
        },
        "number": row.number,
        "note": row.note,
        "address": f"{base}{related(news)}",
    }


def _deal_to(session: Session, hook: DatasetHook, newest: int, now: int) -> None:
    query = select(DatasetNews).where(DatasetNews.id > hook.heard, DatasetNews.id <= newest)
    if hook.dataset_id is not None:
        query = query.where(DatasetNews.dataset_id == hook.dataset_id)
    rows = session.scalars(query.order_by(DatasetNews.id).limit(DEALT_AT_ONCE)).all()
    session.add_all(
        HookDelivery(hook_id=hook.id, news_id=row.id, state="waiting", attempts=0, begun_at=now, next_at=now)
        for row in rows
        if row.what in hook.events
    )
    hook.heard = rows[-1].id if len(rows) == DEALT_AT_ONCE else newest


def _parcel(session: Session, row: HookDelivery, base: str) -> Parcel:
    hook = session.get_one(DatasetHook, row.hook_id)
    news = session.get_one(DatasetNews, row.news_id)
    dataset, publisher = session.get_one(Dataset, news.dataset_id), session.get_one(Organisation, news.publisher_id)
    return Parcel(row.id, hook.address, hook.secret, orjson.dumps(body(News(news, dataset.slug, publisher), base)))
