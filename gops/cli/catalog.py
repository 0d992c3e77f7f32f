"""``gops catalog``: the index of the search. It lies in the records, so no server is asked."""

from __future__ import annotations

import click

from gops.cli.registry import opened


@click.group()
def catalog() -> None:
    """The catalog of open data."""


@catalog.command("reindex")
def reindex() -> None:
    """Write the index of the search anew. A server that runs goes on answering, and needs this only after damage."""
    with opened() as records:
        click.echo(f"{records.search.refresh(everything=True)} datasets can be found")
