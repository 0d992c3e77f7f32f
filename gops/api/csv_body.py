"""A CSV as the body of a request: bounded, in UTF-8."""

from __future__ import annotations

from flask import request

from gops.api.context import settings
from gops.errors import Malformed, TooLarge, UnsupportedType


def csv_lines() -> list[str]:
    """Its lines. Raises ``UnsupportedType``, ``TooLarge`` (GOPS_HTTP_BODY_BYTES), ``Malformed`` (``bad_utf8``)."""
    if request.mimetype != "text/csv":
        raise UnsupportedType("this is no CSV", field="Content-Type", found=request.mimetype, expected="text/csv")
    data = request.get_data(cache=False)
    most = settings().http_body_bytes
    if len(data) > most:
        expected = f"at most {most} bytes (GOPS_HTTP_BODY_BYTES)"
        raise TooLarge(f"the body has more than {most} bytes", field="body", found=len(data), expected=expected)
    try:
        return data.decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise Malformed("the body is not UTF-8", code="bad_utf8", field="body", expected="UTF-8") from error
