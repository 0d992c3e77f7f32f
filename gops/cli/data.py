"""``gops refusals`` and ``gops replay``: what was refused, read anew; a file, sent as a device."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gops import admin, compose
from gops.accounts import lookup
from gops.api.times import parse_time
from gops.cli.registry import opened, shell
from gops.clock import SystemClock, from_micros
from gops.ingest.refusal_asking import REPLAY, commands
from gops.ingest.refusal_reading import UNREADABLE
from gops.ingest.refusal_replays import RefusalReplays
from gops.ingest.refusal_writing import Form, written
from gops.ingest.rules.ruling import rules_over
from gops.settings import load

if TYPE_CHECKING:
    from gops.ingest.refusals import ShownRefusal
    from gops.ingest.replay import Progress, Replayed

SELECTING = {
    "feed": "Of this feed (direct: what devices publish).",
    "device": "Of the device at this address.",
    "code": "Of this code.",
    "field": "Of this field.",
}


@click.group()
def refusals() -> None:
    """What GOPS refused, and why."""


def _selecting(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which refusals."""
    for name, about in reversed(SELECTING.items()):
        command = click.option(f"--{name}", help=about)(command)
    return click.option("--to", "end", metavar="TIME", help="Refused before then.")(
        click.option("--from", "start", metavar="TIME", help="Refused then or later.")(command)
    )


def _wanted(asked: dict[str, Any]) -> dict[str, Any]:
    zone = load().zone
    for name, option in (("start", "--from"), ("end", "--to")):
        if asked[name] is not None:
            asked[name] = parse_time(asked[name], zone, option)
    return asked


@refusals.command("list")
@click.argument("organisation")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@_selecting
def list_refusals(organisation: str, limit: int, **asked: Any) -> None:
    """The newest refusals of an organisation's devices and feeds, oldest of them first."""
    wanted = _wanted(asked)
    with opened() as records:
        home = records.organisations.get(organisation)
        newest: deque[ShownRefusal] = deque(maxlen=limit)
        last = 0
        while page := records.refusals.list(shell(home), home.id, after=last, limit=1000, **wanted):
            newest.extend(page)
            last = page[-1].id
        for row in newest:
            at, field = f"{from_micros(row.at):%Y-%m-%dT%H:%M:%SZ}", row.field or ""
            click.echo("\t".join((str(row.id), at, row.device or row.feed, row.code, field, row.ko)))


@refusals.command("export")
@click.argument("organisation")
@click.option("--format", "form", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True)
@_selecting
def export_refusals(organisation: str, form: Form, **asked: Any) -> None:
    """Write refusals with their messages to standard output."""
    wanted = _wanted(asked)
    with opened() as records:
        home = records.organisations.get(organisation)
        for piece in written(form, records.refusals.export(shell(home), home.id, **wanted), load().zone):
            sys.stdout.buffer.write(piece)


@refusals.command("replay")
@click.argument("organisation")
@click.option("--id", "ids", type=int, multiple=True, help="This one; may be given again.")
@_selecting
def replay_refusals(organisation: str, ids: Sequence[int], **asked: Any) -> None:
    """Read refused messages anew, after a feed or a mapping was mended. Readings fill gaps only.

    Exit status 1: something is still refused.
    """
    arguments = {"organisation": organisation, "ids": list(ids), **_wanted(asked)}
    with _counting() as told:
        done = _replayed(arguments, told)
    for name in ("refusals", "settled", "still", "fresh", "readings", "inserted", "replaced", "unchanged", "kept"):
        click.echo(f"{name}\t{'unknown' if done[name] is None else done[name]}")
    for why, count in done["unread"].items():
        click.echo(f"not read: {count}\t{why}\t{UNREADABLE[why].en}", err=True)
    sys.exit(1 if done["still"] or done["unread"] else 0)


def _replayed(arguments: dict[str, Any], told: Callable[[Any], None]) -> dict[str, Any]:
    """By the running server, or on the store itself when none runs."""
    chosen, clock = load(), SystemClock()
    if admin.is_served(chosen.admin_socket):
        answer: dict[str, Any] = admin.call(chosen.admin_socket, REPLAY, told, **arguments)
        return answer
    with opened() as records, closing(compose.open_store(chosen)) as engine:
        ruled = rules_over(engine, records.database, clock, chosen).store
        service = RefusalReplays(records.database, clock, chosen, ruled, records.refusals, records.mappings.route)
        found: dict[str, Any] = commands(service, records.database, lookup)[REPLAY](arguments, told)
        return found


@contextmanager
def _counting() -> Iterator[Callable[[Any], None]]:
    """Refusals tried of those that are meant, on standard error; plain when that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("refusals")
        yield lambda row: bar.update(
            task, total=row["refusals"] + row["unread"].get("counted", 0),
            completed=row["settled"] + row["still"] + sum(row["unread"].values()),
        )  # fmt: skip


@refusals.command("show")
@click.argument("organisation")
@click.argument("refusal_id", metavar="ID", type=int)
def show_refusal(organisation: str, refusal_id: int) -> None:
    """One refusal with its message."""
    with opened() as records:
        home = records.organisations.get(organisation)
        shown = records.refusals.get(shell(home), refusal_id)
        click.echo(json.dumps(asdict(shown), ensure_ascii=False, indent=2))


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
