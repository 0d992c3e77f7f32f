"""``gops refusals`` and ``replay``: looking at what came in, and sending it again."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gops import compose
from gops.cli.registry import opened, shell
from gops.clock import SystemClock, from_micros
from gops.settings import load

if TYPE_CHECKING:
    from gops.ingest.refusals import ShownRefusal
    from gops.ingest.replay import Progress, Replayed


@click.group()
def refusals() -> None:
    """What GOPS refused, and why."""


@refusals.command("list")
@click.argument("organisation")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_refusals(organisation: str, limit: int) -> None:
    """The newest refusals of an organisation's devices, oldest of them first."""
    with opened() as records:
        home = records.organisations.get(organisation)
        newest: deque[ShownRefusal] = deque(maxlen=limit)
        while page := records.refusals.list(shell(home), home.id, after=newest[-1].id if newest else 0, limit=1000):
            newest.extend(page)
        for row in newest:
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


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="TOML: which columns are the time and the fields. See docs/ingest.md.",
)
@click.option("--device", "address", metavar="ORGANISATION/NAME", required=True, help="The device to speak as.")
@click.option("--secret", envvar="DEVICE_SECRET", prompt=True, hide_input=True, help="Its password (or DEVICE_SECRET).")
@click.option("--shift-to", metavar="now|TIME", help="Move all times so that the last row lies there; else they stay.")
@click.option("--receipts/--no-receipts", default=True, show_default=True, help="Wait until GOPS says it is stored.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def replay(
    file: Path, mapping: Path, address: str, secret: str, shift_to: str | None, receipts: bool, as_json: bool
) -> None:
    """Publish the rows of a CSV over MQTT as a device. It fills gaps only: nothing twice, no correction undone."""
    from gops.ingest import csv_mapping
    from gops.ingest.csv_rows import CsvFile
    from gops.ingest.mqtt import DeviceClient
    from gops.ingest.replay import Options, Replay, parse_shift

    chosen = load()
    columns = csv_mapping.parse(mapping.read_text(encoding="utf-8"))
    shift = parse_shift(shift_to, SystemClock(), columns.time.zone or chosen.zone) if shift_to else None
    with _progress_bar(file.name) as show:
        run = Replay(CsvFile(file, columns), Options(shift_to=shift, receipts=receipts), show)
        client = DeviceClient(compose.device_address(chosen, address, secret), run.heard).connect()
        try:
            done = run.run(client)
        finally:
            client.close()
    if as_json:
        click.echo(json.dumps({**asdict(done), **done.counts}, ensure_ascii=False))
    else:
        _report(done)


@contextmanager
def _progress_bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """Rows sent and stored, on standard error; plain when that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        sent, stored = bar.add_task(f"{title}: sent"), bar.add_task("stored")

        def show(step: Progress) -> None:
            bar.update(sent, total=step.total, completed=step.sent)
            bar.update(stored, total=step.total, completed=step.confirmed)

        yield show


def _report(done: Replayed) -> None:
    click.echo(f"{done.rows} rows, {done.readings} readings in {done.messages} messages")
    if done.first is not None and done.last is not None:
        click.echo(f"from {from_micros(done.first).isoformat()} to {from_micros(done.last).isoformat()}")
    click.echo(", ".join(f"{word} {'unknown' if count is None else count}" for word, count in done.counts.items()))
    for code, field, note in done.reasons:
        click.echo(f"refused {code}{f' ({field})' if field else ''}: {note}")
    for problem in done.problems:
        click.echo(str(problem), err=True)
    if done.problem_count > len(done.problems):
        click.echo(f"and {done.problem_count - len(done.problems)} more such lines", err=True)
    for note in done.notes:
        click.echo(note)
