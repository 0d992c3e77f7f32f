"""Readings sent over HTTP by their owner, as many as there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import CSV_EXAMPLE, Blueprint
from gops.api.bodies import incoming
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.ingest.push.cells import Reading
from gops.ingest.push.formats import MEDIA_TYPES, format_of, precision_of
from gops.ingest.push.service import Push

blueprint = Blueprint("push", __name__, description="Readings sent by their owner")
REPLAYED = "Idempotency-Replayed"


class PushQuery(Strict):
    mode = own.choice(
        "replace: a reading takes the place of one of its time; keep: what stands stays",
        ("replace", "keep"),
        load_default="replace",
    )
    atomic = fields.Boolean(load_default=False, metadata={"description": "true: store all rows, or none of them"})
    refusals = own.choice(
        "keep: what is refused can be looked at later, as that of devices", ("list", "keep"), load_default="list"
    )
    dry_run = fields.Boolean(load_default=False, metadata={"description": "true: say what is refused, store nothing"})
    zone = own.zone()
    precision = own.choice(
        "of times that are bare numbers since 1970; default ns in line protocol, ms elsewhere", ("s", "ms", "us", "ns")
    )
    device = own.text("address of the device whose fields the rows name", 130, load_default="")


class RefusedRow(Strict):
    place = fields.String(required=True, metadata={"description": "line 3, row 3, or [2] in an array"})
    field = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    note = fields.String(required=True, metadata={"description": "what was found, and what was expected"})


class Pushed(Strict):
    """What a push did. A count is null where the store cannot know it."""

    mode = own.choice("as asked", ("replace", "keep"), required=True)
    atomic = fields.Boolean(required=True)
    complete = fields.Boolean(required=True, metadata={"description": "false beside an error: the rest was not read"})
    through = fields.String(
        required=True, allow_none=True, metadata={"description": "place of the last row that is stored or refused"}
    )
    accepted = fields.Integer(
        required=True, metadata={"description": "rows that are stored, or stood already; with dry_run: that would be"}
    )
    inserted = fields.Integer(required=True, allow_none=True)
    replaced = fields.Integer(required=True, allow_none=True)
    unchanged = fields.Integer(required=True, allow_none=True)
    kept = fields.Integer(required=True, allow_none=True, metadata={"description": "another reading stands"})
    refused = fields.Integer(required=True)
    refused_by_code = fields.Dict(fields.String(), fields.Integer(), required=True)
    refusals = fields.List(fields.Nested(RefusedRow), required=True, metadata={"description": "the first ones"})


JSON_EXAMPLE = {"observations": [{"datastream": 42, "time": "2026-03-01T14:00:00+09:00", "value": 21.5}]}
CONTENT = {
    media: {"schema": {"type": "object"}, "example": JSON_EXAMPLE}
    if name in ("json", "senml")
    else {"schema": {"type": "string"}, **({"example": CSV_EXAMPLE} if name == "csv" else {})}
    for name, media in sorted(MEDIA_TYPES.items())
}
HEADERS = [
    {
        "in": "header",
        "name": "Idempotency-Key",
        "schema": {"type": "string", "maxLength": 200},
        "description": "a push that is sent again under the same key is answered again, and written once",
    },
    {
        "in": "header",
        "name": "Content-Encoding",
        "schema": {"type": "string", "enum": ["gzip", "zstd"]},
    },
]


@blueprint.route("/observations")
class PushView(MethodView):
    @blueprint.arguments(PushQuery, location="query")
    @blueprint.response(200, Pushed)
    @blueprint.writes(400, 409, 413, 415, 422, 429, 501, 503)
    @blueprint.doc(requestBody={"required": True, "content": CONTENT}, parameters=HEADERS)
    def post(self, query: dict[str, Any]) -> Any:
        """Store readings

        Rows of JSON, NDJSON, CSV, SenML, line protocol or Parquet. A row that cannot be stored is refused, with its
        place and the reason, and costs no other row.
        """
        with incoming(request) as body:
            answer, again = services().pushes.take(actor(), asked(query), body)
        return answer, 200, ({REPLAYED: "true"} if again else {})


def asked(query: Mapping[str, Any]) -> Push:
    """The push that the address and the headers ask for."""
    form = format_of(request.headers.get("Content-Type", ""))
    return Push(
        format=form,
        reading=Reading(query.get("zone"), precision_of(query.get("precision"), form)),
        mode=query["mode"],
        atomic=query["atomic"],
        dry_run=query["dry_run"],
        keep_refusals=query["refusals"] == "keep",
        device=query["device"],
        encoding=request.headers.get("Content-Encoding"),
        length=request.content_length,
        key=request.headers.get("Idempotency-Key"),
    )
