"""Figures of alerts: where rules stand, what happened, what waits to be sent."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from gops.alerts.condition import PHASES
from gops.alerts.model import AlertDelivery, AlertEvent, AlertRule, AlertState
from gops.alerts.rules import CHANNEL_KINDS, SEVERITIES
from gops.metrics import Figure
from gops.records.database import Database

UNSENT = ("waiting", "dead")


def of_alerts(database: Database) -> Iterator[Figure]:
    """Every word has a figure from the start, so that an alert on it knows 0 from absence."""
    standing = select(AlertRule.severity, AlertState.phase, func.count()).join(
        AlertRule, AlertRule.id == AlertState.rule_id
    )
    standing = standing.where(AlertRule.enabled).group_by(AlertRule.severity, AlertState.phase)
    unsent = select(AlertDelivery.state, AlertDelivery.channel["kind"].as_string(), func.count())
    unsent = unsent.where(AlertDelivery.state.in_(UNSENT)).group_by(*unsent.selected_columns[:2])
    with database.read() as session:
        stand = {(row[0], row[1]): row[2] for row in session.execute(standing)}
        waits = {(row[0], row[1]): row[2] for row in session.execute(unsent)}
        newest = session.scalar(select(func.max(AlertEvent.id))) or 0
    for severity in SEVERITIES:
        for phase in PHASES:
            labels: dict[str, str] = {"severity": severity, "phase": phase}
            yield Figure("gops_alerts", "Where rules stand, by Datastream", stand.get((severity, phase), 0), labels)
    for state in UNSENT:
        for kind in CHANNEL_KINDS:
            about = "Messages of alerts that wait to be sent, or were given up"
            yield Figure("gops_alert_deliveries", about, waits.get((state, kind), 0), {"state": state, "channel": kind})
    yield Figure("gops_alert_newest_event", "Number of the newest event; grows with each", newest)
