"""``gops backup`` and ``gops restore``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from gops import admin, compose
from gops.cli.store import AS_JSON, ask, bar
from gops.errors import Conflict
from gops.settings import load


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, resolve_path=True))
@click.option(
    "--keep", type=click.IntRange(1), help="Then remove the oldest backups of this data folder beyond so many."
)
@AS_JSON
def backup(folder: str, keep: int | None, as_json: bool) -> None:
    """Make a backup of everything in FOLDER, by the running server or without one. Exit status 1: it holds damage."""
    made = ask("backup", folder=folder, keep=keep)
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
    else:
        click.echo(f"{made['folder']}: {_sizes(made)}, {made['files']:,} files, {made['bytes']:,} bytes")
        for name in made["removed"]:
            click.echo(f"removed {name}")
        _tell_findings(made["findings"])
    sys.exit(1 if made["findings"] else 0)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--check", "only_check", is_flag=True, help="Only read every byte of the backup; nothing is put anywhere."
)
@AS_JSON
def restore(folder: Path, only_check: bool, as_json: bool) -> None:
    """Put the backup FOLDER, or the newest one in it, into the empty data folder GOPS_DATA."""
    from gops.keeping import restore as restoring

    chosen = load()
    with bar() as show:
        if only_check:
            said = restoring.check(folder, show)
            done: dict[str, Any] = {
                "backup": str(restoring.newest(folder)),
                "files": len(said.files),
                "bytes": said.bytes,
            }
        else:
            _refuse_served(chosen.admin_socket)
            done = restoring.restore(folder, chosen, compose.open_store, show)
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))
    elif only_check:
        click.echo(f"{done['backup']}: {done['files']:,} files, {done['bytes']:,} bytes, all as the manifest says")
    else:
        click.echo(f"{done['backup']} of {done['made_at']}: {_sizes(done)}, {done['files']:,} files, in {chosen.data}")
        _tell_findings(done["findings"])


def _refuse_served(socket: Path) -> None:
    if admin.is_served(socket):
        raise Conflict(
            f"a server runs on {socket.parent}", field="GOPS_DATA", expected="a data folder without a server"
        )


def _sizes(done: dict[str, Any]) -> str:
    readings = done["readings"]
    counts = readings.get("counts", readings)
    rows = sum(counts.get(name) or 0 for name in ("hot_rows", "late_rows", "sealed_rows"))
    kept = (
        f"{rows:,} rows of readings" if counts else "no readings (back up the server of GOPS_STORE with its own means)"
    )
    return f"{kept}, {done['records']:,} rows of records"


def _tell_findings(findings: list[str]) -> None:
    for one in findings:
        click.echo(f"DAMAGED  {one}", err=True)
    if findings:
        click.echo(
            "these sealed files were damaged before they were copied: gops store check says what to do", err=True
        )
