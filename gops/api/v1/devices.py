"""Devices: who speaks, and which field of its messages is which Datastream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.accounts.bulk import DeviceRow, Done
from gops.accounts.device_csv import rows_of
from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.csv_body import csv_lines
from gops.api.fields import Strict
from gops.api.homes import home
from gops.api.paging import PageQuery, page, page_of
from gops.durations import parse_duration
from gops.errors import Invalid

blueprint = Blueprint("devices", __name__, description="Who speaks: credentials and mappings of devices")


class DeviceNew(Strict):
    name = fields.String(
        required=True,
        validate=own.DEVICE_NAME,
        metadata={"description": "unique in its organisation", "example": "air-1"},
    )
    description = own.text("what it is", 2000, load_default="")


class DevicesQuery(PageQuery):
    silent = fields.Boolean(
        load_default=False,
        metadata={"description": "only those not heard for longer than three periods of their Datastreams"},
    )
    silent_for = own.Parsed(
        lambda given: parse_duration(given, "silent_for"),
        "an ISO 8601 duration of fixed length: PT2H",
        "only those not heard for longer than this, whatever is expected of them",
        load_default=None,
    )


class BulkQuery(Strict):
    action = own.choice("what to do with the devices", ("register", "rotate", "revoke"), load_default="register")
    reason = own.text("why they are revoked, for the audit", 2000, load_default="")
    dry_run = fields.Boolean(load_default=False, metadata={"description": "true: only say what would be refused"})


class DeviceDone(Strict):
    line = fields.Integer(metadata={"description": "of the CSV"})
    address = fields.String(metadata={"description": "MQTT user name"})
    secret = fields.String(allow_none=True, metadata={"description": "MQTT password, shown this once"})
    code = fields.String(allow_none=True, metadata={"description": "why it was refused; null for what is done"})
    note = fields.String(allow_none=True)


class BulkOut(Strict):
    done = fields.Integer()
    refused = fields.Integer()
    items = fields.List(fields.Nested(DeviceDone), metadata={"description": "in the order of the lines"})


class DeviceOut(Strict):
    id = fields.Integer()
    name = fields.String()
    address = fields.String(metadata={"description": "its MQTT user name", "example": "suwon/air-1"})
    description = fields.String()
    created_at = own.moment("when it was registered")
    revoked_at = own.moment("when its access ended", allow_none=True)
    online = fields.Boolean(allow_none=True, metadata={"description": "as it last said; null if it never did"})
    last_seen = own.moment("its newest message", allow_none=True)


class DeviceMade(DeviceOut):
    secret = fields.String(metadata={"description": "its MQTT password, shown this once"})


class Secret(Strict):
    address = fields.String(metadata={"description": "MQTT user name"})
    secret = fields.String(metadata={"description": "MQTT password, shown this once; the former one has ended"})


class Revocation(Strict):
    reason = own.text("why, for the audit", 2000, shortest=1, required=True)


class MappedField(Strict):
    """stored = sent x scale + offset, after conversion from ``unit`` to the Datastream's."""

    field = own.text("name in the device's messages", 64, shortest=1, required=True)
    datastream = own.record_id("Datastream that it becomes", required=True)
    unit = own.text("UCUM code of what is sent; none: the Datastream's", 64, load_default=None, allow_none=True)
    scale = fields.Float(load_default=1.0)
    offset = fields.Float(load_default=0.0)


class Mapping(Strict):
    fields_ = fields.List(
        fields.Nested(MappedField), required=True, data_key="fields", validate=validate.Length(max=1000)
    )


@blueprint.route("/organisations/<slug:slug>/devices")
class DevicesView(MethodView):
    @blueprint.arguments(DevicesQuery, location="query")
    @blueprint.response(200, page_of(DeviceOut))
    @blueprint.moves
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List the devices of an organisation, all or the silent ones

        A revoked device is not silent.
        """
        place = home(slug).slug
        body, headers = page(query, lambda after, limit: _listed(place, query, after, limit))
        return {**body, "items": shown(place, body["items"])}, headers

    @blueprint.arguments(DeviceNew)
    @blueprint.response(201, DeviceMade)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Register a device

        It gets a Thing of its name. Its secret is shown this once.
        """
        device, secret = services().devices.register(actor(), slug, **new)
        (made,) = shown(home(slug).slug, [device], secret)
        return made, {"Location": f"{PREFIX}/devices/{made.address}"}


@blueprint.route("/organisations/<slug:slug>/devices/bulk")
class BulkView(MethodView):
    @blueprint.arguments(BulkQuery, location="query")
    @blueprint.response(200, BulkOut)
    @blueprint.writes(404, 413, 415, 422)
    @blueprint.doc(requestBody={"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}})
    def post(self, query: dict[str, Any], slug: str) -> Any:
        """Register, rotate or revoke the devices of a CSV

        Columns: `name`, and `description` of new ones. Each line is done or refused by itself. Secrets are shown this
        once: who did not get the answer rotates those devices.
        """
        place = home(slug).slug
        return _told(_bulk(place, query, rows_of(csv_lines(), "body")))


@blueprint.route("/devices/<slug:slug>/<name:device>")
class DeviceView(MethodView):
    @blueprint.response(200, DeviceOut)
    @blueprint.moves
    @blueprint.reads(404)
    def get(self, slug: str, device: str) -> Any:
        """Show a device"""
        place = home(slug).slug
        return shown(place, [services().devices.get(actor(), f"{place}/{device}")])[0]

    @blueprint.arguments(Revocation, location="query")
    @blueprint.response(204)
    @blueprint.writes(404, 422)
    def delete(self, why: dict[str, Any], slug: str, device: str) -> None:
        """Revoke a device

        It may not speak from now on. Its Things and readings stay, and so does its name.
        """
        services().devices.revoke(actor(), f"{slug}/{device}", why["reason"])


@blueprint.route("/devices/<slug:slug>/<name:device>/secret")
class SecretView(MethodView):
    @blueprint.response(200, Secret)
    @blueprint.writes(404)
    def post(self, slug: str, device: str) -> Any:
        """Give a device a new secret

        The former one ends at once. A revoked device may speak again with the new one.
        """
        secret = services().devices.rotate(actor(), f"{slug}/{device}")
        return {"address": f"{home(slug).slug}/{device}", "secret": secret}


@blueprint.route("/devices/<slug:slug>/<name:device>/mapping")
class MappingView(MethodView):
    @blueprint.response(200, Mapping)
    @blueprint.moves
    @blueprint.reads(404)
    def get(self, slug: str, device: str) -> Any:
        """Show which field of a device's messages is which Datastream"""
        return {"fields_": services().mappings.get(actor(), f"{home(slug).slug}/{device}")}

    @blueprint.arguments(Mapping)
    @blueprint.response(200, Mapping)
    @blueprint.writes(404, 413, 415, 422)
    def put(self, mapping: dict[str, Any], slug: str, device: str) -> Any:
        """Replace a device's mapping

        Fields that are not named are refused from then on. Datastreams are of the device's organisation.
        """
        return {"fields_": services().mappings.put(actor(), f"{slug}/{device}", mapping["fields_"])}


def _listed(place: str, query: dict[str, Any], after: int, limit: int) -> Sequence[Any]:
    among = None
    if query["silent"] or query["silent_for"] is not None:
        silent = services().silence.list(actor(), place, query["silent_for"])
        among = sorted(one.device_id for one in silent if one.device_id > after)[:limit]
    found: Sequence[Any] = services().devices.list(actor(), place, after, limit, among)
    return found


def _bulk(place: str, query: dict[str, Any], rows: Sequence[DeviceRow]) -> Sequence[Done]:
    """Lines are told by their numbers, also of what is done by address."""
    bulk, action = services().device_bulk, query["action"]
    if action == "register":
        made: Sequence[Done] = bulk.register(actor(), place, rows, dry_run=query["dry_run"])
        return made
    if query["dry_run"]:
        raise Invalid("a dry run is of registering alone", field="dry_run", found=action, expected="action=register")
    addresses = [f"{place}/{row.name}" for row in rows]
    why = query["reason"]
    done = bulk.rotate(actor(), addresses) if action == "rotate" else bulk.revoke(actor(), addresses, why)
    return [replace(one, place=row.place) for one, row in zip(done, rows, strict=True)]


def _told(done: Sequence[Done]) -> dict[str, Any]:
    refused = sum(bool(one.code) for one in done)
    items = [
        {
            "line": one.place,
            "address": one.address,
            "secret": one.secret,
            "code": one.code or None,
            "note": one.reason or None,
        }
        for one in done
    ]
    return {"done": len(done) - refused, "refused": refused, "items": items}


def shown(place: str, devices: Sequence[Any], secret: str | None = None) -> list[SimpleNamespace]:
    """Devices of one organisation, in the order of their ids, with address and status; the secret of a new one."""
    if not devices:
        return []
    first = devices[0]
    said = services().device_status.list(actor(), first.organisation_id, after=first.id - 1, limit=len(devices))
    status = {one.device_id: one for one in said}
    return [_shown(place, device, status.get(device.id), secret) for device in devices]


def _shown(place: str, device: Any, status: Any, secret: str | None) -> SimpleNamespace:
    return SimpleNamespace(
        id=device.id,
        name=device.name,
        address=f"{place}/{device.name}",
        description=device.description,
        created_at=device.created_at,
        revoked_at=device.revoked_at,
        online=status.online if status else None,
        last_seen=status.last_seen if status else None,
        **({} if secret is None else {"secret": secret}),
    )
