"""flask-smorest in the house style: strict arguments, problems as errors, and who may call written in the document."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import flask_smorest
import orjson
from marshmallow import INCLUDE, Schema, fields
from werkzeug.routing import BaseConverter, IntegerConverter, Map

from gops import __version__
from gops.api import examples
from gops.api.arguments import StrictParser
from gops.api.problems import MEDIA_TYPE
from gops.catalog.querying.forms import FORMS
from gops.records.database import MAX_ID

PREFIX = "/api/v1"
CSV_EXAMPLE = "datastream,time,value,quality,result_time\n42,2026-03-01T14:00:00+09:00,21.5,good,\n"
LINE = '{"time":"2026-03-01T14:00:00+09:00","thing":"서울 종로구","property":"pm10","value":35,"unit":"ug/m3"}\n'
View = TypeVar("View", bound=Callable[..., Any])

HEADER_KEYS: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]
ANY_KEYS: list[dict[str, list[str]]] = [*HEADER_KEYS, {"query": []}]
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "for reading alone; addresses stand in logs and histories",
    },
}
ABOUT = """The open API of GOPS: what sensors measure, and the registry of what measures it.

Times are written with the offset of `zone`; ranges are half-open `[from, to)`. Lists come in pages that name the next
one in `next` and in the `Link` header. Every failure is an RFC 9457 problem with a stable `code`. Answers carry a
strong `ETag`; asking again with `If-None-Match` costs next to nothing. A route that goes says so for 180 days at least
with `Deprecation` (RFC 9745) and `Sunset` (RFC 8594)."""


class WrongValue(Schema):
    code = fields.String(metadata={"description": "stable name", "example": "bad_time"})
    detail = fields.String(metadata={"description": "for people, in Korean or English, by Accept-Language"})
    detail_en = fields.String(metadata={"description": "the sentence that was raised, where `detail` is in Korean"})
    field = fields.String(allow_none=True, metadata={"description": "path of the wrong value", "example": "from"})
    found = fields.Raw(allow_none=True, metadata={"type": ["string", "number", "boolean"]})
    expected = fields.String(allow_none=True, metadata={"description": "what would be right"})


class ProblemBody(WrongValue):
    """RFC 9457 problem details. Some codes have members of their own beside these, such as what is cheaper."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(metadata={"format": "uri-reference", "example": "/api/v1/problems#bad_time"})
    title = fields.String(metadata={"description": "in Korean or English, by Accept-Language"})
    status = fields.Integer(metadata={"example": 422})
    request_id = fields.String(metadata={"description": "also in X-Request-ID and in the server's log"})
    errors = fields.List(fields.Nested(WrongValue), metadata={"description": "every wrong value of the request"})


def _documenting(wrapping: Callable[[View], Any]) -> Callable[[View], View]:
    """The view itself with what ``wrapping`` would have said of it."""

    def decorate(view: View) -> View:
        view._apidoc = wrapping(view)._apidoc  # type: ignore[attr-defined]
        return view

    return decorate


class Blueprint(flask_smorest.Blueprint):
    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[[View], View]:
        """The schema is made once, not anew for each request."""
        return super().arguments(schema(), **options)

    def alt_response(self, *args: Any, **options: Any) -> Callable[[View], View]:
        """Documents, and leaves the view as it is: a dozen wrappers around each were run by every request."""
        return _documenting(super().alt_response(*args, **options))

    @staticmethod
    def doc(**members: Any) -> Callable[[View], View]:
        return _documenting(flask_smorest.Blueprint.doc(**members))

    def public(self, *problems: int) -> Callable[[View], View]:
        """Anybody may call; a key may show more."""
        return self._documented(problems, [{}, *ANY_KEYS])

    def reads(self, *problems: int) -> Callable[[View], View]:
        """Needs a key, in a header or in the query."""
        return self._documented((401, *problems), list(ANY_KEYS))

    def writes(self, *problems: int) -> Callable[[View], View]:
        """Needs a key in a header."""
        return self._documented((401, 403, *problems), list(HEADER_KEYS))

    def open(self, *problems: int) -> Callable[[View], View]:
        """Neither needs a key nor takes one into account."""
        return self._documented(problems, [])

    def moves(self, view: View) -> View:
        """A GET that answers 308 where the slug in its address is a former one."""
        about = "the slug is a former one; `Location` has the present one"
        return self.alt_response(308, description=about, success=True)(view)

    def readings(self, schema: type[Schema], example: str = CSV_EXAMPLE, *problems: int) -> Callable[[View], View]:
        """A GET of readings: JSON of ``schema``, and the other forms, all written by hand from columns."""

        def decorate(view: View) -> View:
            text, binary = {"type": "string", "examples": [example]}, {"type": "string", "format": "binary"}
            schemas = {"csv": text, "parquet": binary, "ndjson": text | {"examples": [LINE]}, "xlsx": binary}
            schemas["geojson"] = {"type": "object", "description": "a FeatureCollection of RFC 7946, a feature a row"}
            view = self.public(401, *problems, 404, 406, 413, 422)(view)
            view = self.alt_response(304, description="as the asker has it (If-None-Match)", success=True)(view)
            for key, one in schemas.items():
                media_type = FORMS[key].media_type
                view = self.alt_response(200, schema=one, content_type=media_type, description="OK", success=True)(view)
            return self.response(200, schema)(view)

        return decorate

    def _documented(self, problems: tuple[int, ...], security: list[dict[str, list[str]]]) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            for status in problems:
                view = self.alt_response(status, response=HTTPStatus(status).name)(view)
            return self.doc(security=security)(view)

        return decorate


class Api(flask_smorest.Api):
    """Registers blueprints; errors are answered by ``problems``.

    Their document is made when it is asked for the first time: it takes longer than all else of a start.
    """

    spec: Any

    def __init__(self, app: Any, server: str) -> None:
        self._undescribed: list[Blueprint] = []
        self._making = threading.Lock()
        self._made = b""
        app.config |= {"API_TITLE": "GOPS", "API_VERSION": __version__, "OPENAPI_VERSION": "3.1.0"}
        super().__init__(app, spec_kwargs={"info": _info(), "servers": [{"url": server or "/"}]})
        for name, scheme in SCHEMES.items():
            self.spec.components.security_scheme(name, scheme)

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        self._app.register_blueprint(blueprint, **options)
        self._undescribed.append(blueprint)

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        self.spec.components.schema("Problem", schema=ProblemBody)
        content = {MEDIA_TYPE: {"schema": "Problem"}}
        for status in HTTPStatus:
            self.spec.components.response(status.name, {"description": status.phrase, "content": content}, lazy=True)
        self.spec.components.response("DEFAULT_ERROR", {"description": "any failure", "content": content}, lazy=True)

    def document(self) -> bytes:
        """The OpenAPI document as JSON, with a stable ``operationId`` for every operation."""
        with self._making:
            if not self._made:
                self._made = orjson.dumps(self._document(), option=orjson.OPT_INDENT_2)
                self.spec = None  # tens of megabytes
        return self._made

    def _document(self) -> dict[str, Any]:
        for one in self._undescribed:
            one.register_views_in_doc(self, self._app, self.spec, name=one.name, parameters=None)
            self.spec.tag({"name": one.name, "description": one.description})
        document: dict[str, Any] = self.spec.to_dict()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if isinstance(operation, dict):
                    operation["operationId"] = _operation_id(method, path)
                    _without_null(operation.get("parameters", []))
        examples.add(document)
        return document


def _without_null(parameters: list[dict[str, Any]]) -> None:
    """A parameter that is not given is no null: say what it is when it is given."""
    for schema in (one["schema"] for one in parameters if one["in"] == "query"):
        if schema.get("default", ...) is None:
            del schema["default"]
            schema["type"] = next(word for word in schema["type"] if word != "null")


def _info() -> dict[str, Any]:
    return {"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}


def _operation_id(method: str, path: str) -> str:
    """``get_datastreams_by_datastream_id_observations``."""
    parts = [part for part in path.removeprefix(PREFIX).split("/") if part]
    words = (f"by_{part[1:-1]}" if part.startswith("{") else part.replace("-", "_") for part in parts)
    return "_".join([method, *words])


class IdConverter(IntegerConverter):
    """A record's id in a path; anything else is no address."""

    regex = r"[0-9]{1,19}"

    def __init__(self, routes: Map) -> None:
        super().__init__(routes, min=1, max=MAX_ID)


class SlugConverter(BaseConverter):
    regex = r"[a-z0-9][a-z0-9-]{1,62}"


class NameConverter(BaseConverter):
    """A device's name."""

    regex = r"[A-Za-z0-9_-]{1,64}"


CONVERTERS: dict[str, type[BaseConverter]] = {"id": IdConverter, "slug": SlugConverter, "name": NameConverter}
