"""Cursors of pages of readings: opaque text that names the last row seen and the question it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping

from gops.errors import Invalid

_SHAPE = struct.Struct(">8sqq")
_FREE = frozenset({"cursor", "limit", "key"})  # may differ from page to page


def question(path: str, query: Mapping[str, str]) -> bytes:
    """8 bytes that stand for everything in a query that decides which rows come."""
    asked = sorted((name, value) for name, value in query.items() if name not in _FREE)
    return hashlib.blake2b(repr((path, asked)).encode(), digest_size=8).digest()


def write(asked: bytes, datastream: int, moment: int) -> str:
    return base64.urlsafe_b64encode(_SHAPE.pack(asked, datastream, moment)).decode()


def read(text: str, asked: bytes) -> tuple[int, int]:
    """The last (datastream, moment) seen. Raises ``Invalid`` (``bad_cursor``), also for that of another question."""
    try:
        of, datastream, moment = _SHAPE.unpack(base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, struct.error, ValueError):
        of = b""
    if of != asked:
        expected = "the cursor of the page before, with the same query"
        message = "this cursor belongs to no page of this query"
        raise Invalid(message, code="bad_cursor", field="cursor", found=text, expected=expected)
    return datastream, moment
