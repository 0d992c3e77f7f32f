"""The routes of many devices with one question a hundred, for the first minutes after a start.

Looked up one by one a device costs a millisecond; twenty thousand of them at once would keep a burst waiting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Device, Organisation
from gops.records.database import Database
from gops.sensors.fields import target
from gops.sensors.model import Datastream, FieldMapping
from gops.sensors.retention import Rule, inherited
from gops.sensors.routes import DeviceRoute, Target

AT_ONCE = 500  # names in one statement


def routes_of(database: Database, addresses: Iterable[str], platform: Rule) -> dict[str, DeviceRoute]:
    """Of the active devices among these. ``platform`` is the platform's retention.

    One that is written with a former slug of its organisation is left out.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for address in addresses:
        slug, _slash, name = address.partition("/")
        names[slug].append(name)
    found: dict[str, DeviceRoute] = {}
    for slug, own in names.items():
        for first in range(0, len(own), AT_ONCE):
            with database.read() as session:
                found |= _of_organisation(session, slug, own[first : first + AT_ONCE], platform)
    return found


def _of_organisation(session: Session, slug: str, names: list[str], platform: Rule) -> dict[str, DeviceRoute]:
    query = select(Device.id, Device.name, Organisation.id).join(
        Organisation, Organisation.id == Device.organisation_id
    )
    query = query.where(Organisation.slug == slug, Device.name.in_(names), Device.revoked_at.is_(None))
    devices = session.execute(query).all()
    default = inherited(session, platform, devices[0][2]) if devices else platform
    fields = _fields(session, [row[0] for row in devices], default)
    return {
        f"{slug}/{name}": DeviceRoute(device, home, slug, f"{slug}/{name}", *fields.get(device, ({}, frozenset())))
        for device, name, home in devices
    }


def _fields(session: Session, devices: list[int], default: Rule) -> dict[int, tuple[dict[str, Target], frozenset[str]]]:
    """Device id -> its fields, and those whose Datastream has ended."""
    query = select(FieldMapping, Datastream).join(Datastream, Datastream.id == FieldMapping.datastream_id)
    living: dict[int, dict[str, Target]] = defaultdict(dict)
    ended: dict[int, set[str]] = defaultdict(set)
    for row, stream in session.execute(query.where(FieldMapping.device_id.in_(devices))):
        if stream.ended_at is None:
            living[row.device_id][row.field] = target(row, stream, default)
        else:
            ended[row.device_id].add(row.field)
    return {device: (living[device], frozenset(ended[device])) for device in devices}
