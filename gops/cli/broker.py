"""``gops broker``: the logins of Mosquitto, kept as the records have them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gops import admin, compose
from gops.cli.store import AS_JSON
from gops.clock import SystemClock
from gops.errors import Conflict, Malformed
from gops.settings import load

SHOWN = 20  # user names


@click.group()
def broker() -> None:
    """Logins of the broker, where GOPS keeps them (GOPS_BROKER_SYNC)."""


@broker.command()
@AS_JSON
def sync(as_json: bool) -> None:
    """Make the broker's logins those of the records, by the running server or without one.

    Exit status 1: the broker refused something, or lacks a secret that only its owner has.
    """
    chosen = load()
    if admin.is_served(chosen.admin_socket):
        said = admin.call(chosen.admin_socket, "broker-sync")
    else:
        with compose.broker_sync(chosen, SystemClock()) as keeper:
            said = asdict(keeper.run())
    click.echo(json.dumps(said, ensure_ascii=False) if as_json else _told(said))
    sys.exit(1 if said["failed"] or said["without"] else 0)


@broker.command()
@click.argument("kept", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A new file, mode 0600.")
def export(kept: Path, output: Path) -> None:
    """Write the file of Mosquitto's dynamic security for a broker that lost it, or that takes over from another way.

    KEPT is the file as it is now, or as mosquitto_ctrl dynsec init made it: its administrator and whatever else is
    not GOPS's stays. Put the new one in its place while Mosquitto is stopped.
    """
    try:
        document = json.loads(kept.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Malformed(f"{kept} is no JSON", field="KEPT", expected="the plugin's file") from error
    if not isinstance(document, dict) or not isinstance(document.get("clients"), list):
        raise Malformed(f"{kept} is not the plugin's file", field="KEPT", expected='an object with "clients"')
    with compose.broker_sync(load(), SystemClock()) as keeper:
        text = keeper.export(document)
        known = keeper.logins()
    try:
        output.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise Conflict(f"{output} is there already", field="--output", expected="a new file") from error
    output.write_bytes(text + b"\n")
    lacking = [user for user, login in known.items() if not login.verifier]
    click.echo(f"{output}: {len(known) - len(lacking)} logins")
    if lacking:
        click.echo(_lacking(lacking), err=True)


def _told(said: dict[str, Any]) -> str:
    counts = ", ".join(f"{said[name]} {name}" for name in ("added", "changed", "removed"))
    lines = [f"{said['logins']} logins: {counts}", *said["failed"]]
    return "\n".join([*lines, _lacking(said["without"])] if said["without"] else lines)


def _lacking(users: list[str]) -> str:
    shown = ", ".join(users[:SHOWN]) + (", ..." if len(users) > SHOWN else "")
    return f"{len(users)} need a new secret, for nobody knows theirs (gops device rotate): {shown}"
