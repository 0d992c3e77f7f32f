"""Alerts as their publishers see them: rules, where they stand, what happened, what could not be delivered."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from gops.accounts.lookup import find_device, organisation
from gops.accounts.model import Membership, Organisation, Person
from gops.alerts.condition import fresh
from gops.alerts.model import AlertDelivery, AlertEvent, AlertRule, AlertState
from gops.alerts.rules import DATASTREAMS, Wish, said
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.outbound import Outbound
from gops.permissions import Action, Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors import texts
from gops.sensors.bounds import refuse_more
from gops.sensors.ending import refuse_ended
from gops.sensors.model import Datastream
from gops.settings import Settings

NOUN = "alert"
Row = TypeVar("Row", AlertEvent, AlertDelivery)


@dataclass(frozen=True)
class Rule:
    """A rule and where it stands for each of its Datastreams, in the order of their ids."""

    row: AlertRule
    organisation: str
    states: Sequence[AlertState]

    @property
    def id(self) -> int:
        return self.row.id


class Alerts:
    """Rules are their organisation's own: for others there are none (``NotFound``)."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, outbound: Outbound) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbound = outbound

    def create(self, actor: Actor, home: str, wish: Wish) -> tuple[Rule, str]:
        """A new rule, and the secret that signs its webhooks, shown this once.

        Raises ``Invalid`` (``bad_condition``, and what ``Outbound.check`` raises of an address), ``Conflict``.
        """
        with self._database.read() as session:
            require(actor, "alert.change", organisation(session, home).id)
        self._check_addresses(wish)
        secret, now = secrets.token_hex(32), self._clock.micros()
        with self._database.write() as session:
            place = organisation(session, home, lock=True)
            require(actor, "alert.change", place.id)
            own = AlertRule.organisation_id == place.id
            refuse_more(session, self._settings, "organisation_alerts", own, place.id)
            columns = self._checked(session, wish, place)
            rule = AlertRule(organisation_id=place.id, secret=secret, revision=1, created_at=now, **columns)
            session.add(rule)
            session.flush()
            states = _begin(session, rule, wish, now)
            self._changed(session, actor, "alert.create", rule)
        return Rule(rule, place.slug, states), secret

    def replace(self, actor: Actor, rule_id: int, wish: Wish) -> Rule:
        """Say the rule anew. It begins afresh: what fires is no longer held against it."""
        with self._database.read() as session:
            _rule(session, actor, rule_id, "alert.change")
        self._check_addresses(wish)
        now = self._clock.micros()
        with self._database.write() as session:
            rule, place = _rule(session, actor, rule_id, "alert.change", lock=True)
            for name, value in self._checked(session, wish, place).items():
                setattr(rule, name, value)
            rule.revision += 1
            session.execute(delete(AlertState).where(AlertState.rule_id == rule.id))
            states = _begin(session, rule, wish, now)
            self._changed(session, actor, "alert.change", rule)
        return Rule(rule, place.slug, states)

    def renew_secret(self, actor: Actor, rule_id: int) -> str:
        """Another secret for its webhooks, at once; shown this once."""
        secret = secrets.token_hex(32)
        with self._database.write() as session:
            rule, _place = _rule(session, actor, rule_id, "alert.change", lock=True)
            rule.secret = secret
            self._changed(session, actor, "alert.renew_secret", rule)
        return secret

    def delete(self, actor: Actor, rule_id: int) -> None:
        """Its history stays; what waits to be sent does not."""
        with self._database.write() as session:
            rule, _place = _rule(session, actor, rule_id, "alert.change", lock=True)
            self._changed(session, actor, "alert.delete", rule)
            session.execute(delete(AlertDelivery).where(AlertDelivery.rule_id == rule.id))
            session.execute(delete(AlertState).where(AlertState.rule_id == rule.id))
            session.delete(rule)

    def get(self, actor: Actor, rule_id: int) -> Rule:
        with self._database.read() as session:
            rule, place = _rule(session, actor, rule_id, "alert.read")
            return Rule(rule, place.slug, _states(session, [rule.id]))

    def list(self, actor: Actor, home: str, after: int = 0, limit: int = 100) -> Sequence[Rule]:
        with self._database.read() as session:
            place = organisation(session, home)
            require(actor, "alert.read", place.id)
            query = select(AlertRule).where(AlertRule.organisation_id == place.id)
            rows = session.scalars(page(query, AlertRule.id, after, limit)).all()
            states = _states(session, [row.id for row in rows])
            return [Rule(row, place.slug, [one for one in states if one.rule_id == row.id]) for row in rows]

    def events(
        self, actor: Actor, home: str, after: int = 0, limit: int = 100, *, rule: int | None = None, open: bool = False
    ) -> Sequence[AlertEvent]:
        """What happened, oldest first; ``open``: what fired and nobody has acknowledged."""
        conditions = [] if rule is None else [AlertEvent.rule_id == rule]
        if open:
            conditions += [AlertEvent.what == "fired", AlertEvent.acknowledged_at.is_(None)]
        return self._page(actor, home, AlertEvent, conditions, after, limit)

    def acknowledge(self, actor: Actor, event_id: int, note: str = "") -> AlertEvent:
        """Say that somebody has seen to it. Raises ``Conflict`` (``acknowledged``) when somebody did before."""
        text = texts.prose(note, "note")
        with self._database.write() as session:
            event = _own(session, actor, AlertEvent, event_id, "alert event")
            if event.acknowledged_at is not None:
                raise Conflict(
                    f"event {event.id} was acknowledged before", code="acknowledged", field="event", found=event.id
                )
            event.acknowledged_at, event.acknowledged_by = self._clock.micros(), actor.person_id
            event.note = text or None
            now, home = self._clock.micros(), event.organisation_id
            audit.record(session, now, actor, "alert.acknowledge", "alert_event", event.id, home)
        return event

    def deliveries(
        self, actor: Actor, home: str, after: int = 0, limit: int = 100, *, state: str | None = None
    ) -> Sequence[AlertDelivery]:
        """What was or is to be sent, oldest first; ``state``: waiting, sent or dead."""
        conditions = [] if state is None else [AlertDelivery.state == state]
        return self._page(actor, home, AlertDelivery, conditions, after, limit)

    def send_again(self, actor: Actor, delivery_id: int) -> AlertDelivery:
        """Try a dead letter anew, for as long as a fresh one. Raises ``Conflict`` (``not_dead``) for another."""
        now = self._clock.micros()
        with self._database.write() as session:
            row = _own(session, actor, AlertDelivery, delivery_id, "alert delivery")
            if row.state != "dead":
                raise Conflict(
                    f"delivery {row.id} is {row.state}",
                    code="not_dead",
                    field="state",
                    found=row.state,
                    expected="dead",
                )
            row.state, row.attempts, row.begun_at, row.next_at, row.ended_at = "waiting", 0, now, now, None
            audit.record(session, now, actor, "alert.send_again", "alert_delivery", row.id, row.organisation_id)
        return row

    def _page(
        self,
        actor: Actor,
        home: str,
        model: type[Row],
        conditions: Sequence[ColumnElement[bool]],
        after: int,
        limit: int,
    ) -> Sequence[Row]:
        with self._database.read() as session:
            place = organisation(session, home)
            require(actor, "alert.read", place.id)
            query = select(model).where(model.organisation_id == place.id, *conditions)
            return session.scalars(page(query, model.id, after, limit)).all()

    def _check_addresses(self, wish: Wish) -> None:
        for one in wish.channels:
            if one.get("kind") == "webhook" and isinstance(one.get("url"), str):
                self._outbound.check(one["url"])

    def _checked(self, session: Session, wish: Wish, place: Organisation) -> dict[str, Any]:
        columns = said(wish, _streams(session, wish.datastreams, place))
        for channel in columns["channels"]:
            _check_receiver(session, channel, place)
        return columns

    def _changed(self, session: Session, actor: Actor, action: str, rule: AlertRule) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, NOUN, rule.id, rule.organisation_id, name=rule.name)
        events.append(session, now, "alert.changed", rule=rule.id)


def _begin(session: Session, rule: AlertRule, wish: Wish, now: int) -> Sequence[AlertState]:
    new = fresh(now)
    rows = [
        AlertState(
            rule_id=rule.id, datastream_id=one, revision=rule.revision, phase=new.phase, since=now, heard=now, seen=0,
            t=None, value=None, text=None, same=0,
        )
        for one in sorted(set(wish.datastreams))
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


def _states(session: Session, rules: Sequence[int]) -> Sequence[AlertState]:
    query = select(AlertState).where(AlertState.rule_id.in_(rules))
    return session.scalars(query.order_by(AlertState.rule_id, AlertState.datastream_id)).all()


def _rule(
    session: Session, actor: Actor, rule_id: int, action: Action, *, lock: bool = False
) -> tuple[AlertRule, Organisation]:
    query = select(AlertRule).where(AlertRule.id == rule_id)
    rule = session.scalar(query.with_for_update() if lock else query) if is_id(rule_id) else None
    if rule is None:
        raise missing(NOUN)
    require(actor, action, rule.organisation_id, hidden=NOUN, shown_by="alert.read")
    place = session.get(Organisation, rule.organisation_id)
    assert place is not None, "a foreign key holds it"
    return rule, place


def _own(session: Session, actor: Actor, model: type[Row], record_id: int, noun: str) -> Row:
    """The event or delivery, locked, where ``actor`` may change alerts."""
    query = select(model).where(model.id == record_id).with_for_update()
    row = session.scalar(query) if is_id(record_id) else None
    if row is None:
        raise missing(noun)
    require(actor, "alert.change", row.organisation_id, hidden=noun, shown_by="alert.read")
    return row


def _streams(session: Session, ids: Sequence[int], place: Organisation) -> Sequence[Datastream]:
    """Living Datastreams of the organisation, all of ``ids``. Raises ``Invalid``, ``NotFound``, ``Conflict``."""
    wanted = sorted({one for one in ids if is_id(one)})
    if not 0 < len(wanted) <= DATASTREAMS:
        expected = f"1 to {DATASTREAMS} Datastreams"
        raise Invalid(
            f"the rule names {len(wanted)} Datastreams, expected {expected}",
            field="datastreams",
            found=len(wanted),
            expected=expected,
        )
    query = select(Datastream).where(Datastream.id.in_(wanted), Datastream.organisation_id == place.id)
    found = session.scalars(query.order_by(Datastream.id)).all()
    if len(found) != len(wanted):
        raise missing("datastream")
    for stream in found:
        refuse_ended(stream)
    return found


def _check_receiver(session: Session, channel: dict[str, str], place: Organisation) -> None:
    """A letter goes to a member, a message to a device of the organisation; nobody else is written to."""
    if channel["kind"] == "mail":
        query = select(Membership.id).join(Person).where(Membership.organisation_id == place.id)
        if session.scalar(query.where(Person.email == channel["to"]).limit(1)) is None:
            raise _unknown("channels.to", channel["to"], f"the mail address of a member of {place.slug}")
    if channel["kind"] == "mqtt":
        found = find_device(session, f"{place.slug}/{channel['device']}")
        if found is None or found[0].revoked_at is not None:
            raise _unknown("channels.device", channel["device"], f"a device of {place.slug} that is in use")


def _unknown(field: str, found: str, expected: str) -> Invalid:
    return Invalid(f"{found} is not {expected}", code="unknown_receiver", field=field, found=found, expected=expected)
