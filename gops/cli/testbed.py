"""``gops testbed``: compute a round, verify one, explain it.

Of files no server and no records are needed; a round file may also be an address, and a call one of the records here.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any, Literal

import click
import orjson

from gops.errors import Invalid, Malformed, Unavailable
from gops.testbed import texts
from gops.testbed.allocation import requests
from gops.testbed.allocation.apart import Progress
from gops.testbed.allocation.choice import FAIRNESS, NAMES, SECONDS, Choice
from gops.testbed.allocation.outcome import Allocation
from gops.testbed.allocation.verify import Report
from gops.testbed.allocation.verify import verify as check

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ROUND_BYTES = 500_000_000  # of a round that is fetched; one of 10,000 applications has 12 MB
FETCH_S = 600.0


@click.group()
def testbed() -> None:
    """Allocation rounds: compute, verify, explain."""


@testbed.command()
@click.argument("path", metavar="ROUND")
@click.option("--sha256", help="The file's hash as it was published; another is an error.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def verify(path: str, sha256: str | None, as_json: bool) -> None:
    """Check a published round, a file or its address. Exit status 0: true in every part; 1: not, and where."""
    report = check(_bytes(path))
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
        click.echo(_counts(report))
        for name, value, bound in report.stages:
            claimed = (
                "bound not known" if bound is None else "optimal" if bound == value else f"claimed bound {bound:,}"
            )
            click.echo(f"{name:8}{value:,}, {claimed}")
        if report.is_by_clock:
            click.echo("ended by the clock: another run may come to another outcome; this one is true in every part")
        click.echo(f"outcome {report.outcome_hash}")
    click.echo(f"file    {report.sha256}")
    if report.is_true and same:
        click.echo("VERIFIED")
    else:
        click.echo(f"NOT VERIFIED: {report.count + (not same)} findings")


def _counts(report: Report) -> str:
    free = "better contracts left free 0, " if report.mechanism.startswith("ranked") else ""
    waste = "" if report.waste is None else f"blocking pairs {report.blocking_pairs}, waste {report.waste}, "
    price = "" if report.price is None else f"price of fairness {report.price:,}, "
    return f"envy pairs {report.envy_pairs}, {waste}{free}{price}reasons all true"


@testbed.command()
@click.argument("path", metavar="[INSTANCE.json]", type=FILE, required=False)
@click.option("--call", "slug", help="A scored call of the records here instead of a file; the round is kept there.")
@click.option("--mechanism", type=click.Choice(NAMES), help="Else the file's own, or ranked.")
@click.option("--fairness", type=click.Choice(FAIRNESS), default="none", show_default=True, help="Of optimal.")
@click.option("--seconds", type=click.FloatRange(1), default=SECONDS, show_default=True, help="For optimal.")
@click.option("-o", "--output", metavar="ROUND.json", required=True, type=click.Path(dir_okay=False, path_type=Path))
def allocate(
    path: Path | None,
    slug: str | None,
    mechanism: str | None,
    fairness: Literal["none", "resource"],
    seconds: float,
    output: Path,
) -> None:
    """Compute a round. INSTANCE may be a published round; then it is computed again."""
    if (path is None) == (slug is None):
        raise Invalid("allocate takes a file or a call", field="INSTANCE.json", expected="a file, or --call, not both")
    if slug is not None:
        if mechanism is not None:
            raise Invalid("the terms of a call name its mechanism", field="mechanism", found=mechanism,
                          expected="--call without --mechanism")  # fmt: skip
        output.write_bytes(_of_call(slug, seconds))
        click.echo(f"{slug}: {output}")
        return
    assert path is not None
    request = requests.read_request(_read(path.read_bytes(), str(path)))
    if mechanism is not None:
        request = dataclasses.replace(request, mechanism=Choice(mechanism, fairness))
    allocation, data = requests.compute(request, seconds, _staged)
    output.write_bytes(data)
    click.echo(f"{len(allocation.placements)} placed, {len(allocation.refusals)} refused, in {output}")


def _staged(allocation: Allocation) -> None:
    """How the stages of optimal stand; a bound that is not known is a question mark."""
    assert allocation.proof is not None
    told = (
        f"{row.name} {row.value:,} of {'?' if row.bound is None else f'{row.bound:,}'}"
        for row in allocation.proof.stages
    )
    click.echo(", ".join(told), err=True)


def _of_call(slug: str, seconds: float) -> bytes:
    from gops.cli.registry import opened, shell

    said: list[Any] = []

    def watch(progress: Progress) -> bool:
        now = [progress.stage, progress.value, progress.bound]
        if now != said:
            said[:] = now
            click.echo(f"{progress.seconds:6.1f} s  {progress.stage} {progress.value} bound {progress.bound}", err=True)
        return True

    with opened() as records:
        made = records.rounds.compute(shell(), slug, seconds, watch)
        return records.rounds.file(shell(), slug, made.revision)


@testbed.command()
@click.argument("path", metavar="ROUND")
@click.argument("pseudonym")
@click.option("--language", type=click.Choice(["ko", "en"]), default="en", show_default=True)
def explain(path: str, pseudonym: str, language: Literal["ko", "en"]) -> None:
    """Say what became of one application, and why. The round, a file or its address, is verified first."""
    data = _bytes(path)
    report = check(data)
    if not report.is_true:
        _tell(report, True, None)
        sys.exit(1)
    for line in texts.explain(_read(data, path), pseudonym, language):
        click.echo(line)


def _bytes(place: str) -> bytes:
    """Of a file, or of the address of a round."""
    if not place.startswith(("https://", "http://")):
        path = Path(place)
        if not path.is_file():
            raise Invalid(f"{place} is no file", field="ROUND", found=place[:80], expected="a file or an address")
        return path.read_bytes()
    from gops.outbound import Outbound
    from gops.outbound.client import Bounds, Call
    from gops.settings import load

    bounds = Bounds(connect=10.0, read=60.0, total=FETCH_S, size=ROUND_BYTES, redirects=5)
    answer = Outbound(bounds, load().outbound_allow).fetch(Call(place))
    if answer.status != 200:
        raise Unavailable(f"{answer.url} answered {answer.status}", code="answer_broken", field="ROUND",
                          found=answer.status, expected="200 and a round file")  # fmt: skip
    return answer.body


def _read(data: bytes, place: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(
            f"{place} is no JSON: line {error.lineno}, column {error.colno}", field=place, expected="a JSON document"
        ) from error
