"""``gops store copy``: readings from one store to another. ``store`` is the whole group, this command included."""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gops import admin
from gops.cli.store import AS_JSON, bar, store
from gops.errors import Conflict, Invalid
from gops.settings import Settings, load

if TYPE_CHECKING:
    from gops.store.copying import Copied, Difference

SERVERS = ("influx", "victoria")
PLACE = "ENGINE[:PLACE]"
SHOWN = 20  # Datastreams that differ


@store.command()
@click.option("--from", "source", metavar=PLACE, required=True, help="duckdb, duckdb:DATA_FOLDER, influx:URL ...")
@click.option("--to", "target", metavar=PLACE, required=True, help="The same; a name alone is as GOPS_STORE_* say.")
@click.option("--datastream", "datastreams", multiple=True, type=int, help="Only this one (repeat); else all.")
@click.option("--dry-run", is_flag=True, help="Only say what there is, and whether the target can hold it.")
@AS_JSON
def copy(source: str, target: str, datastreams: tuple[int, ...], dry_run: bool, as_json: bool) -> None:
    """Copy readings from one store to another, read them back and compare. What was interrupted goes on where it was.

    The server must not run. What stands in the target stays. Exit status 1: a Datastream differs in the end.
    """
    from gops.keeping.known import datastreams as known
    from gops.keeping.progress import paced
    from gops.records.database import Database
    from gops.store.copying import Copy, Journal
    from gops.stores import open_store

    chosen = load()
    if admin.is_served(chosen.admin_socket):
        raise Conflict("a server runs: what comes in meanwhile would not be copied", expected="a stopped server")
    one, other = place(source, chosen), place(target, chosen)
    if one == other:
        raise Invalid("a store is not copied to itself", field="--to", found=target, expected="another store")
    with closing(Database.of(chosen)) as database:
        ids = sorted(known(database, list(datastreams) or None))
    title = f"{_named(source)} to {_named(target)}"
    journal = Journal(chosen.data / f"copy-{hashlib.sha256(title.encode()).hexdigest()[:12]}.jsonl", title)
    with bar() as show, closing(open_store(one)) as from_store, closing(open_store(other)) as to_store:
        work = Copy(from_store, to_store, ids, journal, paced(show, "looking" if dry_run else "copying", "rows"))
        if dry_run:
            extents = work.survey()
            rows = sum(extent.rows for extent in extents.values())
            said = {"datastreams": len(extents), "rows": rows, "copied_before": len(journal.done)}
        else:
            done = work.run()
    if dry_run:
        click.echo(json.dumps(said) if as_json else f"{rows:,} rows of {len(extents):,} Datastreams can be copied")
        return
    click.echo(json.dumps(asdict(done)) if as_json else _told(done))
    if done.differences:
        for different in [] if as_json else done.differences[:SHOWN]:
            click.echo(_different(different), err=True)
        sys.exit(1)
    journal.remove()


def place(text: str, chosen: Settings) -> Settings:
    """The settings of the store that ``text`` names. Raises ``Invalid`` (``--from`` and ``--to`` look alike)."""
    engine, _, where = text.partition(":")
    if engine == "duckdb":
        return replace(chosen, store=engine, data=Path(where).absolute() if where else chosen.data)
    if engine in SERVERS:
        if where and not where.startswith(("http://", "https://")):
            raise Invalid(f"{engine} is found at a URL", field="place", expected=f"{engine}:http://host:port")
        return replace(chosen, store=engine, store_url=where.rstrip("/") or chosen.store_url)
    raise Invalid(
        f"there is no store {engine!r} to copy from or to",
        field="place",
        found=engine,
        expected="duckdb, " + ", ".join(SERVERS) + f" as {PLACE}",
    )


def _named(text: str) -> str:
    """Without user and password."""
    before, sign, after = text.rpartition("@")
    return f"{before.partition('//')[0]}//{after}" if sign else text


def _told(done: Copied) -> str:
    before = f", {done.passed_over:,} Datastreams were there from an earlier run" if done.passed_over else ""
    counts = ", ".join(f"{getattr(done, word)} {word}" for word in ("inserted", "unchanged", "kept"))
    same = f"{len(done.differences):,} Datastreams differ" if done.differences else "all the same in both"
    return f"{done.rows:,} rows of {done.datastreams:,} Datastreams ({counts}){before}: {same}"


def _different(one: Difference) -> str:
    why = "other rows stand in the target" if one.target.rows >= one.source.rows else "rows are missing in the target"
    return f"Datastream {one.datastream}: {one.source.rows:,} rows, in the target {one.target.rows:,}: {why}"
