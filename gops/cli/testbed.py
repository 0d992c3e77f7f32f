"""``gops testbed``: compute a round, verify one, explain it. No server and no records are needed."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any, Literal

import click
import orjson

from gops.errors import Malformed
from gops.testbed import texts
from gops.testbed.allocation import requests
from gops.testbed.allocation.verify import Report
from gops.testbed.allocation.verify import verify as check

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def testbed() -> None:
    """Allocation rounds: compute, verify, explain."""


@testbed.command()
@click.argument("path", metavar="ROUND.json", type=FILE)
@click.option("--sha256", help="The file's hash as it was published; another is an error.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def verify(path: Path, sha256: str | None, as_json: bool) -> None:
    """Recompute a published round. Exit status 0: true in every part; 1: not, and where."""
    report = check(path.read_bytes())
    same = sha256 is None or sha256.lower() == report.sha256
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(report), "published_hash_matches": same}, ensure_ascii=False))
    else:
        _tell(report, same, sha256)
    sys.exit(0 if report.is_true and same else 1)


def _tell(report: Report, same: bool, sha256: str | None) -> None:
    for finding in report.findings:
        click.echo(f"WRONG  {finding}")
    if not same:
        click.echo(f"WRONG  the file: its SHA-256 is {report.sha256}, published was {sha256}")
    if report.is_true:
        click.echo(f"{report.mechanism}: {report.placed} of {report.applications} placed")
        click.echo(f"envy pairs {report.envy_pairs}, better contracts left free 0, reasons all true")
        click.echo(f"outcome {report.outcome_hash}")
    click.echo(f"file    {report.sha256}")
    if report.is_true and same:
        click.echo("VERIFIED")
    else:
        click.echo(f"NOT VERIFIED: {report.count + (not same)} findings")


@testbed.command()
@click.argument("path", metavar="INSTANCE.json", type=FILE)
@click.option("-o", "--output", metavar="ROUND.json", required=True, type=click.Path(dir_okay=False, path_type=Path))
def allocate(path: Path, output: Path) -> None:
    """Compute a round by the mechanism `ranked`; INSTANCE may be a published round."""
    allocation, data = requests.compute(requests.read_request(_read(path)))
    output.write_bytes(data)
    click.echo(f"{len(allocation.placements)} placed, {len(allocation.refusals)} refused, in {output}")


@testbed.command()
@click.argument("path", metavar="ROUND.json", type=FILE)
@click.argument("pseudonym")
@click.option("--language", type=click.Choice(["ko", "en"]), default="en", show_default=True)
def explain(path: Path, pseudonym: str, language: Literal["ko", "en"]) -> None:
    """Say what became of one application, and why. The round is verified first."""
    report = check(path.read_bytes())
    if not report.is_true:
        _tell(report, True, None)
        sys.exit(1)
    for line in texts.explain(_read(path), pseudonym, language):
        click.echo(line)


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Malformed(
            f"{path} is no JSON: line {error.lineno}, column {error.colno}", field=str(path), expected="a JSON document"
        ) from error
