"""Mappings: which field of a device's messages is which Datastream. Declared by people, followed by ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.kinds import Kind
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database, serialise
from gops.sensors.bounds import refuse_count
from gops.sensors.fields import FieldRow, check_conversion, check_row, target
from gops.sensors.model import Datastream, FieldMapping
from gops.sensors.owners import Accounts, device_at
from gops.sensors.retention import Rule, inherited
from gops.sensors.routes import DeviceRoute
from gops.sensors.visibility import among
from gops.settings import Settings

State = Literal["active", "revoked", "unknown"]


class Mappings:
    def __init__(self, database: Database, clock: Clock, settings: Settings, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._accounts = accounts

    def get(self, actor: Actor, address: str) -> list[FieldRow]:
        """The mapping of a device, by field. Raises ``NotFound`` for a foreign device."""
        with self._database.read() as session:
            device = device_at(session, self._accounts, actor, "registry.read_private", address)
            return [FieldRow.of(row) for row in _rows(session, device.id)]

    def put(self, actor: Actor, address: str, rows: Sequence[FieldRow | Mapping[str, Any]]) -> list[FieldRow]:
        """Put ``rows`` in place of the whole mapping, or leave it as it is.

        Raises ``Invalid`` whose ``field`` names the row, ``fields[2].unit``: ``unknown_datastream`` (also for one of
        another organisation), ``unknown_unit``, ``incompatible_units``, ``repeated_field``, ``repeated_datastream``,
        ``reserved_field``, ``state_conversion``. Raises ``Conflict`` for a revoked device, for more rows than
        the setting device_fields, and for an ended Datastream, unless the row stands already.
        """
        refuse_count(len(rows), "device_fields", self._settings)
        checked = [check_row(row, f"fields[{index}].") for index, row in enumerate(rows)]
        _refuse_repeated(checked)
        with self._database.write() as session:
            device = device_at(session, self._accounts, actor, "registry.change", address)
            _refuse_revoked(device, address)
            serialise(session, f"device_fields {device.id}")
            streams = _streams(session, device.organisation_id, checked)
            there = {row.field: row for row in _rows(session, device.id)}
            standing = {FieldRow.of(row) for row in there.values()}
            for index, row in enumerate(checked):
                _check_stream(row, streams.get(row.datastream), row in standing, f"fields[{index}].")
            if standing != set(checked):
                _replace(session, device.id, there, checked)
                now = self._clock.micros()
                detail = {"fields": len(checked), "before": len(there)}
                audit.record(session, now, actor, "mapping.put", "device", device.id, device.organisation_id, **detail)
                events.append(session, now, "mapping.changed", device=device.id)
            return sorted(checked, key=lambda row: row.field)

    def route(self, address: str) -> DeviceRoute | None:
        """Where the fields of an active device go; None when it is revoked or unknown. The address is kept as asked."""
        with self._database.read() as session:
            found = self._accounts.find_device(session, address)
            if found is None or found[0].revoked_at is not None:
                return None
            device, home = found
            query = select(FieldMapping, Datastream).join(Datastream, Datastream.id == FieldMapping.datastream_id)
            pairs = session.execute(query.where(FieldMapping.device_id == device.id)).all()
            default = inherited(session, Rule.of(self._settings), home.id)
        living = {row.field: target(row, stream, default) for row, stream in pairs if stream.ended_at is None}
        ended = frozenset(row.field for row, stream in pairs if stream.ended_at is not None)
        return DeviceRoute(device.id, home.id, home.slug, address, living, ended)

    def state(self, address: str) -> State:
        """How the device at an address stands."""
        with self._database.read() as session:
            found = self._accounts.find_device(session, address)
        if found is None:
            return "unknown"
        return "active" if found[0].revoked_at is None else "revoked"


def _rows(session: Session, device_id: int) -> Sequence[FieldMapping]:
    query = select(FieldMapping).where(FieldMapping.device_id == device_id)
    return session.scalars(query.order_by(FieldMapping.field)).all()


def _streams(session: Session, organisation_id: int, rows: Sequence[FieldRow]) -> dict[int, Datastream]:
    """The Datastreams that ``rows`` name, held so that none of them ends meanwhile."""
    own = Datastream.organisation_id == organisation_id
    query = select(Datastream).where(own, among(Datastream, (row.datastream for row in rows)))
    return {stream.id: stream for stream in session.scalars(query.order_by(Datastream.id).with_for_update(read=True))}


def _check_stream(row: FieldRow, stream: Datastream | None, stands: bool, place: str) -> None:
    if stream is None:
        raise Invalid(
            f"there is no Datastream {row.datastream} of the device's organisation",
            code="unknown_datastream",
            field=f"{place}datastream",
            found=row.datastream,
            expected="the id of a Datastream of the device's organisation",
        )
    if stream.ended_at is not None and not stands:
        raise Conflict(
            f"Datastream {stream.id} has ended: {stream.end_reason}",
            code="ended_datastream",
            field=f"{place}datastream",
            found=stream.id,
            expected="a Datastream that is in use",
        )
    check_conversion(row, stream.unit, cast(Kind, stream.kind), place)


def _refuse_repeated(rows: Sequence[FieldRow]) -> None:
    """One field goes to one Datastream, and one Datastream is filled by one field: two at once would overwrite."""
    fields: set[str] = set()
    streams: set[int] = set()
    for index, row in enumerate(rows):
        if row.field in fields:
            raise _repeated("repeated_field", f"fields[{index}].field", row.field)
        if row.datastream in streams:
            raise _repeated("repeated_datastream", f"fields[{index}].datastream", row.datastream)
        fields.add(row.field)
        streams.add(row.datastream)


def _repeated(code: str, place: str, found: object) -> Invalid:
    return Invalid(f"{found} is mapped twice", code=code, field=place, found=found, expected="every one once")


def _refuse_revoked(device: Any, address: str) -> None:
    if device.revoked_at is not None:
        raise Conflict(
            f"{address} was revoked and sends nothing more",
            code="revoked_device",
            field="device",
            found=address,
            expected="an active device",
        )


def _replace(session: Session, device_id: int, there: dict[str, FieldMapping], rows: Sequence[FieldRow]) -> None:
    wanted = {row.field for row in rows}
    for field in there.keys() - wanted:
        session.delete(there[field])
    for row in rows:
        kept = there.get(row.field) or FieldMapping(device_id=device_id, field=row.field)
        kept.datastream_id, kept.unit, kept.scale, kept.offset = row.datastream, row.unit, row.scale, row.offset
        session.add(kept)
    session.flush()
