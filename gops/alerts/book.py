"""The rules that are in force, as evaluation needs them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.alerts.condition import Condition, State
from gops.alerts.model import AlertRule, AlertState
from gops.alerts.rules import read
from gops.quality import Quality, parse_filter
from gops.sensors.model import Datastream

Key = tuple[int, int]
"""(rule, Datastream)"""


@dataclass(frozen=True, slots=True)
class Watch:
    """One rule over one Datastream."""

    rule: int
    revision: int
    datastream: int
    condition: Condition
    accepts: frozenset[Quality]

    @property
    def key(self) -> Key:
        return self.rule, self.datastream


@dataclass(frozen=True)
class Book:
    """Watches by Datastream, and where each stood when it was last written."""

    watches: dict[int, list[Watch]] = field(default_factory=dict)
    states: dict[Key, tuple[int, State]] = field(default_factory=dict)  # revision and state


def load(session: Session) -> Book:
    """Rules that are enabled, over Datastreams that have not ended."""
    query = select(AlertState, AlertRule, Datastream.kind)
    query = query.join(AlertRule, AlertRule.id == AlertState.rule_id).join(
        Datastream, Datastream.id == AlertState.datastream_id
    )
    query = query.where(AlertRule.enabled.is_(True), Datastream.ended_at.is_(None))
    book = Book()
    for row, rule, kind in session.execute(query.order_by(AlertState.rule_id, AlertState.datastream_id)):
        watch = Watch(rule.id, rule.revision, row.datastream_id, read(rule.condition, kind), parse_filter(rule.quality))
        book.watches.setdefault(row.datastream_id, []).append(watch)
        book.states[watch.key] = row.revision, state_of(row)
    return book


def state_of(row: AlertState) -> State:
    return State(row.phase, row.since, row.heard, row.seen, row.t, row.value, row.text, row.same)  # type: ignore[arg-type]
