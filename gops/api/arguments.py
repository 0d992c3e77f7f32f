"""Reading a request: query and JSON body through marshmallow, strictly, with every wrong value named."""

from __future__ import annotations

from collections import Counter
from typing import Any, NoReturn

import marshmallow as ma
import orjson
from flask import Request
from webargs import core
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from gops.api.context import settings
from gops.api.expectations import wrong_values
from gops.api.problems import InvalidRequest, Wrong
from gops.errors import Invalid, Malformed, TooLarge, UnsupportedType

KEY_PARAMETER = "key"
"""The query parameter that carries an API key; read by ``credentials``, no parameter of any route."""


class StrictParser(FlaskParser):
    """Refuses unknown and repeated parameters, media types other than JSON, and JSON beyond its bounds."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": ma.RAISE}

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        counts = Counter(name for name, _value in req.args.items(True))
        repeated = tuple(_repeated(name) for name, count in counts.items() if count > 1)
        if repeated:
            raise InvalidRequest(repeated)
        return {name: value for name, value in req.args.items() if name != KEY_PARAMETER}

    def _raw_load_json(self, req: Request) -> Any:
        return read_json(req)

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_: Any) -> NoReturn:
        """``error.messages`` is ``{"query" or "json": messages}``."""
        ((location, messages),) = error.messages_dict.items()
        error.messages = messages
        place = "query" if location == "query" else "body"
        data = req.args if location == "query" else read_json(req)
        raise InvalidRequest(wrong_values(error, schema, data, place)) from error


def _repeated(name: str) -> Wrong:
    return Wrong("repeated_parameter", "a parameter is given once", name, None, "one value; several with commas")


def read_json(req: Request) -> Any:
    """The JSON body. Raises ``UnsupportedType``, 413, ``TooLarge`` and ``Malformed`` (``bad_json``, ``bad_text``)."""
    if not core.is_json(req.mimetype):
        raise UnsupportedType(
            "the body of this request is JSON", field="Content-Type", found=req.mimetype, expected="application/json"
        )
    body = req.get_data(cache=True)
    if len(body) > settings().http_body_bytes:  # of a chunked body werkzeug gives the beginning, and no error
        raise RequestEntityTooLarge
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(
            f"the body is not JSON, at {where}", code="bad_json", field="body", found=where, expected="RFC 8259 JSON"
        ) from error
    _bound(document, settings().http_json_depth)
    return document


def _bound(document: Any, deepest: int) -> None:
    """Refuse JSON deeper than ``deepest`` and text that the records cannot hold, without recursion."""
    level = [document]
    for _depth in range(deepest + 1):
        if any(isinstance(one, str) and "\0" in one for one in level):
            raise Malformed("text cannot have the character U+0000", code="bad_text", field="body")
        level = [part for one in level for part in _parts(one)]
        if not level:
            return
    raise TooLarge(
        f"the JSON is nested deeper than {deepest}",
        code="too_deep",
        field="body",
        expected=f"at most {deepest} levels (GOPS_HTTP_JSON_DEPTH)",
    )


def _parts(one: Any) -> list[Any]:
    if isinstance(one, dict):
        return [*one, *one.values()]
    return one if isinstance(one, list) else []


def refuse_limit_beyond(limit: int | None, most: int, setting: str = "GOPS_PAGE_ROWS_MAX") -> int | None:
    """``limit`` itself. Raises ``Invalid`` above ``most``, the value of ``setting``."""
    if limit is not None and limit > most:
        raise Invalid(
            f"a page has at most {most} rows", field="limit", found=limit, expected=f"1 to {most} ({setting})"
        )
    return limit
