"""``gops device import``, ``rotate``, ``revoke``, ``silent`` and ``send``; the group itself is the registry's."""

from __future__ import annotations

import csv
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import click

from gops import compose
from gops.accounts.bulk import DeviceRow, Done
from gops.accounts.device_csv import rows_of
from gops.cli.registry import device, opened, shell
from gops.clock import from_micros
from gops.durations import parse_duration, write_duration
from gops.errors import Conflict, Invalid, Unavailable
from gops.record_services import Records
from gops.settings import load

LARGEST = 64 << 20  # bytes of a file of devices
RECEIPT_SECONDS = 10.0
REFUSAL_SECONDS = 2.0  # how long a refusal may take where no receipt can be asked for
AS_JSON = click.option("--json", "as_json", is_flag=True)
OUTPUT = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file, mode 0600, for the secrets: CSV with address, secret. Nothing shows them again.",
)


@device.command("import")
@click.argument("organisation")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@OUTPUT
@click.option("--dry-run", is_flag=True, help="Only say what would be refused.")
def import_devices(organisation: str, file: Path, output: Path | None, dry_run: bool) -> None:
    """Register the devices of a CSV file with the columns name and description. Exit status 1: a row was refused."""
    if not dry_run and output is None:
        raise Invalid("--output is missing: nothing shows the secrets again", field="--output", expected="a new file")
    rows = read_rows(file)
    with opened() as records:
        actor = shell(records.organisations.get(organisation))
        bulk = records.device_bulk
        if dry_run or output is None:
            _finish(bulk.register(actor, organisation, rows, dry_run=True), "would be registered")
            return
        with _private(output) as kept:
            done = bulk.register(actor, organisation, rows, told=_keeper(kept))
    _finish(done, "registered")


@device.command("rotate")
@click.argument("addresses", metavar="ORGANISATION/NAME...", nargs=-1, required=True)
@OUTPUT
def rotate_devices(addresses: Sequence[str], output: Path | None) -> None:
    """Give devices new secrets; the old ones end at once. They are printed once, or written to a file."""
    with opened() as records:
        actor = _owner_of(records, addresses)
        bulk = records.device_bulk
        if output is None:
            done = bulk.rotate(actor, addresses)
            for one in done:
                if one.secret:
                    click.echo(f"user      {one.address}\npassword  {one.secret}   (shown this once)")
        else:
            with _private(output) as kept:
                done = bulk.rotate(actor, addresses, _keeper(kept))
    _finish(done, "given new secrets")


@device.command("revoke")
@click.argument("addresses", metavar="ORGANISATION/NAME...", nargs=-1, required=True)
@click.option("--reason", required=True)
def revoke_devices(addresses: Sequence[str], reason: str) -> None:
    """End devices' access."""
    with opened() as records:
        done = records.device_bulk.revoke(_owner_of(records, addresses), addresses, reason)
    for one in done:
        if not one.code:
            click.echo(f"{one.address} is revoked")
    _finish(done, "revoked")


@device.command("silent")
@click.argument("organisation")
@click.option("--after", metavar="DURATION", help="Silent for longer than this (ISO 8601, PT2H), whatever is expected.")
@AS_JSON
def silent(organisation: str, after: str | None, as_json: bool) -> None:
    """List devices that have been silent for longer than three periods of their Datastreams. Exit status 1: some."""
    micros = parse_duration(after, "--after") if after else None
    with opened() as records:
        actor = shell(records.organisations.get(organisation))
        found = records.silence.list(actor, organisation, micros)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
    for one in () if as_json else found:
        seen = from_micros(one.last_seen).isoformat(timespec="seconds") if one.last_seen else "never"
        click.echo(f"{organisation}/{one.name}\t{seen}\t{write_duration(one.expected)}")
    sys.exit(1 if found else 0)


@device.command("send", context_settings={"ignore_unknown_options": True})  # a secret may begin with "-"
@click.argument("address", metavar="ORGANISATION/NAME")
@click.argument("secret")
@click.argument("message")
@click.option("--no-wait", is_flag=True, help="Don't wait for what GOPS says of it.")
def send(address: str, secret: str, message: str, no_wait: bool) -> None:
    """Publish one message as a device, and say what GOPS did with it. Exit status 1: something in it was refused."""
    from gops.ingest.mqtt import DeviceClient

    heard = _Answers()
    payload, receipt = (message.encode(), "") if no_wait else with_receipt(message)
    where = compose.device_address(load(), address, secret)
    client = DeviceClient(where, None if no_wait else heard).connect()
    try:
        client.publish(payload)
        client.flush()
        if not no_wait:
            heard.wait(receipt)
    finally:
        client.close()
    for one in heard.refused:
        click.echo(f"refused: {one['code']} {one['field'] or ''}: {one['note']}", err=True)
    if receipt and heard.counts is None and not heard.refused:
        raise Unavailable(f"the broker has it, but GOPS said nothing within {RECEIPT_SECONDS:g} s; is it running?")
    if heard.counts is not None:
        click.echo(f"stored: {_counted(heard.counts)}")
    elif not heard.refused:
        click.echo("the broker has it")
    sys.exit(1 if heard.refused else 0)


def with_receipt(message: str) -> tuple[bytes, str]:
    """The message with a receipt asked for, where it is an object of JSON; the receipt's name, or nothing."""
    try:
        said = json.loads(message)
    except ValueError:
        return message.encode(), ""
    if not isinstance(said, dict):
        return message.encode(), ""
    if "receipt" in said:
        return message.encode(), str(said["receipt"])
    name = secrets.token_hex(4)
    return json.dumps({**said, "receipt": name}, ensure_ascii=False).encode(), name


class _Answers:
    """What GOPS says to the device. Other messages of the same device may be answered meanwhile; a receipt tells."""

    def __init__(self) -> None:
        self.refused: list[dict[str, Any]] = []
        self.counts: dict[str, Any] | None = None
        self._name = ""
        self._came = threading.Condition()
        self._receipts: list[dict[str, Any]] = []

    def __call__(self, topic: str, payload: bytes) -> None:
        said = json.loads(payload)
        with self._came:
            if topic.endswith("/receipt"):
                self._receipts.append(said)
            else:
                self.refused += said["refused"]
            self._came.notify_all()

    def wait(self, receipt: str) -> None:
        with self._came:
            if not receipt:
                self._came.wait_for(lambda: self.refused, REFUSAL_SECONDS)
                return
            self._came.wait_for(lambda: self._own(receipt) or self.refused, RECEIPT_SECONDS)
            self.counts = self._own(receipt)
            if self.counts and self.counts["refused"]:
                self._came.wait_for(lambda: self.refused, REFUSAL_SECONDS)
                self.refused = self.refused or [{"code": "refused", "field": "", "note": "see gops refusals list"}]

    def _own(self, receipt: str) -> dict[str, Any] | None:
        return next((one for one in self._receipts if str(one["receipt"]) == receipt), None)


def _counted(counts: dict[str, Any]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in ("inserted", "replaced", "unchanged", "kept", "refused"))


def read_rows(path: Path) -> list[DeviceRow]:
    """Rows of a CSV file (UTF-8) with a header. Raises ``Invalid`` for another header or a file too large."""
    if path.stat().st_size > LARGEST:
        raise Invalid(f"{path} is larger than {LARGEST} bytes", field="FILE", expected="a file of at most 64 MB")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return rows_of(file, "FILE")
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is no CSV in UTF-8", field="FILE", expected="CSV with a header, in UTF-8") from error


def _owner_of(records: Records, addresses: Sequence[str]) -> Any:
    homes = {address.partition("/")[0] for address in addresses}
    if len(homes) != 1:
        raise Invalid(
            "these are devices of several organisations", field="ORGANISATION/NAME", expected="devices of one"
        )
    return shell(records.organisations.get(homes.pop()))


def _private(path: Path) -> TextIO:
    """Opened before anything is done: what can't be kept must not be made."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")
    except FileExistsError as error:
        raise Conflict(f"{path} is there already", field="--output", expected="a new file") from error


def _keeper(file: TextIO) -> Callable[[Sequence[Done]], None]:
    """Writes the secrets of what was committed, and waits until the disk has them."""
    writer = csv.writer(file)
    writer.writerow(("address", "secret"))

    def keep(done: Sequence[Done]) -> None:
        writer.writerows((one.address, one.secret) for one in done if one.secret)
        file.flush()
        os.fsync(file.fileno())

    return keep


def _finish(done: Sequence[Done], what: str) -> None:
    wrong = [one for one in done if one.code]
    for one in wrong:
        click.echo(f"row {one.place} {one.address}: {one.code}: {one.reason}", err=True)
    if len(done) > 1 or wrong:
        click.echo(f"{len(done) - len(wrong)} {what}, {len(wrong)} refused", err=True)
    sys.exit(1 if wrong else 0)
