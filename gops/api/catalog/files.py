"""Files of datasets: handed in, listed, downloaded as they came; and the dictionary of columns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from flask import Response, request
from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.bodies import incoming
from gops.api.catalog.addresses import follow
from gops.api.context import actor, services
from gops.api.counted import used
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.stored import UNCHANGING, download
from gops.catalog.filed.columns import Column
from gops.catalog.filed.model import DatasetFile
from gops.catalog.filed.service import NAME_LENGTH
from gops.catalog.filed.telling import FILE_FORMS, UNSAID
from gops.catalog.filed.types import KEYS, TYPES
from gops.permissions import ANONYMOUS

blueprint = Blueprint("files", __name__, description="Datasets of files: what was handed in, and its columns")
BINARY = {"schema": {"type": "string", "format": "binary"}}
TAKEN = dict.fromkeys([*(one.media_type for one in FILE_FORMS.values()), UNSAID[1]], BINARY)
PRIVATE = "private, no-cache"


class DatasetFileOut(Strict):
    """A state of a file."""

    name = fields.String()
    number = fields.Integer(metadata={"description": "counts the states of that name; the newest is the present one"})
    format = own.choice("what it is, by its bytes", tuple(FILE_FORMS))
    media_type = fields.String()
    bytes = fields.Integer()
    sha256 = fields.String(metadata={"description": "of its bytes; also its ETag"})
    rows = fields.Integer()
    columns = fields.Integer(metadata={"description": "how many; what they are stands in the dictionary"})
    encoding = fields.String(allow_none=True, metadata={"description": "of text, as it was handed in"})
    bbox = fields.List(fields.Float(), allow_none=True, metadata={"description": "west, south, east, north"})
    at = own.moment("when it was handed in")
    removed_at = own.moment("when it was taken out of the dataset", allow_none=True)
    address = fields.String(metadata={"description": "of this very state, which never changes"})
    data = fields.String(metadata={"description": "address of its rows, in every format"})


class DatasetFilesOut(Strict):
    items = fields.List(fields.Nested(DatasetFileOut), metadata={"description": "the present ones, by name"})


class CodeIn(Strict):
    value = own.text("as it stands in the file", 200, required=True)
    label_ko = own.text("what it means, in Korean", 200)
    label_en = own.text("in English", 200)


class ColumnIn(Strict):
    name = own.text("of the column", 200, shortest=1, required=True)
    type = own.choice("demanded of uploads; null: found", tuple(TYPES), allow_none=True)
    unit = own.text("UCUM code", 64, shortest=1, allow_none=True)
    description_ko = own.text("in Korean", 2000)
    description_en = own.text("in English", 2000)
    codes = fields.List(fields.Nested(CodeIn), metadata={"description": "all values that there may be"})
    nullable = fields.Boolean(metadata={"description": "may values be missing; true by default"})


class DictionaryIn(Strict):
    columns = fields.List(fields.Nested(ColumnIn), required=True, validate=validate.Length(max=10_000))


class TopValue(Strict):
    value = fields.Raw(metadata={"type": ["string", "number", "boolean"]})
    count = fields.Integer()


class ColumnSummary(Strict):
    """Of all rows, as they were handed in."""

    count = fields.Integer(metadata={"description": "values"})
    nulls = fields.Integer(metadata={"description": "rows without one"})
    distinct = fields.Integer(allow_none=True, metadata={"description": "null: more than 10,000"})
    min = fields.Raw(allow_none=True, metadata={"type": ["string", "number"]})
    max = fields.Raw(allow_none=True, metadata={"type": ["string", "number"]})
    top = fields.List(fields.Nested(TopValue), metadata={"description": "the ten most frequent values"})


class CodeOut(Strict):
    value = fields.String()
    label_ko = fields.String(attribute="ko")
    label_en = fields.String(attribute="en")


class ColumnOut(Strict):
    name = fields.String(metadata={"description": "of the column, or key of the observed property"})
    type = own.choice("as Table Schema names it; datetime_local has no offset", KEYS)
    nullable = fields.Boolean()
    declared = fields.Boolean(metadata={"description": "the type is the publisher's; otherwise it was found"})
    unit = fields.String(allow_none=True, metadata={"description": "UCUM code"})
    unit_iri = fields.String(allow_none=True, metadata={"description": "the same unit in QUDT"})
    description_ko = fields.String()
    description_en = fields.String()
    codes = fields.List(fields.Nested(CodeOut))
    file = fields.String(allow_none=True, metadata={"description": "which file; null: of a live dataset"})
    kind = fields.String(allow_none=True, metadata={"description": "of Datastreams: gauge, amount, ..."})
    iri = fields.String(allow_none=True, metadata={"description": "what is observed"})
    summary = fields.Nested(ColumnSummary, allow_none=True)


class DictionaryOut(Strict):
    dataset = fields.String()
    file = fields.String(allow_none=True)
    columns = fields.List(fields.Nested(ColumnOut))


class OfFile(Strict):
    file = own.text("of a dataset with several files: which; the first by name otherwise", NAME_LENGTH, shortest=1)


class AsOfQuery(Strict):
    asof = own.moment_in("the state that the file had at this time, instead of the present one")


@blueprint.route("/datasets/<slug:slug>/files")
class FilesView(MethodView):
    @blueprint.response(200, DatasetFilesOut)
    @blueprint.moves
    @blueprint.public(401, 403, 404, 409, 410)
    def get(self, slug: str) -> Any:
        """List the files of a dataset"""
        present, files = services().filed.list(actor(), slug)
        follow(slug, present)
        return {"items": [shown(present, one) for one in files]}


@blueprint.route("/datasets/<slug:slug>/files/<name>")
class OneFile(MethodView):
    @blueprint.arguments(AsOfQuery, location="query")
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type=UNSAID[1])
    @blueprint.alt_response(206, description="the bytes asked for (Range)", success=True)
    @blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)
    @blueprint.moves
    @blueprint.public(401, 403, 404, 409, 410, 416, 422, 503)
    def get(self, query: dict[str, Any], slug: str, name: str) -> Response:
        """Download a file as it was handed in

        Always as an attachment. Its ETag is its SHA-256; ranges of bytes are given. With `asof` before its first state
        it is a 404 `no_state`, after it was taken out a 410 `file_removed`.
        """
        found = services().filed.get(actor(), slug, name, at=query["asof"])
        follow(slug, found.slug)
        return _download(found.file, "no-cache")

    @blueprint.response(201, DatasetFileOut)
    @blueprint.alt_response(200, schema=DatasetFileOut, description="another state, or the same bytes", success=True)
    @blueprint.writes(404, 409, 410, 413, 422, 503)
    @blueprint.doc(requestBody={"required": True, "content": TAKEN})
    def put(self, slug: str, name: str) -> Any:
        """Hand a file in

        The body is the file: CSV, GeoJSON, Parquet or XLSX. What it is is told from its bytes; a name or a Content-Type
        that says something else is 422 `wrong_type`. Every cell is looked at: what is wrong is told by row and column,
        the first 20 in `errors`. What was there before stays as a former state.
        """
        with incoming(request) as body:
            made = services().filed.put(actor(), slug, name, request.headers.get("Content-Type", ""), body)
        file = shown(made.slug, made.file)
        status = 201 if made.is_new and made.file.number == 1 else 200
        return file, status, {"Location": file.address}

    @blueprint.response(204)
    @blueprint.writes(404, 409, 410)
    def delete(self, slug: str, name: str) -> None:
        """Take a file out of a dataset

        Its states stay where they are, to be cited.
        """
        services().filed.remove(actor(), slug, name)


@blueprint.route("/datasets/<slug:slug>/files/<name>/states")
class StatesView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(DatasetFileOut))
    @blueprint.moves
    @blueprint.public(401, 403, 404, 409, 410, 422)
    def get(self, query: dict[str, Any], slug: str, name: str) -> Any:
        """List the states of a file

        The oldest first.
        """
        present = services().filed.list(actor(), slug)[0]
        follow(slug, present)
        body, headers = page(query, lambda after, most: services().filed.states(actor(), slug, name, after, most)[1])
        return {**body, "items": [shown(present, one) for one in body["items"]]}, headers


@blueprint.route("/datasets/<slug:slug>/files/<name>/states/<id:number>")
class StateView(MethodView):
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type=UNSAID[1])
    @blueprint.alt_response(206, description="the bytes asked for (Range)", success=True)
    @blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)
    @blueprint.moves
    @blueprint.public(401, 403, 404, 409, 410, 416, 503)
    def get(self, slug: str, name: str, number: int) -> Response:
        """Download a state of a file

        It never changes.
        """
        found = services().filed.get(actor(), slug, name, number)
        follow(slug, found.slug)
        return _download(found.file, UNCHANGING)


@blueprint.route("/datasets/<slug:slug>/columns")
class ColumnsView(MethodView):
    @blueprint.arguments(OfFile, location="query")
    @blueprint.response(200, DictionaryOut)
    @blueprint.moves
    @blueprint.public(401, 403, 404, 410, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """Show the column dictionary of a dataset

        Of files what was found in each column and what the publisher says of it; of live data what is observed.
        """
        present, columns = services().filed.columns(actor(), slug, query.get("file"))
        follow(slug, present)
        return _dictionary(present, columns)

    @blueprint.arguments(DictionaryIn)
    @blueprint.arguments(OfFile, location="query")
    @blueprint.response(200, DictionaryOut)
    @blueprint.writes(404, 409, 410, 413, 415, 422)
    def put(self, given: dict[str, Any], query: dict[str, Any], slug: str) -> Any:
        """Describe the columns of a file

        All that is said is replaced. A `type`, `codes` and `nullable: false` are demanded of the next upload; a file
        that is still to come may be described too.
        """
        name = query["file"] if "file" in query else services().filed.get(actor(), slug).file.name
        present, columns = services().filed.describe(actor(), slug, name, given["columns"])
        return _dictionary(present, columns) | {"file": name}


def _dictionary(slug: str, columns: Any) -> dict[str, Any]:
    return {"dataset": slug, "file": columns[0].file if columns else None, "columns": [_column(one) for one in columns]}


def _column(one: Column) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ColumnOut().fields}


def address_of(slug: str, file: DatasetFile, state: bool = True) -> str:
    address = f"{PREFIX}/datasets/{slug}/files/{quote(file.name, safe='')}"
    return f"{address}/states/{file.number}" if state else address


def shown(slug: str, file: DatasetFile) -> SimpleNamespace:
    """A state of a file as the API gives it."""
    plain = ("name", "number", "bytes", "sha256", "rows", "bbox", "at", "removed_at")
    return SimpleNamespace(
        **{name: getattr(file, name) for name in plain},
        format=file.form,
        media_type=FILE_FORMS[file.form].media_type,
        columns=len(file.columns),
        encoding=file.encoding or None,
        address=address_of(slug, file),
        data=f"{PREFIX}/datasets/{slug}/data?file={quote(file.name, safe='')}",
    )


def _download(file: DatasetFile, kept: str) -> Response:
    named = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    if actor() is not ANONYMOUS:  # it may be of a draft, which no shared cache may keep
        kept = PRIVATE
    headers = {"Cache-Control": kept, "Content-Disposition": named, "X-Content-Type-Options": "nosniff"}
    opener, media_type = services().filed.opener(file), FILE_FORMS[file.form].media_type
    response = download(opener, file.bytes, file.sha256, media_type, headers)
    if response.status_code == 200:
        used("download", file.dataset_id, file.rows)
    return response
