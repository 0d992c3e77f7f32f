"""``gops alert``: rules and what happened, from a shell on the server."""

from __future__ import annotations

from datetime import datetime

import click

from gops.alerts.service import Alerts
from gops.cli.registry import opened, shell
from gops.clock import SECOND, SystemClock
from gops.outbound import Outbound
from gops.records.database import Database
from gops.settings import load

PAGE = 100


@click.group()
def alert() -> None:
    """Alerts."""


@alert.command("list")
@click.argument("organisation")
def list_alerts(organisation: str) -> None:
    """List the alert rules of an organisation and where they stand."""
    with opened() as records:
        actor, alerts = shell(records.organisations.get(organisation)), _alerts(records.database)
        after = 0
        while page := alerts.list(actor, organisation, after, PAGE):
            for rule in page:
                state = "on" if rule.row.enabled else "off"
                stands = ", ".join(f"{one.datastream_id} {one.phase}" for one in rule.states)
                click.echo(
                    f"{rule.id}\t{rule.row.condition['kind']}\t{rule.row.severity}\t{state}\t{rule.row.name}\t{stands}"
                )
            after = page[-1].id


@alert.command("events")
@click.argument("organisation")
@click.option("--open", "only_open", is_flag=True, help="What fired and nobody acknowledged.")
def list_events(organisation: str, only_open: bool) -> None:
    """List what the alerts of an organisation fired and cleared, oldest first."""
    zone = load().zone
    with opened() as records:
        actor, alerts = shell(records.organisations.get(organisation)), _alerts(records.database)
        after = 0
        while page := alerts.events(actor, organisation, after, PAGE, open=only_open):
            for event in page:
                at = datetime.fromtimestamp(event.at / SECOND, zone).isoformat(timespec="seconds")
                value = event.text if event.text is not None else event.value
                click.echo(
                    f"{event.id}\t{at}\t{event.what}\t{event.severity}\t{event.rule_name}\t"
                    f"Datastream {event.datastream_id}\t{'' if value is None else value}"
                )
            after = page[-1].id


def _alerts(database: Database) -> Alerts:
    settings = load()
    return Alerts(database, SystemClock(), settings, Outbound.of(settings))
