"""``gops datastream correct`` and ``delete-readings``: readings of a range, taken back or given another quality."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import click

from gops import admin, compose
from gops.accounts import lookup
from gops.api.times import parse_time
from gops.cli.registry import datastream, opened
from gops.clock import SystemClock
from gops.quality import Quality
from gops.sensors.correcting import DELETE, REQUALIFY, commands
from gops.sensors.corrections import Corrections
from gops.settings import load

__all__ = ["datastream"]

GIVEN = [one.name for one in Quality if one is not Quality.missing]
OPTIONS = (
    click.argument("organisation"),
    click.argument("ids", metavar="ID...", nargs=-1, required=True, type=int),
    click.option("--from", "start", required=True, metavar="TIME", help="First moment of the range [from, to)."),
    click.option("--to", "end", required=True, metavar="TIME", help="End of the range, not in it."),
    click.option("--reason", required=True, help="Why; kept in the audit."),
    click.option("--dry-run", is_flag=True, help="Count the readings, change nothing."),
)


def _of_a_range(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@datastream.command("delete-readings")
@_of_a_range
def delete_readings(**asked: Any) -> None:
    """Delete the readings of a range. A time without offset is on the clock of GOPS_ZONE."""
    rows = _ask(DELETE, **asked)
    click.echo(f"{rows} readings {'would be' if asked['dry_run'] else 'were'} deleted")


@datastream.command("correct")
@_of_a_range
@click.option("--quality", type=click.Choice(GIVEN), required=True, help="What they get.")
@click.option("--only", metavar="QUALITY,...", help="Those of these qualities alone.")
def correct(**asked: Any) -> None:
    """Give the readings of a range another quality. A time without offset is on the clock of GOPS_ZONE."""
    rows = _ask(REQUALIFY, **asked)
    click.echo(f"{rows} readings {'would become' if asked['dry_run'] else 'became'} {asked['quality']}")


def _ask(command: str, *, ids: tuple[int, ...], start: str, end: str, **rest: Any) -> int:
    """How many readings; done by the running server, or on the store itself when none runs."""
    chosen = load()
    span = {"start": parse_time(start, chosen.zone, "--from"), "end": parse_time(end, chosen.zone, "--to")}
    arguments = {"datastreams": list(ids), **span, **rest}
    if admin.is_served(chosen.admin_socket):
        return int(admin.call(chosen.admin_socket, command, **arguments)["rows"])
    with opened() as records, closing(compose.open_store(chosen)) as store:
        corrections = Corrections(records.database, SystemClock(), chosen, store)
        own = commands(corrections, records.database, lookup)
        return int(own[command](arguments, lambda _step: None)["rows"])
