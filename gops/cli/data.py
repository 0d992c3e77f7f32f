"""``gops refusals``, ``store`` and ``replay``: looking at what came in, and sending it again."""

from __future__ import annotations

import json

import click

from gops import admin
from gops.cli.registry import opened, shell
from gops.clock import from_micros
from gops.settings import load


@click.group()
def refusals() -> None:
    """What GOPS refused, and why."""


@refusals.command("list")
@click.argument("organisation")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_refusals(organisation: str, limit: int) -> None:
    """The refusals of an organisation's devices."""
    with opened() as records:
        home = records.organisations.get(organisation)
        for row in records.refusals.list(shell(home), home.id, limit=limit):
            click.echo(
                f"{row.id}\t{from_micros(row.at):%Y-%m-%dT%H:%M:%SZ}\t{row.device}\t{row.code}\t{row.field or ''}"
            )


@refusals.command("show")
@click.argument("organisation")
@click.argument("refusal_id", metavar="ID", type=int)
def show_refusal(organisation: str, refusal_id: int) -> None:
    """One refusal with its message."""
    with opened() as records:
        home = records.organisations.get(organisation)
        shown = records.refusals.get(shell(home), refusal_id)
        click.echo(json.dumps(vars(shown), default=str, ensure_ascii=False, indent=2))


@click.group()
def store() -> None:
    """The time-series store of the running server."""


@store.command("stats")
def stats() -> None:
    """Size and health, asked from the running server."""
    answer = admin.call(load().admin_socket, "status")
    click.echo(json.dumps(answer["components"]["store"], indent=2))
