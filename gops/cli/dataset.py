"""``gops dataset``: files of datasets, handed in on the server. They lie beside the records, so no server is asked."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gops.cli.registry import opened, shell
from gops.errors import GopsError


@click.group()
def dataset() -> None:
    """Datasets of files."""


@dataset.command("upload")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Its name in the dataset; else that of the file.")
@click.option("--json", "as_json", is_flag=True, help="What was made of it as JSON.")
def upload(slug: str, file: Path, name: str | None, as_json: bool) -> None:
    """Hand in FILE (CSV, GeoJSON, Parquet or XLSX) to the dataset SLUG.

    What is wrong in it is told by row and column.
    """
    with opened() as records, file.open("rb") as body:
        actor = shell(records.filed.owner(slug))
        try:
            made = records.filed.put(actor, slug, name or file.name, "", body)
        except GopsError as error:
            for wrong in (error.extra or {}).get("errors", ()):
                click.echo(f"{wrong['field']}: found {wrong['found']}, expected {wrong['expected']}", err=True)
            raise
    one = made.file
    told = {"dataset": made.slug, "file": one.name, "number": one.number, "rows": one.rows, "sha256": one.sha256,
            "columns": {column["name"]: column["type"] for column in one.columns}}  # fmt: skip
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    word = "state" if made.is_new else "is already there as state"
    click.echo(f"{one.name}: {word} {one.number} of {made.slug}, {one.rows} rows")
    for column in one.columns:
        click.echo(f"  {column['name']}: {column['type']}")
