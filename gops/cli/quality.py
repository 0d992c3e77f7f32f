"""``gops datastream check``: quality rules tried on the readings of a range."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click
import orjson

from gops import admin, compose
from gops.accounts import lookup
from gops.api.times import parse_time, write_time
from gops.cli.correcting import datastream
from gops.cli.registry import opened
from gops.clock import SystemClock
from gops.errors import Invalid
from gops.ingest.rules.asking import TRY, commands
from gops.ingest.rules.ruling import rules_over
from gops.settings import load

__all__ = ["datastream"]


@datastream.command("check")
@click.argument("organisation")
@click.argument("id", type=int)
@click.option("--from", "start", required=True, metavar="TIME", help="First moment of the range [from, to).")
@click.option("--to", "end", required=True, metavar="TIME", help="End of the range, not in it.")
@click.option("--rules", metavar="JSON", help="Rules to try in place of those that stand.")
@click.option("--range-low", type=float, help="To try in place of the one that stands.")
@click.option("--range-high", type=float, help="To try in place of the one that stands.")
def check(organisation: str, id: int, start: str, end: str, rules: str | None, **bounds: float | None) -> None:
    """Count the stored readings that quality rules would have flagged; change nothing."""
    chosen = load()
    arguments = {
        "organisation": organisation,
        "datastream": id,
        "start": parse_time(start, chosen.zone, "--from"),
        "end": parse_time(end, chosen.zone, "--to"),
        "rules": None if rules is None else _read(rules),
        "bounds": {name: value for name, value in bounds.items() if value is not None},
    }
    found = _ask(arguments)
    click.echo(f"{found['readings']} readings, {found['compared']} compared, {found['flagged']} would be suspect")
    for rule, readings in found["by_rule"].items():
        click.echo(f"  {rule:<8}{readings:>10}")
    for t, value, broken in found["examples"]:
        click.echo(f"  {write_time(t, chosen.zone)}  {value:g}  {', '.join(broken)}")
    if found["untried"]:
        click.echo(f"not tried, as it is not stored when a reading came: {', '.join(found['untried'])}")


def _read(rules: str) -> Any:
    try:
        return orjson.loads(rules)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            f"no JSON: {error}", code="bad_json", field="--rules", found=rules[:80], expected="JSON"
        ) from error


def _ask(arguments: dict[str, Any]) -> dict[str, Any]:
    """By the running server, or on the store itself when none runs."""
    chosen = load()
    if admin.is_served(chosen.admin_socket):
        answer: dict[str, Any] = admin.call(chosen.admin_socket, TRY, **arguments)
        return answer
    with opened() as records, closing(compose.open_store(chosen)) as store:
        service = rules_over(store, records.database, SystemClock(), chosen).service
        found: dict[str, Any] = commands(service, records.database, lookup)[TRY](arguments, lambda _step: None)
        return found
