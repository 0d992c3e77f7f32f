"""``gops import``: readings of a file into a running GOPS."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gops.settings import load

if TYPE_CHECKING:
    from gops.ingest.push.importing import Progress

FORMATS = ("csv", "ndjson", "json", "parquet", "influx")


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", metavar="URL", help="Of a GOPS; else the server of these settings.")
@click.option("--key", envvar="API_KEY", prompt="API key", hide_input=True, help="With data:write (or API_KEY).")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Else by the file's name: .csv, .ndjson.gz ...")
@click.option("--device", metavar="ORGANISATION/NAME", help="The device whose fields the rows name.")
@click.option("--zone", help="IANA zone of times without offset.")
@click.option("--precision", type=click.Choice(("s", "ms", "us", "ns")), help="Of times that are bare numbers.")
@click.option("--replace", is_flag=True, help="Put readings in place of those that stand; else gaps are filled.")
@click.option("--dry-run", is_flag=True, help="Only say what would be refused.")
@click.option("--refused", type=click.Path(dir_okay=False, path_type=Path), help="File for refused rows, as NDJSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def import_(
    files: tuple[Path, ...],
    url: str | None,
    key: str,
    form: str | None,
    device: str | None,
    zone: str | None,
    precision: str | None,
    replace: bool,
    dry_run: bool,
    refused: Path | None,
    as_json: bool,
) -> None:
    """Send the readings of files of any size. What was interrupted goes on where it was when it is called again.

    Columns are those of POST /api/v1/observations (docs/push.md). Exit status 1: rows were refused.
    """
    from gops.ingest.push.importing import Import, Importer, Journal
    from gops.ingest.push.parts import format_of

    given = {"device": device, "zone": zone, "precision": precision, "mode": "replace" if replace else "keep"}
    parameters = {name: value for name, value in given.items() if value} | ({"dry_run": "true"} if dry_run else {})
    any_refused = False
    with refused.open("a", encoding="utf-8") if refused else nullcontext() as told:
        for file in files:
            kind = format_of(file) if form is None else next(one for one in FORMATS if one == form)
            wanted = Import(file, kind, _api(url), key, parameters)  # type: ignore[arg-type]
            with _bar(file) as show:
                journal = None if dry_run else Journal(_state_folder(), wanted.identity)
                done = Importer(wanted, journal, told, show).run()
            any_refused = any_refused or done.counts["refused"] > 0
            _report(file, done, as_json, refused)
    if any_refused:
        sys.exit(1)


def _api(url: str | None) -> str:
    if url is None:
        chosen = load()
        everywhere = chosen.host in ("0.0.0.0", "::")  # noqa: S104 - whoever listens there is here as well
        url = f"http://{'127.0.0.1' if everywhere else chosen.host}:{chosen.port}"
    url = url.rstrip("/")
    return url if url.endswith("/api/v1") else f"{url}/api/v1"


def _state_folder() -> Path:
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "gops" / "import"


@contextmanager
def _bar(file: Path) -> Iterator[Callable[[Progress], None]]:
    from gops.cli.store import bar

    size = file.stat().st_size if file.suffix not in (".gz", ".zst") else 0
    with bar() as show:
        yield lambda step: show(
            {"what": file.name, "done": step.bytes >> 20, "of": max(1, size >> 20) if size else 0, "unit": "MB"}
        )


def _report(file: Path, done: Progress, as_json: bool, refused: Path | None) -> None:
    counts = {name: None if name in done.unknown else done.counts[name] for name in _COUNTED}
    if as_json:
        click.echo(json.dumps({"file": str(file), **counts, "refused_by_code": done.by_code}, ensure_ascii=False))
        return
    told = ", ".join(f"{name} {'unknown' if count is None else count}" for name, count in counts.items())
    click.echo(f"{file}: {told}")
    for code, count in done.by_code.most_common():
        click.echo(f"refused {code}: {count}")
    if refused and done.named < done.counts["refused"]:
        rest = done.counts["refused"] - done.named
        click.echo(f"{rest} more refused rows are not in {refused} (GOPS_PUSH_REFUSALS of the server)", err=True)


_COUNTED = ("accepted", "inserted", "replaced", "unchanged", "kept", "refused")
