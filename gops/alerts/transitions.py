"""Steps of alerts, written before anybody hears of them: state, event and deliveries in one write unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from gops import logs
from gops.accounts.model import Organisation
from gops.alerts.book import Watch
from gops.alerts.condition import Change, State
from gops.alerts.model import AlertDelivery, AlertEvent, AlertRule, AlertState
from gops.alerts.payload import body
from gops.clock import DAY, HOUR
from gops.sensors.model import Datastream
from gops.settings import Settings

COLUMNS = ("phase", "since", "heard", "seen", "t", "value", "text", "same")
IN_ONE = 500  # ids of one question
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """Where a watch stands now, and what happened on the way there."""

    watch: Watch
    state: State
    changes: Sequence[Change] = ()


def keep(session: Session, steps: Iterable[Step]) -> None:
    """Write where watches stand. What was found under a rule that has changed since is left out."""
    rows = [
        {"r": one.watch.rule, "d": one.watch.datastream, "v": one.watch.revision}
        | {f"n_{name}": getattr(one.state, name) for name in COLUMNS}
        for one in steps
    ]
    table: Any = AlertState.__table__
    same = (table.c.rule_id == bindparam("r")) & (table.c.datastream_id == bindparam("d"))
    same &= table.c.revision == bindparam("v")
    if rows:
        values: dict[str, Any] = {name: bindparam(f"n_{name}") for name in COLUMNS}
        session.connection().execute(update(table).where(same).values(values), rows)


def tell(session: Session, steps: Sequence[Step], now: int, settings: Settings) -> int:
    """Write steps with what happened, and what is to be sent of it; how many events."""
    keep(session, steps)
    found = _Found(session, steps)
    room = _Room(session, {rule.organisation_id for rule in found.rules.values()}, now, settings)
    told = 0
    for step in steps:
        rule = found.rules.get(step.watch.rule)
        if rule is None or rule.revision != step.watch.revision:
            continue
        for change in step.changes:
            told += _tell(session, step, change, rule, found, room, now)
    room.report()
    return told


def _tell(session: Session, step: Step, change: Change, rule: AlertRule, found: _Found, room: _Room, now: int) -> bool:
    stream = found.streams.get(step.watch.datastream)
    if stream is None or not room.event(rule.organisation_id):
        return False
    event = AlertEvent(
        organisation_id=rule.organisation_id,
        rule_id=rule.id,
        datastream_id=stream.id,
        rule_name=rule.name,
        severity=rule.severity,
        what=change.what,
        at=now,
        since=change.at,
        t=change.state.t,
        value=change.state.value,
        text=change.state.text,
    )
    session.add(event)
    session.flush()
    told = body(event, rule, stream, found.slugs[rule.organisation_id], change)
    for channel in rule.channels:
        if room.delivery(rule.organisation_id):
            session.add(
                AlertDelivery(
                    organisation_id=rule.organisation_id,
                    rule_id=rule.id,
                    event_id=event.id,
                    channel=channel,
                    body=told,
                    state="waiting",
                    attempts=0,
                    begun_at=now,
                    next_at=now,
                )
            )
    return True


class _Found:
    """The records that steps are about."""

    def __init__(self, session: Session, steps: Sequence[Step]) -> None:
        self.rules: Mapping[int, AlertRule] = _by_id(session, AlertRule, {one.watch.rule for one in steps})
        self.streams: Mapping[int, Datastream] = _by_id(session, Datastream, {one.watch.datastream for one in steps})
        homes = {rule.organisation_id for rule in self.rules.values()}
        self.slugs = {one.id: one.slug for one in _by_id(session, Organisation, homes).values()}


def _by_id(session: Session, model: Any, ids: set[int]) -> dict[int, Any]:
    wanted = sorted(ids)
    found: dict[int, Any] = {}
    for first in range(0, len(wanted), IN_ONE):
        query = select(model).where(model.id.in_(wanted[first : first + IN_ONE]))
        found |= {row.id: row for row in session.scalars(query)}
    return found


class _Room:
    """How much more each organisation may have: events in an hour, deliveries that wait."""

    def __init__(self, session: Session, homes: set[int], now: int, settings: Settings) -> None:
        self._refused: Counter[str] = Counter()
        recent = select(func.count()).where(AlertEvent.at > now - HOUR)
        waiting = select(func.count()).where(AlertDelivery.state == "waiting")
        self._events, self._deliveries = Counter[int](), Counter[int]()
        for home in homes:
            had = session.scalar(recent.where(AlertEvent.organisation_id == home)) or 0
            self._events[home] = settings.alert_events_per_hour - had
            had = session.scalar(waiting.where(AlertDelivery.organisation_id == home)) or 0
            self._deliveries[home] = settings.alert_deliveries - had

    def event(self, home: int) -> bool:
        return self._take(self._events, home, "GOPS_ALERT_EVENTS_PER_HOUR")

    def delivery(self, home: int) -> bool:
        return self._take(self._deliveries, home, "GOPS_ALERT_DELIVERIES")

    def _take(self, left: Counter[int], home: int, bound: str) -> bool:
        left[home] -= 1
        if left[home] < 0:
            self._refused[f"{bound} of organisation {home}"] += 1
        return left[home] >= 0

    def report(self) -> None:
        for bound, count in self._refused.items():
            log.warning("alerts_not_told", bound=bound, count=count)


def forget_before(session: Session, now: int, days: int) -> None:
    """Delete events that are older, and their deliveries."""
    old = select(AlertEvent.id).where(AlertEvent.at < now - days * DAY)
    session.execute(delete(AlertDelivery).where(AlertDelivery.event_id.in_(old)))
    session.execute(delete(AlertEvent).where(AlertEvent.at < now - days * DAY))
