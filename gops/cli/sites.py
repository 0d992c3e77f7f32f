"""``gops site import`` and ``export``: sites of a municipality from a file and into one."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gops.testbed.places.files import Form

FORMS = click.Choice(("geojson", "csv"))


@click.group()
def site() -> None:
    """Sites of the testbed."""


@site.command("import")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organisation", required=True, help="The municipality.")
@click.option("--format", "form", type=FORMS, help="Else by the file's name.")
@click.option("--offer", is_flag=True, help="Offer new sites at once.")
@click.option("--dry-run", is_flag=True, help="Say what would be, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def import_sites(path: Path, organisation: str, form: Form | None, offer: bool, dry_run: bool, as_json: bool) -> None:
    """Make or change sites from GeoJSON or CSV. Exit status 1: rows were refused."""
    from gops.cli.registry import opened, shell
    from gops.cli.store import bar

    with opened() as records, bar() as show:
        done = records.site_files.take(
            shell(records.organisations.get(organisation)), organisation, form or _by_name(path), path.read_bytes(),
            offer=offer, dry_run=dry_run,
            progress=lambda count, of: show({"what": path.name, "done": count, "of": of, "unit": "sites"}),
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(asdict(done), ensure_ascii=False))
    else:
        for row in done.refusals:
            click.echo(f"{row.place}\t{row.reference or '-'}\t{row.code}\t{row.field or '-'}\t{row.note}", err=True)
        counts = {name: getattr(done, name) for name in ("created", "changed", "unchanged", "refused")}
        click.echo(", ".join(f"{name} {count}" for name, count in counts.items()))
    if done.refused:
        sys.exit(1)


@site.command("export")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--organisation", required=True, help="The municipality; also its sites that are not offered.")
@click.option("--format", "form", type=FORMS, help="Else by the file's name.")
def export_sites(path: Path, organisation: str, form: Form | None) -> None:
    """Write the sites of a municipality into FILE."""
    from gops.cli.registry import opened, shell

    with opened() as records, path.open("wb") as file:
        home = records.organisations.get(organisation)
        for piece in records.site_files.write(shell(home), form or _by_name(path), organisation):
            file.write(piece)


def _by_name(path: Path) -> Form:
    return "csv" if path.suffix.lower() == ".csv" else "geojson"
