"""Notices as people see them: what was told, what could not be, how one wants it, and an organisation's webhook."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select, true

from gops.accounts.checks import one_of
from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Conflict, Unauthenticated
from gops.notify.model import Notice, NoticeHook, NoticeWish
from gops.notify.templates import render
from gops.outbound import Outbound
from gops.permissions import Actor, missing, permits, require
from gops.records import audit
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.settings import Settings

STATES = ("waiting", "sent", "dead")
LANGUAGES = ("ko", "en")
URL_LENGTH = 2000


@dataclass(frozen=True)
class Wish:
    """``mail`` False: no letters."""

    language: str
    mail: bool


class Notices:
    def __init__(self, database: Database, clock: Clock, settings: Settings, outbound: Outbound) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbound = outbound

    def list(self, actor: Actor, state: str | None = None, after: int = 0, limit: int = 100) -> Sequence[Notice]:
        """To the actor; for an organisation's owner those to all of it; all, for the operator and the auditor."""
        query = select(Notice).where(_seen(actor))
        if state is not None:
            query = query.where(Notice.state == one_of(state, STATES, "state"))
        with self._database.read() as session:
            return session.scalars(page(query, Notice.id, after, limit)).all()

    def retry(self, actor: Actor, notice_id: int) -> Notice:
        """Try a dead letter again, for a day. Raises ``Conflict`` (``not_dead``)."""
        now = self._clock.micros()
        with self._database.write() as session:
            query = select(Notice).where(Notice.id == notice_id, _seen(actor))
            row = session.scalar(query.with_for_update()) if is_id(notice_id) else None
            if row is None:
                raise missing("notice")
            if row.person_id != actor.person_id:
                require(actor, "organisation.edit", row.organisation_id)
            if row.state != "dead":
                raise Conflict("the notice was not given up", code="not_dead", field="state", found=row.state,
                               expected="a notice that is dead")  # fmt: skip
            row.state, row.attempts, row.begun_at, row.next_at, row.ended_at = "waiting", 0, now, now, None
        return row

    def title(self, notice: Notice, language: str) -> str:
        """Its subject."""
        return render(notice.event, notice.facts, language, self._settings.zone)[0]

    def wish(self, actor: Actor) -> Wish:
        person = _person(actor)
        with self._database.read() as session:
            found = session.get(NoticeWish, person)
        return Wish(found.language, found.mail) if found else Wish(self._settings.language, mail=True)

    def set_wish(self, actor: Actor, language: str, mail: bool) -> Wish:
        """How the actor's person wants to be told."""
        person = _person(actor)
        one_of(language, LANGUAGES, "language")
        with self._database.write() as session:
            session.merge(NoticeWish(person_id=person, language=language, mail=mail))
        return Wish(language, mail)

    def hook(self, actor: Actor, organisation_slug: str) -> str | None:
        """The address that an organisation's programs are told at."""
        with self._database.read() as session:
            home = organisation(session, organisation_slug)
            require(actor, "organisation.edit", home.id)
            found = session.get(NoticeHook, home.id)
        return found.url if found else None

    def set_hook(self, actor: Actor, organisation_slug: str, url: str) -> str:
        """The secret that signs what goes there, shown this once. Raises what ``Outbound.check`` does."""
        with self._database.read() as session:
            require(actor, "organisation.edit", organisation(session, organisation_slug).id)
        self._outbound.check(url[: URL_LENGTH + 1])
        secret, now = secrets.token_urlsafe(32), self._clock.micros()
        with self._database.write() as session:
            home = organisation(session, organisation_slug, lock=True)
            require(actor, "organisation.edit", home.id)
            session.merge(NoticeHook(organisation_id=home.id, url=url, secret=secret))
            audit.record(session, now, actor, "notice_hook.set", "organisation", home.id, home.id)
        return secret

    def drop_hook(self, actor: Actor, organisation_slug: str) -> None:
        with self._database.write() as session:
            home = organisation(session, organisation_slug, lock=True)
            require(actor, "organisation.edit", home.id)
            found = session.get(NoticeHook, home.id)
            if found is None:
                raise missing("webhook")
            session.delete(found)
            audit.record(session, self._clock.micros(), actor, "notice_hook.drop", "organisation", home.id, home.id)


def _person(actor: Actor) -> int:
    if actor.person_id is None:
        raise Unauthenticated("notices are a person's own", expected="Authorization: Bearer <key>")
    return actor.person_id


def _seen(actor: Actor) -> ColumnElement[bool]:
    person = _person(actor)
    if permits(actor, "audit.read", None):
        return true()
    own = Notice.person_id == person
    home = actor.organisation_id
    return or_(own, Notice.organisation_id == home) if permits(actor, "audit.read", home) else own
