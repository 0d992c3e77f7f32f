"""What a push may be written in, by its media type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from gops.errors import Invalid, UnsupportedType
from gops.ingest.decoded import Precision
from gops.ingest.push import coded, delimited, jsonrows, parquet
from gops.ingest.push.blocks import Text
from gops.ingest.push.cells import Reading
from gops.ingest.push.chunk import Piece

Format = Literal["json", "ndjson", "csv", "senml", "influx", "parquet"]
FORMATS: Mapping[str, Format] = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
    "application/senml+json": "senml",
    "text/plain": "influx",
    "application/vnd.influxdata.line-protocol": "influx",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}
READERS: Mapping[Format, Callable[[Text, Reading, str, int], Iterator[Piece]]] = {
    "json": lambda text, reading, device, _most: jsonrows.of_array(text, reading, device),
    "ndjson": lambda text, reading, device, _most: jsonrows.of_lines(text, reading, device),
    "csv": lambda text, reading, device, _most: delimited.chunks(text, reading, device),
    "senml": lambda text, reading, device, _most: coded.of_senml(text, reading, device),
    "influx": lambda text, reading, device, _most: coded.of_lines(text, reading, device),
    "parquet": parquet.chunks,
}
"""Of a text, how it is read, the device of all rows, and how many bytes it may unpack to."""
MEDIA_TYPES: Mapping[Format, str] = {name: media for media, name in reversed(list(FORMATS.items()))}


def format_of(media_type: str) -> Format:
    """Raises ``UnsupportedType``."""
    found = FORMATS.get(media_type.partition(";")[0].strip().lower())
    if found is None:
        known = ", ".join(MEDIA_TYPES.values())
        raise UnsupportedType(
            "readings in this media type are not read", field="Content-Type", found=media_type[:100], expected=known
        )
    return found


def precision_of(named: str | None, found: Format) -> Precision:
    """Of times that are bare numbers: as named, else nanoseconds in line protocol and milliseconds elsewhere."""
    by_name: dict[str, Precision] = {"s": "s", "ms": "ms", "us": "us", "ns": "ns"}
    if named is not None and named not in by_name:
        raise Invalid("no such precision", field="precision", found=named[:20], expected=", ".join(by_name))
    return by_name[named] if named is not None else ("ns" if found == "influx" else "ms")
