"""The readings of a dataset in the long shape: time, thing, property, value, unit, quality."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import ValidationError, fields

from gops.api import fields as own
from gops.api.asked import DataAsked
from gops.api.blueprint import Blueprint
from gops.api.catalog.download import data, latest
from gops.api.expectations import Said
from gops.api.fields import Strict
from gops.api.paging import PageQuery
from gops.api.times import EXPECTED, parse_time
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


class DataQuery(Chosen, DataAsked):
    file = own.text("of a dataset of several files: which; the first by name otherwise", 100, shortest=1)
    asof = fields.String(
        load_default=None,
        metadata={
            "description": "as the newest snapshot not later than this time has it, instead of as it is now; of a "
            "dataset of files the state that its file had then; "
            "a date or a time without offset is on the clock of zone",
            "expected": EXPECTED,
        },
    )

    def agree(self, query: dict[str, Any]) -> None:
        super().agree(query)
        if query["asof"] is not None:
            try:
                query["asof"] = parse_time(query["asof"], query["zone"], "asof")
            except Invalid as error:
                raise ValidationError({"asof": [Said.of(error)]}) from error


class LatestQuery(Chosen, PageQuery):
    zone = own.zone()


class DatasetRow(Strict):
    """Documentation of rows that are written from columns; a test holds it against a real answer. With `columns` those,
    with `every` start, end, an aggregate each, count, good and coverage, in the wide shape a member a column."""

    time = fields.String(metadata={"description": "as the source labels it, with the offset of zone"})
    thing = fields.String(metadata={"description": "name; with its id where several have that name"})
    property = fields.String(metadata={"description": "key of the observed property"})
    value = fields.Raw(allow_none=True, metadata={"type": ["number", "string"]})
    unit = fields.String(metadata={"description": "UCUM code"})
    quality = own.choice("quality", own.WORDS)
    datastream = fields.Integer()


class SnapshotTold(Strict):
    """The snapshot that an answer comes from; also in the header `GOPS-Snapshot`."""

    number = fields.Integer(required=True)
    sha256 = fields.String(required=True, metadata={"description": "of its manifest: what is cited"})
    frozen_at = fields.String(required=True)
    address = fields.String(required=True)


class DatasetData(Strict):
    dataset = fields.String(required=True)
    file = fields.String(metadata={"description": "of a dataset of files: which it is"})
    state = fields.Integer(metadata={"description": "of a dataset of files: the number of the file's state"})
    snapshot = fields.Nested(SnapshotTold, required=True, allow_none=True, metadata={"description": "null: live"})
    zone = fields.String(required=True)
    start = fields.String(required=True, allow_none=True, data_key="from")
    end = fields.String(required=True, allow_none=True, data_key="to")
    units = fields.Dict(
        fields.String(), fields.String(), metadata={"description": "UCUM code by column, in the wide shape"}
    )
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


@blueprint.route("/datasets/<slug:slug>/data")
class DataView(MethodView):
    @blueprint.arguments(DataQuery, location="query")
    @blueprint.moves
    @blueprint.readings(DatasetData, EXAMPLE, 403, 410)
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Download a dataset

        JSON comes in pages; the other formats are the whole range, streamed, unless `limit` is given. Rows are ordered
        by Datastream, then time. A state is its text; Parquet has states in a column `text` of their own. `columns` and
        `filter` choose, `every` aggregates, `shape=wide` lays properties side by side; what costs too much is a 413
        that names the bound and, in `instead`, something cheaper. With `asof` the answer comes from a snapshot and says
        from which; 404 `no_snapshot` when there is none so early. A dataset of files gives the rows of one `file`, in
        their order, with the columns of its dictionary.
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
