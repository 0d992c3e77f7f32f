"""Sites as files: import with a result for every row, export of what one sees."""

from __future__ import annotations

from itertools import chain
from typing import Any

from flask import Response, request
from flask.views import MethodView
from marshmallow import fields

from gops.api import exports
from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services, settings
from gops.api.fields import Strict
from gops.errors import TooLarge, UnsupportedType
from gops.testbed.places.files import MEDIA_TYPES, Form

blueprint = Blueprint("site_files", __name__, description="Sites as GeoJSON and CSV")
WRITTEN: dict[Form, str] = {"geojson": "application/geo+json", "csv": "text/csv; charset=utf-8"}
CONTENT = {
    media: {"schema": {"type": "object" if form == "geojson" else "string"}} for media, form in MEDIA_TYPES.items()
}


class ImportQuery(Strict):
    organisation = own.slug("the municipality", required=True)
    offer = fields.Boolean(load_default=False, metadata={"description": "true: new sites are offered at once"})
    dry_run = fields.Boolean(load_default=False, metadata={"description": "true: say what would be, change nothing"})


class ExportQuery(Strict):
    organisation = own.slug("of this municipality", load_default=None)
    format = own.choice("of the file", ("geojson", "csv"), load_default="geojson")


class RefusedSite(Strict):
    place = fields.String(metadata={"description": "line 3, or features[2]"})
    reference = fields.String(allow_none=True)
    code = fields.String()
    field = fields.String(allow_none=True)
    note = fields.String(metadata={"description": "what was found, and what was expected"})


class ImportedOut(Strict):
    created = fields.Integer()
    changed = fields.Integer()
    unchanged = fields.Integer()
    refused = fields.Integer()
    refusals = fields.List(fields.Nested(RefusedSite), metadata={"description": "the first hundred"})


@blueprint.route("/sites/import")
class SitesImportView(MethodView):
    @blueprint.arguments(ImportQuery, location="query")
    @blueprint.response(200, ImportedOut)
    @blueprint.writes(400, 404, 413, 415, 422)
    @blueprint.doc(requestBody={"required": True, "content": CONTENT})
    def post(self, query: dict[str, Any]) -> Any:
        """Import sites from GeoJSON or CSV

        A row whose reference the municipality has already changes that site; a wrong row costs no other one.
        """
        form, data = _form(), _body()
        how = {"offer": query["offer"], "dry_run": query["dry_run"]}
        return services().site_files.take(actor(), query["organisation"], form, data, **how)


@blueprint.route("/sites/export")
class SitesExportView(MethodView):
    @blueprint.arguments(ExportQuery, location="query")
    @blueprint.response(200, {"type": "object"}, content_type="application/geo+json")
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/csv", description="OK", success=True)
    @blueprint.public(401, 404, 422, 503)
    def get(self, query: dict[str, Any]) -> Any:
        """Export sites as GeoJSON or CSV

        Those that are offered; a key of their municipality exports its others too.
        """
        pieces = services().site_files.write(actor(), query["format"], query["organisation"])
        end = exports.begin()
        try:
            first = next(pieces)  # before the status is sent
        except BaseException:
            end()
            raise
        response = Response(chain([first], pieces), content_type=WRITTEN[query["format"]])
        response.headers["Content-Disposition"] = f'attachment; filename="sites.{query["format"]}"'
        response.call_on_close(end)
        return response


def _form() -> Form:
    form = MEDIA_TYPES.get(request.mimetype)
    if form is None:
        raise UnsupportedType("sites come as GeoJSON or CSV", field="Content-Type", found=request.mimetype,
                              expected=" or ".join(MEDIA_TYPES))  # fmt: skip
    return form


def _body() -> bytes:
    data = request.get_data(cache=False)
    most = settings().http_body_bytes
    if len(data) > most:
        expected = f"at most {most} bytes (GOPS_HTTP_BODY_BYTES), or gops site import on the server"
        raise TooLarge(f"the file has more than {most} bytes", field="body", found=len(data), expected=expected)
    return data
