"""A municipality of the demo in the records: its publisher, devices, Datastreams and sites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gops.accounts import secret
from gops.clock import SECOND
from gops.demo.fleet import DemoDevice
from gops.demo.province import Municipality
from gops.demo.sites import DemoSite
from gops.durations import write_duration
from gops.errors import Conflict, NotFound
from gops.permissions import SCOPES, Actor
from gops.sensors.model import Location, Thing

if TYPE_CHECKING:
    from gops.record_services import Records

ALL = 1_000_000
MARK = "simulated by the demo"
OPERATOR = Actor(platform_roles=frozenset({"operator"}), scopes=frozenset(SCOPES))
"""GOPS itself, as the audit has it."""


@dataclass(frozen=True)
class Furnished:
    """``observed``: the Datastreams of a device and the properties that they observe; ``made``: how many are new."""

    observed: tuple[tuple[int, str], ...]
    made: int


def publisher(services: Records, city: Municipality) -> Actor:
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
        scopes=frozenset({"data:read", "data:write", "catalog:write", "testbed:run"}),
    )


def register(
    services: Records, actor: Actor, city: Municipality, devices: Sequence[DemoDevice], secrets: Mapping[str, str]
) -> dict[str, str]:
    """The secrets by address of these devices of a city: those that are known where they are right, else new ones."""
    there = {device.name: device for device in services.devices.list(actor, city.slug, limit=ALL)}
    found = {}
    for device in devices:
        known = secrets.get(device.address)
        row = there.get(device.name)
        if row is None:
            remark = f"{device.name_en}, {MARK}"
            found[device.address] = services.devices.register(actor, city.slug, device.name, remark)[1]
        elif not row.description.endswith(MARK):
            raise _taken(device)
        elif known is not None and row.revoked_at is None and secret.matches(known, row.digest):
            found[device.address] = known
        else:
            found[device.address] = services.devices.rotate(actor, device.address)
    return found


def furnish(
    services: Records, actor: Actor, city: Municipality, devices: Sequence[DemoDevice], names: Mapping[str, str]
) -> Iterator[Furnished]:
    """Name and place of the Thing of each device, and a Datastream for each field. ``names`` by property."""
    ids = {device.name: device.id for device in services.devices.list(actor, city.slug, limit=ALL)}
    things: dict[int | None, Thing] = {}
    for thing in services.things.list(actor, city.slug, limit=ALL):
        things.setdefault(thing.device_id, thing)  # its own is its oldest
    own = {device: things[ids[device.name]] for device in devices}
    places = services.things.places(actor, [thing.id for thing in own.values()])
    for device, thing in own.items():
        _place(services, actor, device, thing, places.get(thing.id))
        yield _observe(services, actor, device, thing.id, names)


def _place(services: Records, actor: Actor, device: DemoDevice, thing: Thing, place: Location | None) -> None:
    properties: dict[str, Any] = {"name_ko": device.name_ko, "name_en": device.name_en, "simulated": True}
    if (thing.name, thing.properties) != (device.name_ko, properties):
        services.things.edit(actor, thing.id, name=device.name_ko, description=device.name_en, properties=properties)
    if place is None or (place.longitude, place.latitude) != (device.longitude, device.latitude):
        services.things.move(actor, thing.id, device.longitude, device.latitude, device.name_ko)


def _observe(services: Records, actor: Actor, device: DemoDevice, thing_id: int, names: Mapping[str, str]) -> Furnished:
    mapped = {row.field: row.datastream for row in services.mappings.get(actor, device.address)}
    before = len(mapped)
    for field in device.fields:
        if field.name in mapped:
            continue
        mapped[field.name] = services.datastreams.create(
            actor,
            thing_id,
            field.sensor,
            field.observed_property,
            period=write_duration(device.period * SECOND),
            label=field.label,
            name=f"{device.name_ko} {names[field.observed_property]}",
            range_low=field.low,
            range_high=field.high,
            field=field.name,
        ).id
    observed = {field.name: field.observed_property for field in device.fields}
    own = tuple((one, observed[name]) for name, one in mapped.items() if name in observed)
    return Furnished(own, len(mapped) - before)


def _taken(device: DemoDevice) -> Conflict:
    return Conflict(
        f"{device.address} is no device of the demo",
        code="name_taken",
        field="device",
        found=device.address,
        expected="a data folder of its own for the demo (GOPS_DATA)",
    )


def offer_sites(services: Records, actor: Actor, city: Municipality, sites: Sequence[DemoSite]) -> None:
    """Those that are not there by their English name, or are drafts still."""
    there = {site.name_en: site for site in services.sites.list(actor, city.slug, limit=ALL)}
    for site in sites:
        found = there.get(site.name_en) or services.sites.create(
            actor,
            city.slug,
            name_ko=site.name_ko,
            name_en=site.name_en,
            kind=site.kind,
            area=site.area,
            capacity=site.capacity,
            description=f"시연용으로 지어낸 장소입니다. ({MARK})",
            details=site.details,
        )
        if found.state == "draft":
            services.sites.move(actor, found.id, "offered")
