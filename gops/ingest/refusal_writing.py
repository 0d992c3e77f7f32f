"""Refusals as a file: lines of JSON, or CSV, each with its message."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from gops.clock import from_micros
from gops.formats.cells import disarmed_name
from gops.ingest.refusal_views import ShownRefusal

Form = Literal["ndjson", "csv"]
MOMENTS = ("at", "tried_at", "settled_at")
COLUMNS = (
    *("id", "at", "feed", "device", "topic", "code", "ko", "en", "field", "place", "note", "revision"),
    *("tried_at", "settled_at", "digest", "size", "cut", "text", "base64"),
)
TOGETHER = 200  # rows in a piece


def written(form: Form, found: Iterable[ShownRefusal], zone: ZoneInfo) -> Iterator[bytes]:
    """Times with the offset of ``zone``. CSV is UTF-8 with a header; a text that a spreadsheet would take for a formula
    has an apostrophe before it: devices write what they like."""
    if form == "csv":
        yield ",".join(COLUMNS).encode() + b"\n"
    rows = iter(found)
    while some := list(islice(rows, TOGETHER)):
        yield b"".join(_line(row, zone) for row in some) if form == "ndjson" else _cells(some, zone)


def _document(row: ShownRefusal, zone: ZoneInfo) -> dict[str, Any]:
    members = asdict(row)
    for name in MOMENTS:
        t = members[name]
        members[name] = None if t is None else from_micros(t).astimezone(zone).isoformat(timespec="microseconds")
    return members


def _line(row: ShownRefusal, zone: ZoneInfo) -> bytes:
    return orjson.dumps(_document(row, zone)) + b"\n"


def _cells(rows: Iterable[ShownRefusal], zone: ZoneInfo) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        members = _document(row, zone)
        members |= members.pop("raw") or {}
        cells = (members.get(name) for name in COLUMNS)
        writer.writerow([disarmed_name(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue().encode()
