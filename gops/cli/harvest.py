"""``gops harvest``: catalogs elsewhere whose datasets are shown here."""

from __future__ import annotations

from datetime import UTC, datetime

import click

COUNTS = ("added", "changed", "unchanged", "missing", "removed", "refused")


@click.group()
def harvest() -> None:
    """Catalogs elsewhere whose datasets are shown here."""


@harvest.command("list")
@click.argument("organisation")
def list_sources(organisation: str) -> None:
    """List the catalogs that an organisation harvests."""
    from gops.cli.registry import opened, shell

    with opened() as records:
        actor, after = shell(records.organisations.get(organisation)), 0
        while page := records.harvests.list(actor, organisation, after, 100):
            for one in page:
                state = "on" if one.row.enabled else "off"
                click.echo(f"{one.id}\t{one.row.protocol}\t{state}\t{one.datasets} datasets\t{one.row.url}")
            after = page[-1].id


@harvest.command("add")
@click.argument("organisation")
@click.argument("protocol", type=click.Choice(("dcat", "ckan")))
@click.argument("url")
@click.option("--name", required=True, help="For people.")
@click.option("--theme", required=True, help="Of datasets that name none that GOPS knows.")
@click.option("--language", default="ko", show_default=True, help="Of texts that name none.")
@click.option("--every-hours", default=24, show_default=True)
def add(organisation: str, protocol: str, url: str, name: str, theme: str, language: str, every_hours: int) -> None:
    """Declare a catalog; the running server reads it within the minute."""
    from gops.cli.registry import opened, shell

    said = {"protocol": protocol, "url": url, "name": name, "theme": theme, "language": language}
    with opened() as records:
        actor = shell(records.organisations.get(organisation))
        made = records.harvests.create(actor, organisation, said | {"every_hours": every_hours})
    click.echo(f"source {made.id}: gops harvest runs {organisation} {made.id} says how it went")


@harvest.command("run")
@click.argument("organisation")
@click.argument("source", type=int)
@click.option("--believe", is_flag=True, help="Take it as it is, however many datasets it lacks.")
def run_now(organisation: str, source: int, believe: bool) -> None:
    """Have the running server harvest a source within the minute."""
    from gops.cli.registry import opened, shell

    with opened() as records:
        records.harvests.ask(shell(records.organisations.get(organisation)), source, believe)
    click.echo(f"source {source}: asked to run")


@harvest.command("runs")
@click.argument("organisation")
@click.argument("source", type=int)
def runs(organisation: str, source: int) -> None:
    """Show what the runs of a source brought, and what the last one refused."""
    from gops.cli.registry import opened, shell

    with opened() as records:
        found = records.harvests.runs(shell(records.organisations.get(organisation)), source)
    for one in found:
        counts = ", ".join(f"{name} {getattr(one, name)}" for name in COUNTS)
        began = datetime.fromtimestamp(one.began_at // 1_000_000, UTC).isoformat()
        click.echo(f"{began}\t{one.outcome}\t{counts}\t{one.code or ''}\t{one.note or ''}".rstrip())
    for row in found[-1].refusals if found else ():
        click.echo(f"{row['identity'] or '-'}\t{row['code']}\t{row['field'] or '-'}\t{row['note']}", err=True)


@harvest.command("delete")
@click.argument("organisation")
@click.argument("source", type=int)
def end(organisation: str, source: int) -> None:
    """End the harvest of a source and withdraw its datasets."""
    from gops.cli.registry import opened, shell

    with opened() as records:
        records.harvests.delete(shell(records.organisations.get(organisation)), source)
    click.echo(f"source {source}: ended; the running server withdraws its datasets")
