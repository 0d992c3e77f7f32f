"""What there is: the index, the codes of problems, and the OpenAPI document."""

from __future__ import annotations

from typing import Any, cast

from flask import Response, current_app
from flask.views import MethodView
from marshmallow import fields

from gops import __version__
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import settings
from gops.api.fields import Strict
from gops.api.korean import SENTENCES
from gops.api.problem_page import is_wanted, problem_page
from gops.api.problems import language
from gops.api.remedies import remedy
from gops.api.titles import TITLES

blueprint = Blueprint("index", __name__, description="What there is")
DOCUMENT = "gops-openapi"
"""Where the app keeps what gives the bytes of its OpenAPI document."""


class Index(Strict):
    name = fields.String()
    version = fields.String()
    zone = fields.String(metadata={"description": "where a request names none"})
    links = fields.Dict(fields.String(), fields.String(), metadata={"description": "name to address"})


class ProblemCode(Strict):
    code = fields.String(metadata={"example": "bad_time"})
    title_ko = fields.String(metadata={"description": "what it means, in Korean"})
    title_en = fields.String(metadata={"description": "the same in English"})
    detail_ko = fields.String(metadata={"description": "what `detail` begins with, in Korean"})
    remedy_ko = fields.String(metadata={"description": "what to do, in Korean"})
    remedy_en = fields.String(metadata={"description": "the same in English"})


LINKS = {
    "openapi": f"{PREFIX}/openapi.json",
    "docs": "/api/docs",
    "organisations": f"{PREFIX}/organisations",
    "things": f"{PREFIX}/things",
    "sensors": f"{PREFIX}/sensors",
    "observed_properties": f"{PREFIX}/observed-properties",
    "datastreams": f"{PREFIX}/datastreams",
    "observations": f"{PREFIX}/observations",
    "latest": f"{PREFIX}/latest",
    "datasets": f"{PREFIX}/datasets",
    "vocabularies": f"{PREFIX}/vocabularies",
    "catalog": "/catalog.jsonld",
    "signup": f"{PREFIX}/signup",
    "problems": f"{PREFIX}/problems",
    "usage": f"{PREFIX}/usage",
    "my_usage": f"{PREFIX}/me/usage",
    "health": f"{PREFIX}/health/ready",
}


@blueprint.route("")
class IndexView(MethodView):
    @blueprint.response(200, Index)
    @blueprint.open()
    def get(self) -> Any:
        """Show what there is"""
        zone = settings().zone.key
        return {"name": "GOPS", "version": __version__, "zone": zone, "links": LINKS}


@blueprint.route("/problems")
class ProblemsView(MethodView):
    @blueprint.response(200, ProblemCode(many=True))
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/html", description="OK", success=True)
    @blueprint.open()
    def get(self) -> Any:
        """List the codes of problems"""
        if is_wanted():
            return problem_page(language(settings().language))
        return [_told(code) for code in sorted(TITLES)]


def _told(code: str) -> dict[str, str]:
    korean, english = TITLES[code]
    do_korean, do_english = remedy(code)
    return {
        "code": code,
        "title_ko": korean,
        "title_en": english,
        "detail_ko": f"{SENTENCES[code]}.",
        "remedy_ko": do_korean,
        "remedy_en": do_english,
    }


@blueprint.route("/openapi.json")
class OpenApiView(MethodView):
    @blueprint.response(200, {"type": "object"})
    @blueprint.open()
    def get(self) -> Response:
        """Show this document"""
        return Response(cast(bytes, current_app.extensions[DOCUMENT]()), mimetype="application/json")
