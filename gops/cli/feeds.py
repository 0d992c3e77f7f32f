"""``gops feed``: feeds declared by a TOML file, and tried with a sample before or after."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gops.cli.registry import opened, shell
from gops.clock import SECOND
from gops.errors import Malformed, NotFound
from gops.ingest.declared.service import flat
from gops.ingest.declared.trying import Tried
from gops.permissions import Actor
from gops.quality import WORDS
from gops.record_services import Records
from gops.settings import load

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def feed() -> None:
    """Feeds: topics, other brokers and portals as sources."""


@feed.command("list")
@click.argument("organisation")
def list_feeds(organisation: str) -> None:
    """List the feeds of an organisation: slug, kind, revision, state, lag of the newest reading, name."""
    with opened() as records:
        actor = _owner(records, organisation)
        after = 0
        while page := records.feeds.list(actor, organisation, after, 100):
            for row in page:
                health = records.declared.health(actor, row.slug)
                lag = "-" if health.lag is None else f"{health.lag // SECOND} s"
                click.echo("\t".join((row.slug, row.kind, f"revision {row.revision}", health.state, lag, row.name)))
            after = page[-1].id


@feed.command("delete")
@click.argument("organisation")
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Don't ask.")
def delete(organisation: str, slug: str, yes: bool) -> None:
    """End a feed. Its Things, Datastreams, readings and refusals stay; its revisions and runs go."""
    if not yes:
        click.confirm(f"Delete the feed {slug} of {organisation}?", abort=True)
    with opened() as records:
        records.declared.delete(_owner(records, organisation), slug)
    click.echo(f"{slug} is deleted")


@feed.command("show")
@click.argument("organisation")
@click.argument("slug")
def show(organisation: str, slug: str) -> None:
    """Show how a feed stands: last success, lag, errors of 24 hours, next run, columns that changed."""
    with opened() as records:
        health = records.declared.health(_owner(records, organisation), slug)
    run = health.last_run
    rows = {
        "state": health.state,
        "breaker": health.breaker,
        "last success": _written(health.last_success_at),
        "newest reading": _written(health.newest_t),
        "lag": None if health.lag is None else f"{health.lag // SECOND} s",
        "next run": _written(health.next_run_at),
        "rests until": health.rests_until and f"{_written(health.rests_until)} ({health.rest_code})",
        "calls today": f"{health.calls_today} of {health.calls_per_day}" if health.calls_per_day else None,
        "errors of 24 h": ", ".join(f"{code}: {count}" for code, count in sorted(health.errors.items())),
        "last run": run
        and f"{run.outcome or 'runs'}, {run.rows} rows, {run.readings} readings. {run.note}".strip(". "),
        "columns gone": ", ".join(health.drift.absent),
        "columns new": ", ".join(health.drift.added),
        "messages": health.messages,
    }
    for name, value in rows.items():
        if value not in (None, ""):
            click.echo(f"{name}\t{value}")


@feed.command("run")
@click.argument("organisation")
@click.argument("slug")
def run_now(organisation: str, slug: str) -> None:
    """Have the running server pull a feed now, unless it rests."""
    with opened() as records:
        records.feeds.ask(_owner(records, organisation), slug)
    click.echo(f"{slug}: asked to run; gops feed show says how it went")


@feed.command("add")
@click.argument("file", type=FILE)
def add(file: Path) -> None:
    """Declare the feed of a TOML file, or change it to what the file says."""
    given = _read(file)
    with opened() as records:
        actor = _owner(records, str(given.get("organisation")))
        try:
            records.declared.revisions(actor, str(given.get("slug")), limit=1)
        except NotFound:
            made = records.declared.declare(actor, given)
        else:
            changes = {name: value for name, value in given.items() if name not in ("slug", "organisation")}
            if (given.get("source") or {}).get("kind") != "http":
                changes = {"codec": {}, "mapping": {}, "defaults": {}} | changes  # what the file leaves out is default
            made = records.declared.edit(actor, str(given["slug"]), changes)
        click.echo(f"{made.slug}: {made.kind}, revision {made.revision}, {'on' if made.enabled else 'off'}")


@feed.command("try")
@click.argument("what", metavar="FILE|SLUG")
@click.option("--sample", required=True, type=FILE, help="A message as it is sent.")
@click.option("--topic", default="", help="That it comes on; any that the filter matches where none is given.")
@click.option("--organisation", default="", help="Whose feed SLUG is.")
def attempt(what: str, sample: Path, topic: str, organisation: str) -> None:
    """Show the readings or refusals that a sample would give. Nothing is stored or registered."""
    body = sample.read_bytes()
    with opened() as records:
        if Path(what).is_file():
            given = _read(Path(what))
            actor = _owner(records, str(given.get("organisation")))
            tried = records.declared.attempt_new(actor, given, body, topic)
        else:
            if not organisation:
                raise click.UsageError("--organisation says whose feed that is; or name a FILE")
            tried = records.declared.attempt(_owner(records, organisation), what, body, topic)
        _show(tried)
    if tried.refusals and not tried.readings:
        raise SystemExit(1)


def _show(tried: Tried) -> None:
    zone = load().zone
    click.echo(f"topic {tried.topic}")
    for row in tried.readings:
        at = datetime.fromtimestamp(row.t / SECOND, zone).isoformat(timespec="milliseconds")
        to = "would be registered" if row.datastream is None else f"Datastream {row.datastream}"
        value = row.text if row.text is not None else "nothing" if row.value is None else f"{row.value:.12g}"
        sent = f"{row.sent!r} {row.sent_unit or ''}".strip()
        unit = "" if row.unit == "1" else f" {row.unit}"
        click.echo(
            f"{row.thing}\t{row.property}\t{at}\t{value}{unit}\t{WORDS[row.quality]}\t{to}\tfrom {row.field} = {sent}"
        )
    for refused in tried.refusals:
        place = refused.place or refused.field or "the message"
        click.echo(f"refused\t{refused.code}\t{place}\t{refused.note}")
    rest = "; there is more" if tried.cut else ""
    click.echo(f"{len(tried.readings)} readings, {len(tried.refusals)} refusals, {tried.ignored} ignored{rest}")


def _read(file: Path) -> dict[str, Any]:
    try:
        return flat(tomllib.loads(file.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:  # UnicodeDecodeError and TOMLDecodeError are ValueErrors
        raise Malformed(f"{file} is no TOML file: {error}", expected="a TOML file (docs/feeds.md)") from error


def _written(micros: int | None) -> str | None:
    return None if micros is None else datetime.fromtimestamp(micros // SECOND, load().zone).isoformat()


def _owner(records: Records, organisation: str) -> Actor:
    return shell(records.organisations.get(organisation))
