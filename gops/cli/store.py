"""``gops store``: sizes, checks and upkeep of the time-series store, by the running server or on its files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from gops import admin, compose
from gops.clock import SystemClock, from_micros, to_micros
from gops.errors import Invalid
from gops.settings import load

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
ADVICE: Mapping[str, str] = {
    "missing": "bring the file back from the newest backup that has it; without one its readings are lost",
    "truncated": "bring the file back from a backup; a copy of the same SHA-256 is as good",
    "wrong_checksum": "bring the file back from a backup; look at the disk (smartctl), it may be failing",
    "wrong_rows": "bring the file back from a backup; look at the disk (smartctl), it may be failing",
    "unreadable": "look at the file's permissions and at the disk; else bring it back from a backup",
    "unknown_file": "it belongs to nothing and is never read; move it out of the folder",
    "set_aside": "damaged, and now in sealed/broken; put a whole copy there from a backup, then gops store merge",
}


@click.group()
def store() -> None:
    """The time-series store: sizes, checks, upkeep."""


@store.command()
@click.option("--files", is_flag=True, help="List the sealed files too.")
@AS_JSON
def stats(files: bool, as_json: bool) -> None:
    """Size and health of the store."""
    answer = ask("store.stats")
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    zone = load().zone
    listed = answer.pop("files", [])
    for name, value in [*answer.items(), ("sealed_files", len(listed))]:
        click.echo(f"{name}: {_shown(name, value, zone)}")
    for file in listed if files else ():
        click.echo(_line(file, zone))


@store.command()
@click.option("--deep", is_flag=True, help="Read every file: checksums and rows, not sizes alone.")
@AS_JSON
def check(deep: bool, as_json: bool) -> None:
    """Compare the store's files with what they should be. Exit status 0: all is well; 1: not, and what to do."""
    found = ask("store.check", deep=deep)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    for one in [] if as_json else found:
        click.echo(f"{one['file']}: {one['trouble']}; found {one['found']}, expected {one['expected']}")
        click.echo(f"    to do: {ADVICE[one['trouble']]}")
    if not as_json:
        click.echo(f"{len(found)} findings" if found else "all is well")
    sys.exit(1 if found else 0)


@store.command()
@click.option("--until", metavar="TIME", help="Seal days that ended before it; else as GOPS_STORE_SEAL_AFTER_HOURS.")
@AS_JSON
def seal(until: str | None, as_json: bool) -> None:
    """Turn closed days into sealed files."""
    _tell_files(ask("store.seal", until=until and moment(until, "--until")), as_json)


@store.command()
@AS_JSON
def merge(as_json: bool) -> None:
    """Write sealed files that have late readings anew."""
    _tell_files(ask("store.merge"), as_json)


@store.command()
@AS_JSON
def compact(as_json: bool) -> None:
    """Make one file of each closed month."""
    _tell_files(ask("store.compact"), as_json)


@store.command()
@click.argument("folder", type=click.Path(file_okay=False, resolve_path=True))
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
@click.option("--datastream", "datastreams", multiple=True, type=int, help="Only this one (repeat); else all.")
@click.option("--from", "start", metavar="TIME", help="Only readings from then on.")
@click.option("--to", "end", metavar="TIME", help="Only readings before then.")
@AS_JSON
def export(
    folder: str, form: str, datastreams: tuple[int, ...], start: str | None, end: str | None, as_json: bool
) -> None:
    """Write readings to files of FOLDER, one a month, with a manifest of their hashes."""
    made = ask(
        "store.export",
        folder=folder,
        form=form,
        datastreams=list(datastreams) or None,
        start=start and moment(start, "--from"),
        end=end and moment(end, "--to"),
    )
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    for file in made["files"]:
        click.echo(f"{file['name']}\t{file['rows']:,} rows\t{file['bytes']:,} bytes\t{file['sha256']}")
    click.echo(f"{made['rows']:,} rows of {made['datastreams']:,} Datastreams in {folder}")


def ask(command: str, **arguments: Any) -> Any:
    """Have the running server do it, or do it on the files where no server is; with a bar on a terminal."""
    chosen = load()
    with bar() as show:
        if admin.is_served(chosen.admin_socket):
            return admin.call(chosen.admin_socket, command, show, **arguments)
        with compose.keeping(chosen, SystemClock()) as keeping:
            return keeping.commands()[command](arguments, show)


@contextmanager
def bar() -> Iterator[admin.Progress]:
    """Steps of ``keeping.progress`` as a bar on standard error; nothing when that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("asking", total=None, count="")

        def show(step: Any) -> None:
            of = f" of {step['of']:,}" if step["of"] else ""
            count = f"{step['done']:,}{of} {step['unit']}" if step["unit"] else ""
            bar.update(task, description=step["what"], completed=step["done"], total=step["of"] or None, count=count)

        yield show


def moment(text: str, option: str) -> int:
    """Microseconds of an ISO 8601 time or date; one without an offset is of GOPS_ZONE. Raises ``Invalid``."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            f"{option} is no time",
            code="bad_time",
            field=option,
            found=text,
            expected="ISO 8601 such as 2026-05-01 or 2026-05-01T09:00:00+09:00",
        ) from error
    return to_micros(found if found.tzinfo else found.replace(tzinfo=load().zone))


def _tell_files(made: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    zone = load().zone
    for file in made:
        click.echo(_line(file, zone))
    click.echo(f"{len(made)} new files, {sum(file['rows'] for file in made):,} rows" if made else "nothing to do")


def _line(file: dict[str, Any], zone: ZoneInfo) -> str:
    begin, end = (_time(file[name], zone) for name in ("start", "end"))
    return f"{file['name']}\t{begin} to {end}\t{file['rows']:,} rows\t{file['bytes']:,} bytes\t{file['sha256']}"


def _shown(name: str, value: Any, zone: ZoneInfo) -> str:
    if name in ("first", "last") and value is not None:
        return _time(value, zone)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _time(micros: int, zone: ZoneInfo) -> str:
    return from_micros(micros).astimezone(zone).isoformat()
