"""A file in parts that are pushed one after the other: each a whole body, and the same again when it is read again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from gops.errors import Invalid, Malformed
from gops.ingest.push.blocks import Text, elements, lines
from gops.ingest.push.formats import Format

PART_BYTES = 8 << 20
PART_ROWS = 250_000  # of Parquet
PART_ELEMENTS = 50_000  # of a JSON array
ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".parquet": "parquet",
    ".lp": "influx",
    ".line": "influx",
}
PACKED = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Part:
    """``body`` in ``format``. Its line (row, element) n has the number n + ``before`` in the file, of which ``bytes``,
    unpacked, are behind it when it is done."""

    format: Format
    body: bytes
    before: int
    bytes: int

    def raw(self, number: int) -> str:
        """A line of it, numbered as in the file; empty where it is no text."""
        rows = [] if self.format == "parquet" else self.body.split(b"\n")
        index = number - self.before - 1
        return rows[index].decode(errors="backslashreplace") if 0 <= index < len(rows) else ""


def format_of(path: Path) -> Format:
    """By the end of the file's name. Raises ``Invalid``."""
    ends = [end.lower() for end in path.suffixes if end.lower() not in PACKED]
    if not ends or ends[-1] not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise Invalid(
            f"what {path.name} is written in is not known", field="--format", expected=f"--format, or {known}"
        )
    return ENDINGS[ends[-1]]


def parts(path: Path, form: Format, size: int = PART_BYTES) -> Iterator[Part]:
    """Of about ``size`` bytes where it is text. Raises ``Malformed``, ``Invalid``."""
    try:
        if form == "parquet":
            yield from _of_parquet(path)
            return
        with pa.input_stream(str(path), compression=PACKED.get(path.suffix.lower())) as stream:
            text = cast(Text, stream)
            yield from _of_array(text) if form == "json" else _of_lines(text, form, size)
    except (pa.ArrowException, OSError) as error:
        raise Malformed(f"{path.name} cannot be read to its end as {form}", field="file", found=str(path)) from error


def _of_lines(text: Text, form: Format, size: int) -> Iterator[Part]:
    header, done = b"", 0
    for block in lines(text, size, quoted=form == "csv"):
        done += len(block.data)
        if form == "csv" and not header:
            header = block.data.partition(b"\n")[0] + b"\n"
            yield Part(form, block.data, 0, done)
        elif header:
            yield Part(form, header + block.data, block.first - 2, done)
        else:
            yield Part(form, block.data, block.first - 1, done)


def _of_array(text: Text) -> Iterator[Part]:
    """As lines: element [n] of the file is line n + 1."""
    done = 0
    for first, found in elements(text, PART_ELEMENTS):
        body = b"\n".join(one.replace(b"\n", b" ").replace(b"\r", b" ") for one in found)
        done += len(body)
        yield Part("ndjson", body, first, done)


def _of_parquet(path: Path) -> Iterator[Part]:
    with pq.ParquetFile(path) as file:
        size, rows, first = path.stat().st_size, max(1, file.metadata.num_rows), 0
        for batch in file.iter_batches(PART_ROWS):
            out: Any = io.BytesIO()
            pq.write_table(pa.Table.from_batches([batch]), out, compression="zstd")
            first += batch.num_rows
            yield Part("parquet", out.getvalue(), first - batch.num_rows, size * first // rows)
