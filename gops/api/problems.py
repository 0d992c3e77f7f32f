"""Every failure as one body: RFC 9457 ``application/problem+json``. The one table from errors to HTTP is here.

Members besides the standard's ``type``, ``title``, ``status`` and ``detail``: ``code`` (stable), ``field``,
``found``, ``expected``, ``request_id``, and ``errors`` (the same members for every wrong value of a request).
``title`` and ``detail`` are in the reader's language; in Korean ``detail_en`` has the sentence that was raised.
An exception from outside the error tree is a 500 of code ``internal`` that says nothing else; the log has the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from gops import errors, logs
from gops.api.details import Members, korean_detail
from gops.api.titles import title

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/api/v1/problems#"
FOUND_LENGTH = 200  # characters of a wrong value that are shown back
RETRY_SECONDS = 5
STATUS: Mapping[type[errors.GopsError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.GopsError: 500,
    errors.Unsupported: 501,
    errors.Unavailable: 503,
}
OF_HTTP: Mapping[int, tuple[str, str]] = {
    400: ("malformed", "the request cannot be read as HTTP"),
    404: ("not_found", "there is nothing at this address"),
    405: ("method_not_allowed", "this address does not take that method"),
    406: ("not_acceptable", "there is no representation of the types asked for"),
    408: ("request_timeout", "the request did not arrive in time"),
    413: ("too_large", "the body of the request is too large"),
    414: ("uri_too_long", "the address is too long"),
    415: ("unsupported_media_type", "a body of this media type is not read"),
    416: ("range_not_satisfiable", "there are no such bytes"),
    429: ("too_many_requests", "more requests than the limit allows"),
}
CODE_OF_STATUS = {status: kind.code for kind, status in STATUS.items()} | {s: code for s, (code, _) in OF_HTTP.items()}
log = logs.get(__name__)


@dataclass(frozen=True)
class Wrong:
    """One wrong value of a request. ``field`` is its path: ``fields[2].unit``."""

    code: str
    detail: str
    field: str | None = None
    found: Any = None
    expected: str | None = None

    def body(self, language: str, status_code: str = "invalid_value", reason: str | None = None) -> dict[str, Any]:
        found = shown(self.found)
        told = {"detail": self.detail}
        if language == "ko":
            members = Members(self.field, found, self.expected, reason)
            told = {"detail": korean_detail(self.code, status_code, members), "detail_en": self.detail}
        return {
            "code": self.code,
            **told,
            "field": self.field,
            "found": found,
            "expected": self.expected,
        }


class InvalidRequest(errors.Invalid):
    """Wrong values in a request, all of them at once; the first one is also the error's own."""

    code = "invalid_request"

    def __init__(self, wrong: tuple[Wrong, ...]) -> None:
        first = wrong[0]
        code = first.code if len(wrong) == 1 else "invalid_request"
        super().__init__(first.detail, code=code, field=first.field, found=first.found, expected=first.expected)
        self.wrong = wrong


@dataclass(frozen=True)
class Problem:
    """A failure as HTTP: status, the members of its body, and the headers that go with it."""

    status: int
    wrong: Wrong
    errors: tuple[Wrong, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def title(self, language: str) -> str:
        return title(self.wrong.code, self.status_code, language)

    @property
    def status_code(self) -> str:
        return CODE_OF_STATUS.get(self.status, "internal")

    def body(self, language: str) -> dict[str, Any]:
        members = self.wrong.body(language, self.status_code, self.extra.get("reason"))
        said = {name: value for name, value in members.items() if value is not None}
        return {
            "type": TYPE_PREFIX + self.wrong.code,
            "title": self.title(language),
            "status": self.status,
            **said,
            **self._beside(language),
            "request_id": g.get("request_id"),
            **({"errors": [one.body(language) for one in self.errors]} if self.errors else {}),
        }

    def _beside(self, language: str) -> Mapping[str, Any]:
        """The members of its own; wrong places of a file are told in ``language`` as those of a request are."""
        if "errors" not in self.extra:
            return self.extra
        return {**self.extra, "errors": [Wrong(**one).body(language) for one in self.extra["errors"]]}


ErrorPage = Callable[[Problem, str], Response]
"""Makes a page for people of a problem and a language ("ko", "en")."""


def shown(found: Any) -> Any:
    """``found`` as it may be sent back: a JSON scalar, or text cut at ``FOUND_LENGTH``."""
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, int | float) and abs(found) < 2**53:
        return found
    text = found if isinstance(found, str) else repr(found)
    return text if len(text) <= FOUND_LENGTH else text[: FOUND_LENGTH - 1] + "…"


def of_error(error: errors.GopsError) -> Problem:
    """The problem of an error of the tree."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status == 500:
        return INTERNAL
    wrong = Wrong(error.code, error.message, error.field, error.found, error.expected)
    wrongs = error.wrong if isinstance(error, InvalidRequest) else ()
    return Problem(status, wrong, wrongs, _headers(error), error.extra or {})


def _headers(error: errors.GopsError) -> dict[str, str]:
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="GOPS"'}
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(error.retry_after_s)}
    return {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, errors.Unavailable) else {}


def of_http(error: HTTPException, body_bytes: int) -> Problem:
    """The problem of one of werkzeug's own errors. Its description is not repeated."""
    status = error.code or 500
    if status >= 500:
        return INTERNAL
    code, detail = OF_HTTP.get(status, OF_HTTP[400])
    wrong = Wrong(code, detail)
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        wrong = replace(wrong, field="method", found=request.method, expected=allowed)
        return Problem(status, wrong, headers={"Allow": allowed})
    if isinstance(error, RequestEntityTooLarge):
        expected = f"at most {body_bytes} bytes (GOPS_HTTP_BODY_BYTES)"
        wrong = replace(wrong, field="body", found=request.content_length, expected=expected)
    if status == 404:
        wrong = replace(wrong, field="path", found=request.path)
    return Problem(status if status in OF_HTTP else 400, wrong)


INTERNAL = Problem(500, Wrong("internal", "something failed here; the server's log has this request_id"))


def language(default: str) -> str:
    """ "ko" or "en", as the reader prefers."""
    return request.accept_languages.best_match(["ko", "en"], default) or default


def install(app: Flask, default_language: str, body_bytes: int, page: ErrorPage | None = None) -> None:
    """Answer every failure of ``app`` with a problem; outside /api, where ``page`` is given, with a page."""

    def answer(problem: Problem) -> Response:
        chosen = language(default_language)
        if page is not None and not request.path.startswith("/api"):
            response = page(problem, chosen)
        else:
            response = Response(orjson.dumps(problem.body(chosen)), problem.status, mimetype=MEDIA_TYPE)
        response.headers.extend(problem.headers)
        response.headers["Content-Language"] = chosen
        response.vary.add("Accept-Language")
        response.cache_control.no_store = True
        return response

    @app.errorhandler(errors.GopsError)
    def of_tree(error: errors.GopsError) -> Response:
        problem = of_error(error)
        if problem is INTERNAL:
            log.error("request_failed", exc_info=error)
        return answer(problem)

    @app.errorhandler(HTTPException)
    def of_werkzeug(error: HTTPException) -> Any:
        if error.code is None or error.code < 400:
            return error  # a redirect
        return answer(of_http(error, body_bytes))

    @app.errorhandler(Exception)
    def of_surprise(error: Exception) -> Response:
        log.error("request_failed", exc_info=error)
        return answer(INTERNAL)
