"""Put the demo's cities, people, devices and Datastreams into the records. Doing it again adds what is missing."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gops.demo.fleet import CITIES, FLEET, PERIOD_SECONDS, City, DemoDevice
from gops.errors import Conflict, Malformed, NotFound
from gops.permissions import SCOPES, Actor

if TYPE_CHECKING:
    from gops.compose import Records

CREDENTIALS = Path("demo") / "devices.json"
MARK = "simulated by the demo"
PERIOD = f"PT{PERIOD_SECONDS}S"
OPERATOR = Actor(platform_roles=frozenset({"operator"}), scopes=frozenset(SCOPES))
"""GOPS itself, as the audit has it."""


def seed(services: Records, data: Path, fleet: Sequence[DemoDevice] = FLEET) -> dict[str, str]:
    """The secrets of all devices by address, as they stand in ``demo/devices.json`` (0600) of the data folder.

    Raises ``Conflict`` when a device of the same address is somebody's own.
    """
    path = data / CREDENTIALS
    secrets = read_credentials(path)
    actors = {city: _publisher(services, city) for city in CITIES}
    names = {row.key: row.name_ko for row in services.properties.list(limit=1000)}
    for device in fleet:
        actor = actors[device.city]
        secret = _register(services, actor, device, secrets.get(device.address))
        if secret != secrets.get(device.address):
            secrets[device.address] = secret
            _write(path, secrets)  # at once: it is shown this once
        _furnish(services, actor, device, names)
    return {device.address: secrets[device.address] for device in fleet}


def read_credentials(path: Path) -> dict[str, str]:
    """Secrets by address; none where there is no such file. Raises ``Malformed``."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(secret, str) for secret in found.values()):
        raise Malformed(f"{path} does not hold the demo's credentials", expected="an object; without it, new ones")
    return found


def _publisher(services: Records, city: City) -> Actor:
    """The city's organisation and somebody who publishes for it."""
    try:
        home = services.organisations.get(city.slug)
    except NotFound:
        home = services.organisations.create(OPERATOR, city.slug, "municipality", city.name_ko, city.name_en)
    member = services.members.add(OPERATOR, city.slug, city.publisher, f"{city.name_ko} 데이터 담당", "publisher")
    return Actor(
        person_id=member.person_id,
        organisation_id=home.id,
        roles=frozenset({"publisher"}),
        scopes=frozenset({"data:read", "data:write", "catalog:write"}),
    )


def _register(services: Records, actor: Actor, device: DemoDevice, secret: str | None) -> str:
    """The device's secret: the one that is known where it is right, else a new one."""
    try:
        found = services.devices.get(actor, device.address)
    except NotFound:
        return services.devices.register(actor, device.city.slug, device.name, f"{device.name_en}, {MARK}")[1]
    if not found.description.endswith(MARK):
        raise Conflict(
            f"{device.address} is no device of the demo",
            code="name_taken",
            field="device",
            found=device.address,
            expected="a data folder of its own for the demo (GOPS_DATA)",
        )
    if secret is not None and services.devices.authenticate(device.address, secret) is not None:
        return secret
    return services.devices.rotate(actor, device.address)


def _furnish(services: Records, actor: Actor, device: DemoDevice, names: dict[str, str]) -> None:
    """Name and place of its Thing, and a public Datastream for each field."""
    known = services.devices.get(actor, device.address)
    thing = services.things.of_device(actor, known.id)[0]
    properties: dict[str, Any] = {"name_ko": device.name_ko, "name_en": device.name_en, "simulated": True}
    if (thing.name, thing.properties) != (device.name_ko, properties):
        services.things.edit(actor, thing.id, name=device.name_ko, description=device.name_en, properties=properties)
    place = services.things.places(actor, [thing.id]).get(thing.id)
    if place is None or (place.longitude, place.latitude) != (device.longitude, device.latitude):
        services.things.move(actor, thing.id, device.longitude, device.latitude, device.name_ko)
    mapped = {row.field for row in services.mappings.get(actor, device.address)}
    for field in device.fields:
        if field.name in mapped:
            continue
        made = services.datastreams.create(
            actor,
            thing.id,
            field.sensor,
            field.observed_property,
            period=PERIOD,
            label=field.label,
            name=f"{device.name_ko} {names[field.observed_property]}",
            range_low=field.low,
            range_high=field.high,
            field=field.name,
        )
        services.datastreams.publish(actor, made.id, True)


def _write(path: Path, secrets: dict[str, str]) -> None:
    """Whole or not at all, and never readable by others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(secrets, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
