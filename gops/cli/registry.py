"""``gops org``, ``person``, ``key`` and ``device``: the registry from a shell on the server.

Whoever may read the data folder acts with the operator's rights; every act is audited as the platform's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from gops.accounts.model import Organisation
from gops.clock import SystemClock
from gops.errors import GopsError, Invalid, NotFound, Unavailable
from gops.kinds import KINDS
from gops.permissions import ORGANISATION_KINDS, PLATFORM_ROLES, ROLES, SCOPES, Actor
from gops.record_services import Records, records
from gops.settings import load


@contextmanager
def opened() -> Iterator[Records]:
    chosen = load()
    if not chosen.records_url and not (chosen.data / "records.sqlite").exists():
        raise Unavailable(
            f"there are no records in {chosen.data}", expected="GOPS_DATA as the server has it, or gops init"
        )
    own = records(chosen, SystemClock())
    try:
        yield own
    finally:
        own.database.close()


def shell(organisation: Organisation | None = None) -> Actor:
    """The rights of the server's shell: the operator's, and an owner's in ``organisation``."""
    return Actor(
        organisation_id=organisation.id if organisation else None,
        roles=frozenset({"owner"}) if organisation else frozenset(),
        platform_roles=frozenset({"operator"}),
        scopes=frozenset(SCOPES),
        owns_operator=True,
    )


def _say(as_json: bool, values: dict[str, Any]) -> None:
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False))
        return
    for name, value in values.items():
        click.echo(f"{name}: {value}")


@click.group()
def org() -> None:
    """Organisations."""


@org.command("add")
@click.argument("slug")
@click.option("--kind", type=click.Choice(ORGANISATION_KINDS), default="municipality", show_default=True)
@click.option("--name-ko", required=True)
@click.option("--name-en", required=True)
def add_organisation(slug: str, kind: Any, name_ko: str, name_en: str) -> None:
    """Create an organisation."""
    with opened() as records:
        made = records.organisations.create(shell(), slug, kind, name_ko, name_en)
        click.echo(f"{made.slug}: {made.name_ko} / {made.name_en}, {made.kind}, id {made.id}")


@org.command("list")
def list_organisations() -> None:
    """List the organisations."""
    with opened() as records:
        after = 0
        while page := records.organisations.list(after=after, limit=100):
            for row in page:
                click.echo(f"{row.slug}\t{row.kind}\t{row.name_ko}\t{row.name_en}")
            after = page[-1].id


@click.group()
def person() -> None:
    """People and their roles."""


@person.command("add")
@click.argument("organisation")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=click.Choice([*ROLES, *PLATFORM_ROLES]), required=True)
def add_person(organisation: str, email: str, name: str, role: Any) -> None:
    """Give a person (made on first mention) a role in an organisation."""
    with opened() as records:
        actor = shell(records.organisations.get(organisation))
        records.members.add(actor, organisation, email, name, role)
        click.echo(f"{email} is now {role} of {organisation}")


@click.group()
def key() -> None:
    """API keys."""


@key.command("issue")
@click.argument("organisation")
@click.argument("email")
@click.option("--label", default="shell", show_default=True)
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=("data:read",), show_default=True)
@click.option("--days", type=click.IntRange(1), default=90, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def issue_key(organisation: str, email: str, label: str, scopes: Any, days: int, as_json: bool) -> None:
    """Issue a key for a person who has a role in the organisation. It is printed once."""
    with opened() as records:
        home = records.organisations.get(organisation)
        made, text = records.keys.issue_for(shell(home), home.id, email, label, scopes, days)
        _say(as_json, {"key": text, "id": made.id, "scopes": list(made.scopes)})


@click.group()
def device() -> None:
    """Devices and their credentials."""


@device.command("add")
@click.argument("address", metavar="ORGANISATION/NAME")
@click.option("--description", default="")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="FIELD[:PROPERTY[:UNIT[:KIND]]]",
    help="A field of its messages, and the observed property it is. PROPERTY is FIELD unless named; one that is not "
    "on the platform's list is added with UNIT (UCUM, default 1) and KIND (default gauge).",
)
@click.option("--json", "as_json", is_flag=True)
def add_device(address: str, description: str, fields: tuple[str, ...], as_json: bool) -> None:
    """Register a device with its Thing, and a Datastream for each field. The secret is printed once."""
    organisation, _, name = address.partition("/")
    with opened() as records:
        actor = shell(records.organisations.get(organisation))
        wanted = [_field(text) for text in fields]
        made, secret = records.devices.register(actor, organisation, name, description)
        streams: dict[str, int] = {}
        try:
            for field in wanted:
                streams[field.name] = _datastream(records, actor, made.id, field)
        except GopsError:
            click.echo(f"{address} is registered; not all of its fields are:", err=True)
            raise
        finally:
            _show_device(as_json, address, secret, streams)  # always: nothing shows the secret again


def _show_device(as_json: bool, address: str, secret: str, streams: dict[str, int]) -> None:
    if as_json:
        _say(True, {"address": address, "topic": f"gops/v1/{address}/up", "secret": secret, "fields": streams})
        return
    click.echo(f"topic     gops/v1/{address}/up\nuser      {address}\npassword  {secret}   (shown this once)")
    for field_name, datastream in streams.items():
        click.echo(f"field     {field_name} -> Datastream {datastream}")


class _Field:
    def __init__(self, name: str, prop: str, unit: str, kind: str) -> None:
        self.name, self.prop, self.unit, self.kind = name, prop, unit, kind


def _field(text: str) -> _Field:
    name, prop, unit, kind, *rest = [*text.split(":"), "", "", ""]
    if any(rest) or (kind and kind not in KINDS):
        raise Invalid(
            f"--field {text!r} is not understood",
            field="--field",
            found=text,
            expected="FIELD[:PROPERTY[:UNIT[:KIND]]] with KIND one of " + ", ".join(KINDS),
        )
    return _Field(name, prop or name, unit, kind)


def _datastream(records: Records, actor: Actor, device_id: int, field: _Field) -> int:
    """Make the Datastream of a field on the device's own Thing; its id."""
    try:
        prop = records.properties.get(field.prop)
    except NotFound:
        prop = records.properties.create(
            actor,
            field.prop,
            name_ko=field.prop,
            name_en=field.prop,
            unit=field.unit or "1",
            kind=field.kind or "gauge",
        )
    made = records.datastreams.create(
        actor,
        records.things.of_device(actor, device_id)[0].id,
        "unspecified",
        prop.key,
        unit=field.unit or prop.unit,
        kind=field.kind or prop.kind,
        field=field.name,
    )
    return int(made.id)


@device.command("list")
@click.argument("organisation")
def list_devices(organisation: str) -> None:
    """List an organisation's devices."""
    with opened() as records:
        actor = shell(records.organisations.get(organisation))
        after = 0
        while page := records.devices.list(actor, organisation, after=after, limit=100):
            for row in page:
                click.echo(f"{organisation}/{row.name}\t{'revoked' if row.revoked_at else 'active'}\t{row.description}")
            after = page[-1].id


@click.group()
def datastream() -> None:
    """Datastreams."""


@datastream.command("publish")
@click.argument("organisation")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=int)
@click.option("--withdraw", is_flag=True, help="Make them private again.")
def publish(organisation: str, ids: tuple[int, ...], withdraw: bool) -> None:
    """Let everybody read these Datastreams of an organisation."""
    with opened() as records:
        actor = shell(records.organisations.get(organisation))
        for datastream_id in ids:
            records.datastreams.publish(actor, datastream_id, not withdraw)
            click.echo(f"Datastream {datastream_id} is {'private' if withdraw else 'public'}")
