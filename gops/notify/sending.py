"""Notices go out: each at least once, tried for a day, then kept as a dead letter.

A batch is claimed before it is sent: its next try is moved ahead, so that two processes don't send one notice at
once, and what a killed process had claimed is tried again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gops import logs
from gops.accounts.model import Organisation, Person
from gops.clock import DAY, MINUTE, Clock, from_micros
from gops.errors import GopsError, Invalid
from gops.notify.attempts import note
from gops.notify.channels import LETTER
from gops.notify.letter import Letters
from gops.notify.model import Notice, NoticeHook, NoticeWish
from gops.notify.templates import render
from gops.notify.webhook import Webhook
from gops.records.database import Database
from gops.settings import Settings

AT_ONCE = 50
OF_ONE = 8  # of one organisation in a batch: a slow receiver holds up its own first
CLAIM = 15 * MINUTE  # longer than a batch whose every letter times out takes
FORGET_AT_ONCE = 5000
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A notice as it is sent: by mail to ``to``, or to the webhook ``url``. Neither: nobody is there any more."""

    id: int
    event: str
    at: int
    facts: Mapping[str, Any]
    organisation: str
    language: str
    to: str | None = None
    url: str | None = None
    secret: str = ""


class Sender:
    """``run`` by a job."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        letters: Letters,
        webhook: Webhook,
        stopping: threading.Event,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._letters = letters
        self._webhook = webhook
        self._stopping = stopping
        self._chance = random.SystemRandom()

    def run(self) -> int:
        """Send what is due; how many were tried."""
        tried = 0
        while not self._stopping.is_set():
            parcels = self._claim()
            if not parcels:
                break
            for parcel in parcels:
                self._settle(parcel, self._try(parcel))
                tried += 1
                if self._stopping.is_set():
                    break
        return tried

    def forget_old(self) -> None:
        """Delete notices that are older than ``notice_days``, in small units."""
        before = self._clock.micros() - self._settings.notice_days * DAY
        while True:
            with self._database.write() as session:
                old = session.scalars(select(Notice.id).where(Notice.at < before).limit(FORGET_AT_ONCE)).all()
                session.execute(delete(Notice).where(Notice.id.in_(old)))
            if len(old) < FORGET_AT_ONCE:
                return

    def _claim(self) -> Sequence[Parcel]:
        now = self._clock.micros()
        due = select(Notice).where(Notice.state == "waiting", Notice.next_at <= now).order_by(Notice.next_at)
        with self._database.read() as session:
            if session.scalar(due.with_only_columns(Notice.id).limit(1)) is None:
                return []
        with self._database.write() as session:
            rows = session.scalars(due.limit(10 * AT_ONCE).with_for_update(skip_locked=True)).all()
            claimed = _in_turn(rows)[:AT_ONCE]
            for row in claimed:
                row.next_at = now + CLAIM
            return [_parcel(session, row, self._settings.language) for row in claimed]

    def _try(self, parcel: Parcel) -> GopsError | None:
        """What went wrong, None for nothing."""
        try:
            self._send(parcel)
        except GopsError as error:
            return error
        except ValueError as error:  # a header of two lines
            return Invalid(f"no letter can be written: {error}", code="mail_refused")
        return None

    def _send(self, parcel: Parcel) -> None:
        if parcel.event == LETTER:
            self._letters.put(parcel.facts["to"], parcel.facts["subject"], parcel.facts["text"])
        elif parcel.url is not None:
            self._webhook.send(parcel.url, parcel.secret, _body(parcel, self._settings), f"notice-{parcel.id}")
        elif parcel.to is not None:
            subject, text = render(parcel.event, parcel.facts, parcel.language, self._settings.zone)
            self._letters.put(parcel.to, subject, text)
        else:
            raise Invalid("the receiver is gone, or wants no letters", code="mail_refused")

    def _settle(self, parcel: Parcel, problem: GopsError | None) -> None:
        now = self._clock.micros()
        with self._database.write() as session:
            row = session.get(Notice, parcel.id, with_for_update=True)
            if row is None or row.state != "waiting":
                return
            note(row, problem, now, self._chance.random(), parcel.secret)
        if problem is not None and row.state == "dead":
            log.warning("notice_dead", notice=row.id, told=row.event, reason=problem.code)


def _in_turn(rows: Sequence[Notice]) -> list[Notice]:
    taken: dict[int | None, int] = {}
    found = []
    for row in rows:
        taken[row.organisation_id] = taken.get(row.organisation_id, 0) + 1
        if row.organisation_id is None or taken[row.organisation_id] <= OF_ONE:
            found.append(row)
    return found


def _parcel(session: Session, row: Notice, language: str) -> Parcel:
    home = session.get(Organisation, row.organisation_id) if row.organisation_id else None
    to = url = None
    secret = ""
    if row.person_id is not None:
        wish = session.get(NoticeWish, row.person_id)
        person = session.get(Person, row.person_id)
        language = wish.language if wish else language
        to = person.email if person and (wish is None or wish.mail) else None
    elif row.organisation_id is not None:
        hook = session.get(NoticeHook, row.organisation_id)
        url, secret = (hook.url, hook.secret) if hook else (None, "")
    return Parcel(row.id, row.event, row.at, row.facts, home.slug if home else "", language, to, url, secret)


def _body(parcel: Parcel, settings: Settings) -> bytes:
    subjects = {one: render(parcel.event, parcel.facts, one, settings.zone)[0] for one in ("ko", "en")}
    at = from_micros(parcel.at).isoformat().replace("+00:00", "Z")
    told = {"id": parcel.id, "event": parcel.event, "at": at, "organisation": parcel.organisation}
    return orjson.dumps({**told, "title": subjects, "facts": dict(parcel.facts)})
