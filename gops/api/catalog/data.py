"""The readings of a dataset in the long shape: time, thing, property, value, unit, quality."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import ValidationError, fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.catalog.download import FORMATS, data, latest
from gops.api.expectations import Said
from gops.api.fields import Strict
from gops.api.paging import PageQuery
from gops.api.ranges import RangeQuery
from gops.api.times import EXPECTED, parse_time
from gops.catalog.vocabularies import FILE_TYPES
from gops.errors import Invalid

blueprint = Blueprint("dataset-data", __name__, description="Downloads of datasets")
EXAMPLE = "time,thing,property,value,unit,quality\n2026-03-01T14:00:00+09:00,서울 종로구,pm10,35,ug/m3,good\n"


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in text.split(","))
    if not all(keys):
        raise Invalid("not a list of keys", found=text, expected="keys with commas between: pm10,pm25")
    return tuple(dict.fromkeys(keys))


class Chosen(Strict):
    thing = own.ids("of these Things", load_default=None)
    property = own.Parsed(
        _keys, "keys with commas between: pm10,pm25", "of these observed properties, by key", load_default=None
    )
    bbox = own.bbox()


class DataQuery(Chosen, RangeQuery):
    asof = fields.String(
        load_default=None,
        metadata={
            "description": "as the newest snapshot not later than this time has it, instead of as it is now; "
            "a date or a time without offset is on the clock of zone",
            "expected": EXPECTED,
        },
    )
    quality = own.quality()
    limit = fields.Integer(validate=validate.Range(1), metadata={"description": "rows in a page"})
    cursor = own.text("where the page before ended; take the address in next or Link instead of making one", 100)
    format = own.choice("representation; otherwise the Accept header decides", FORMATS)

    def agree(self, query: dict[str, Any]) -> None:
        if query["asof"] is not None:
            try:
                query["asof"] = parse_time(query["asof"], query["zone"], "asof")
            except Invalid as error:
                raise ValidationError({"asof": [Said.of(error)]}) from error


class LatestQuery(Chosen, PageQuery):
    zone = own.zone()


class DatasetRow(Strict):
    """Documentation of rows that are written from columns; a test holds it against a real answer."""

    time = fields.String(required=True, metadata={"description": "as the source labels it, with the offset of zone"})
    thing = fields.String(required=True, metadata={"description": "name; with its id where several have that name"})
    property = fields.String(required=True, metadata={"description": "key of the observed property"})
    value = fields.Raw(required=True, allow_none=True, metadata={"type": ["number", "string"]})
    unit = fields.String(required=True, metadata={"description": "UCUM code"})
    quality = own.choice("quality", own.WORDS, required=True)
    datastream = fields.Integer(required=True)


class SnapshotTold(Strict):
    """The snapshot that an answer comes from; also in the header `GOPS-Snapshot`."""

    number = fields.Integer(required=True)
    sha256 = fields.String(required=True, metadata={"description": "of its manifest: what is cited"})
    frozen_at = fields.String(required=True)
    address = fields.String(required=True)


class DatasetData(Strict):
    dataset = fields.String(required=True)
    snapshot = fields.Nested(SnapshotTold, required=True, allow_none=True, metadata={"description": "null: live"})
    zone = fields.String(required=True)
    start = fields.String(required=True, allow_none=True, data_key="from")
    end = fields.String(required=True, allow_none=True, data_key="to")
    rows = fields.List(fields.Nested(DatasetRow), required=True, metadata={"description": "by Datastream, then time"})
    next = fields.String(required=True, allow_none=True)


class ThingPlace(Strict):
    """Where a Thing is."""

    longitude = fields.Float(required=True)
    latitude = fields.Float(required=True)
    name = fields.String(required=True)


class DatasetNewestRow(DatasetRow):
    thing_id = fields.Integer(required=True)
    location = fields.Nested(ThingPlace, required=True, allow_none=True)


class DatasetNewest(Strict):
    dataset = fields.String(required=True)
    zone = fields.String(required=True)
    latest = fields.List(fields.Nested(DatasetNewestRow), required=True)
    next = fields.String(required=True, allow_none=True)


def _downloads(view: Any) -> Any:
    """Documents the three representations."""
    text, binary = {"type": "string", "examples": [EXAMPLE]}, {"type": "string", "format": "binary"}
    view = blueprint.public(401, 403, 404, 406, 410, 413, 422)(view)
    view = blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)(view)
    for key, schema in (("csv", text), ("parquet", binary)):
        media_type = FILE_TYPES[key].media_type
        view = blueprint.alt_response(200, schema=schema, content_type=media_type, description="OK", success=True)(view)
    return blueprint.response(200, DatasetData)(view)


@blueprint.route("/datasets/<slug:slug>/data")
class DataView(MethodView):
    @blueprint.arguments(DataQuery, location="query")
    @blueprint.moves
    @_downloads
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Download a dataset

        CSV and Parquet are the whole range, streamed, unless `limit` is given; JSON comes in pages. Rows are ordered by
        Datastream, then time. A state is its text; Parquet has states in a column `text` of their own. With `asof` the
        answer comes from a snapshot and says from which; 404 `no_snapshot` when there is none so early.
        """
        return data(slug, query)


@blueprint.route("/datasets/<slug:slug>/latest")
class LatestView(MethodView):
    @blueprint.arguments(LatestQuery, location="query")
    @blueprint.response(200, DatasetNewest)
    @blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)
    @blueprint.moves
    @blueprint.public(401, 403, 404, 410, 413, 422)
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Show the newest reading of each Datastream of a dataset

        Datastreams without a reading are left out.
        """
        return latest(slug, query)
