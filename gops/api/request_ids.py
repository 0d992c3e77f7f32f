"""A request id for every request: taken from ``X-Request-ID`` where that is harmless, echoed, and in every log line."""

from __future__ import annotations

import re

import structlog
from flask import Flask, Response, g, request

from gops import logs

HEADER = "X-Request-ID"
_HARMLESS = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
log = logs.get(__name__)


def install(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        g.request_id = given if _HARMLESS.fullmatch(given) else logs.new_request_id()
        structlog.contextvars.clear_contextvars()  # this thread served another request before
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        level = log.debug if request.method in ("GET", "HEAD", "OPTIONS") else log.info
        level("request", method=request.method, path=request.path, status=response.status_code)
        return response
