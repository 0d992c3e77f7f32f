"""Refusals as a stream, in turn with the other streams."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from flask import Response

from gops.api import exports
from gops.api.context import settings
from gops.ingest.refusal_views import ShownRefusal
from gops.ingest.refusal_writing import Form, written

MEDIA_TYPES: dict[Form, str] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def exported(form: Form, found: Iterator[ShownRefusal]) -> Response:
    """Raises ``Unavailable`` (``exports_busy``)."""
    end = exports.begin()
    try:
        pieces = written(form, found, settings().zone)
        first = next(pieces, b"")  # before the status is sent
    except BaseException:
        end()
        raise
    response = Response(chain([first], pieces), content_type=MEDIA_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="refusals.{form}"'
    response.call_on_close(end)
    return response
