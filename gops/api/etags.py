"""Strong ETags and 304: answers of readings from the store's version, all others from their body."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Flask, Response, request
from werkzeug.http import quote_etag


def tag(*parts: Any) -> str:
    """An ETag (without its quotes) of everything that decides an answer's bytes."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def unchanged(etag: str) -> Response | None:
    """A 304 where the asker has that answer already."""
    if not request.if_none_match.contains_weak(etag):  # weak: a proxy that compresses marks it so
        return None
    return Response(status=304, headers={"ETag": quote_etag(etag)})


def install(app: Flask) -> None:
    @app.after_request
    def tag_bodies(response: Response) -> Response:
        wanted = request.method in ("GET", "HEAD") and response.status_code == 200
        if wanted and not response.is_streamed and "ETag" not in response.headers:
            response.add_etag()
            response.make_conditional(request)
        return response
