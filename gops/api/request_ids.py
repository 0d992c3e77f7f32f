"""A request id for every request: taken from ``X-Request-ID`` where that is harmless, echoed, and in every log line."""

from __future__ import annotations

import re

import structlog
from flask import Flask, Response, g, request

from gops import logs

HEADER, ENVIRON = "X-Request-ID", "HTTP_X_REQUEST_ID"
_HARMLESS = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
log = logs.get(__name__)


def install(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.request_id = begun(request.environ.get(ENVIRON, ""))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        ended(request.method, request.path, response.status_code)
        return response


def begun(given: str) -> str:
    """The id of a request that begins in this thread."""
    name = given if _HARMLESS.fullmatch(given) else logs.new_request_id()
    structlog.contextvars.clear_contextvars()  # this thread served another request before
    structlog.contextvars.bind_contextvars(request_id=name)
    return name


def ended(method: str, path: str, status: int) -> None:
    level = log.debug if method in ("GET", "HEAD", "OPTIONS") else log.info
    level("request", method=method, path=path, status=status)
