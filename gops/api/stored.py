"""A kept file as an answer: streamed in turn, in ranges, under its hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO

from flask import Response, request
from werkzeug.wsgi import FileWrapper

from gops.api import exports

UNCHANGING = "public, max-age=86400, immutable"  # a day: a cache may show what was withdrawn for no longer
PIECE = 1 << 18


def download(
    opener: Callable[[], BinaryIO], size: int, sha256: str, media_type: str, headers: Mapping[str, str]
) -> Response:
    """200, 206 or 304 as the request's conditions say. Raises ``Unavailable`` (``exports_busy``) and 416.

    ``opener`` gives the bytes, ``size`` of them, whose SHA-256 in hexadecimal is the ETag.
    """
    end = exports.begin()
    try:
        opened = opener()
    except BaseException:
        end()
        raise
    response = Response(FileWrapper(opened, PIECE), content_type=media_type, headers=headers)
    response.call_on_close(end)
    response.call_on_close(opened.close)
    response.content_length = size
    response.set_etag(sha256)
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except BaseException:  # no such range
        response.close()
        raise
    return response
