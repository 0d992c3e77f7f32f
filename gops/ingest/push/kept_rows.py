"""Rows of pushes that were refused, each kept as a body of its own, with its header or bases and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gops.ingest.decoded import Precision
from gops.ingest.push.cells import Reading
from gops.ingest.push.formats import READERS, Format

TOPIC = "POST /api/v1/observations"
TEXTS: dict[Format, Format] = {"json": "ndjson", "parquet": "ndjson"}
"""Formats whose single rows are kept in another one."""


@dataclass(frozen=True, slots=True)
class HowRead:
    """How the bytes of a push are read."""

    format: Format
    reading: Reading
    device: str


def topic_of(format_: Format, reading: Reading, device: str) -> str:
    """What stands in place of a topic; ``how_read`` reads it again."""
    zone = reading.zone.key if reading.zone else ""
    said = {"format": TEXTS.get(format_, format_), "zone": zone, "precision": reading.unit, "device": device}
    return f"{TOPIC}?{urlencode({name: value for name, value in said.items() if value})}"


def how_read(topic: str) -> HowRead | None:
    """None for a topic that says no such thing."""
    said = dict(parse_qsl(topic.partition("?")[2]))
    unit = said.get("precision")
    if said.get("format") not in READERS or unit not in get_args(Precision):
        return None
    try:
        zone = ZoneInfo(said["zone"]) if "zone" in said else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
    return HowRead(cast(Format, said["format"]), Reading(zone, cast(Precision, unit)), said.get("device", ""))
