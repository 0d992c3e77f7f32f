"""``gops files``: the files that GOPS keeps by their hash. They never change, so no server is asked."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from gops.catalog.filed import checking as filed
from gops.catalog.snapshots.keeping import SnapshotKeeping
from gops.cli.registry import opened
from gops.clock import SystemClock
from gops.files.checking import Wrong
from gops.files.checking import check as compared
from gops.files.folder import FolderFiles
from gops.settings import load
from gops.testbed.documents import checking as documents


@click.group()
def files() -> None:
    """Files kept by their hash: of snapshots, of datasets of files, and documents of applications."""


@files.command("check")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
def check(as_json: bool) -> None:
    """Read every file and compare it with its hash. Exit status 1: some are not what they were, and which."""
    chosen = load()
    with opened() as records:
        kept = FolderFiles(chosen.data / "files")
        snapshots = SnapshotKeeping(records.database, SystemClock(), chosen, kept).needed()
        needed = [*snapshots, *filed.needed(records.database), *documents.needed(records.database)]
        with click.progressbar(length=1000, label="files", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            findings = compared(kept, needed, lambda done, of: bar.update(1000 * done // max(of, 1) - bar.pos))
    if as_json:
        click.echo(json.dumps([_document(one) for one in findings], ensure_ascii=False))
    else:
        for one in findings:
            _tell(one)
        damaged = len({one.finding.sha256 for one in findings})
        click.echo(f"{len({one.file.sha256 for one in needed})} files, {damaged} damaged")
    sys.exit(1 if findings else 0)


def _document(one: Wrong) -> dict[str, object]:
    return {**one.needed.of, "finding": dataclasses.asdict(one.finding)}


def _tell(one: Wrong) -> None:
    found = one.finding
    click.echo(f"{one.needed.shown}: {found.trouble}")
    click.echo(f"  found {found.found}, expected {found.expected}")
    click.echo(f"  put files/{found.sha256[:2]}/{found.sha256[2:4]}/{found.sha256} back from a backup")
