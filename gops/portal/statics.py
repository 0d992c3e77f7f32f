"""Static files of the pages: kept for ever under an address with their hash, compressed where that was prepared."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from flask import Response, request, send_from_directory, url_for

FOLDER = Path(__file__).parent / "static"
KEPT_SECONDS = 31_536_000
VIEWER = "vendor/swagger-ui-bundle.js"


def address(name: str) -> str:
    """The address of a file, which changes with its content."""
    return url_for("portal.static_file", name=name, v=digest(name))


@lru_cache(maxsize=32)
def digest(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


def serve(name: str) -> Response:
    packed = f"{name}.gz"
    use_packed = "gzip" in request.accept_encodings and (FOLDER / packed).is_file()
    response = send_from_directory(FOLDER, packed if use_packed else name)
    response.content_type = _type(name)
    if use_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    if request.args.get("v") == digest(name):
        response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable"
    return response


def has_viewer() -> bool:
    """Was the viewer of the API document fetched (``python -m gops.portal.assets``)?"""
    return (FOLDER / VIEWER).is_file()


def _type(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
