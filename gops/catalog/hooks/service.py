"""Webhooks of dataset news: who is told of what. Those of an organisation are its own; for others there are none."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gops.accounts.lookup import organisation
from gops.catalog import lookup
from gops.catalog.history.model import DatasetNews
from gops.catalog.history.news import KINDS
from gops.catalog.hooks.model import DatasetHook, HookDelivery
from gops.catalog.model import Dataset
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.outbound import Outbound
from gops.permissions import Action, Actor, missing, require
from gops.records import audit
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.bounds import refuse_more
from gops.settings import Settings

NOUN = "dataset hook"
ADDRESS_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class HookView:
    """A hook with the slugs of its organisation and, where it asks after one, of its dataset."""

    row: DatasetHook
    organisation: str
    dataset: str | None

    @property
    def id(self) -> int:
        return self.row.id


class DatasetHooks:
    def __init__(self, database: Database, clock: Clock, settings: Settings, outbound: Outbound) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbound = outbound

    def create(
        self, actor: Actor, home: str, address: str, events: Sequence[str] = KINDS, dataset: str | None = None
    ) -> tuple[HookView, str]:
        """Be told of news from now on, of all datasets or of one that ``actor`` sees; and the secret, shown this once.

        Raises ``Invalid`` (``unknown_event``, and what ``Outbound.check`` raises of an address), ``NotFound``, ``Gone``
        for the dataset, ``Conflict`` at the bound.
        """
        with self._database.read() as session:
            require(actor, "alert.change", organisation(session, home).id)
        wanted = _events(events)
        _check_length(address)
        self._outbound.check(address)
        secret, now = secrets.token_hex(32), self._clock.micros()
        with self._database.write() as session:
            place = organisation(session, home, lock=True)
            require(actor, "alert.change", place.id)
            refuse_more(
                session, self._settings, "organisation_hooks", DatasetHook.organisation_id == place.id, place.id
            )
            of = None if dataset is None else lookup.readable(session, actor, dataset)
            heard = session.scalar(select(func.max(DatasetNews.id))) or 0
            row = DatasetHook(
                organisation_id=place.id, dataset_id=None if of is None else of.id, address=address, secret=secret,
                events=wanted, heard=heard, created_at=now,
            )  # fmt: skip
            session.add(row)
            session.flush()
            audit.record(session, now, actor, "dataset_hook.create", "dataset_hook", row.id, place.id)
        return HookView(row, place.slug, None if of is None else of.slug), secret

    def list(self, actor: Actor, home: str, after: int = 0, limit: int = 100) -> Sequence[HookView]:
        with self._database.read() as session:
            place = organisation(session, home)
            require(actor, "alert.read", place.id)
            query = select(DatasetHook, Dataset.slug).outerjoin(Dataset, Dataset.id == DatasetHook.dataset_id)
            query = query.where(DatasetHook.organisation_id == place.id)
            rows = session.execute(page(query, DatasetHook.id, after, limit)).all()
        return [HookView(row, place.slug, slug) for row, slug in rows]

    def delete(self, actor: Actor, hook_id: int) -> None:
        """What waits to be sent does not go out."""
        with self._database.write() as session:
            row = _own(session, actor, hook_id, "alert.change")
            session.execute(delete(HookDelivery).where(HookDelivery.hook_id == row.id))
            now = self._clock.micros()
            audit.record(session, now, actor, "dataset_hook.delete", "dataset_hook", row.id, row.organisation_id)
            session.delete(row)

    def deliveries(
        self, actor: Actor, hook_id: int, after: int = 0, limit: int = 100, *, state: str | None = None
    ) -> Sequence[HookDelivery]:
        """What was or is to be sent, the oldest first; ``state``: waiting, sent or dead."""
        with self._database.read() as session:
            row = _own(session, actor, hook_id, "alert.read")
            query = select(HookDelivery).where(HookDelivery.hook_id == row.id)
            if state is not None:
                query = query.where(HookDelivery.state == state)
            return session.scalars(page(query, HookDelivery.id, after, limit)).all()

    def send_again(self, actor: Actor, hook_id: int, delivery_id: int) -> HookDelivery:
        """Try a dead letter anew, for as long as a fresh one. Raises ``Conflict`` (``not_dead``) for another."""
        now = self._clock.micros()
        with self._database.write() as session:
            hook = _own(session, actor, hook_id, "alert.change")
            own = HookDelivery.id == delivery_id, HookDelivery.hook_id == hook.id
            row = session.scalar(select(HookDelivery).where(*own).with_for_update()) if is_id(delivery_id) else None
            if row is None:
                raise missing("delivery")
            if row.state != "dead":
                message = f"delivery {row.id} is {row.state}"
                raise Conflict(message, code="not_dead", field="state", found=row.state, expected="dead")
            row.state, row.attempts, row.begun_at, row.next_at, row.ended_at = "waiting", 0, now, now, None
        return row


def _events(given: Sequence[str]) -> list[str]:
    for one in given:
        if one not in KINDS:
            expected = "some of " + ", ".join(KINDS)
            raise Invalid("no such event", code="unknown_event", field="events", found=one, expected=expected)
    if not given:
        raise Invalid("no event is named", field="events", found=0, expected="some of " + ", ".join(KINDS))
    return [one for one in KINDS if one in given]


def _check_length(address: str) -> None:
    if not isinstance(address, str) or len(address) > ADDRESS_LENGTH:
        expected = f"an address of at most {ADDRESS_LENGTH} characters"
        raise Invalid("this is no address", field="address", expected=expected)


def _own(session: Session, actor: Actor, hook_id: int, action: Action) -> DatasetHook:
    query = select(DatasetHook).where(DatasetHook.id == hook_id)
    if action != "alert.read":  # PostgreSQL locks nothing for who only reads
        query = query.with_for_update()
    row = session.scalar(query) if is_id(hook_id) else None
    if row is None:
        raise missing(NOUN)
    require(actor, action, row.organisation_id, hidden=NOUN, shown_by="alert.read")
    return row
