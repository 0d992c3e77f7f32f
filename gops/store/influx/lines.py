"""Readings and deliveries as lines of the line protocol, made in bulk from columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.errors import Invalid
from gops.store.port import Delivery
from gops.store.rows import NONE

FIRST, LAST = -9_223_372_036_854_775, 9_223_372_036_854_775
"""The times that the engine holds, in microseconds: 1677-09-21 to 2262-04-11, 64 bits of nanoseconds."""
LONGEST_TEXT = 65_536  # bytes of a string field, as InfluxDB documents it
PART_BYTES = 16 << 20  # of one request; the server takes 25 MB (max-body-size)
FORGOTTEN = -1  # in place of a packet id


def check_holdable(batch: pa.Table) -> None:
    """Raises ``Invalid`` (``bad_reading``) for a time or a text that the engine can't hold."""
    if not batch.num_rows:
        return
    span = pc.min_max(batch["t"]).as_py()
    for found in (span["min"], span["max"]):
        if not FIRST <= found <= LAST:
            raise _refusal("t", found, f"{FIRST} to {LAST}: the store keeps the years 1677 to 2262")
    longest = pc.max(pc.binary_length(batch["text"])).as_py() or 0
    if longest > LONGEST_TEXT:
        raise _refusal("text", f"{longest} bytes", f"at most {LONGEST_TEXT} bytes")


def _refusal(name: str, found: object, expected: str) -> Invalid:
    return Invalid(
        f"a reading's {name} is {found}; this store takes {expected}",
        code="bad_reading",
        field=name,
        found=found,
        expected=expected,
    )


def reading_lines(rows: pa.Table) -> pa.StringArray:
    """A line a row of ``READINGS``."""
    has = pc.add(pc.is_valid(rows["value"]).cast(pa.int8()), pc.multiply(pc.is_valid(rows["text"]).cast(pa.int8()), 2))
    lines = pc.binary_join_element_wise(
        "reading,datastream=",
        rows["datastream"].cast(pa.string()),
        " v=",
        rows["value"].fill_null(0.0).cast(pa.string()),
        ",has=",
        has.cast(pa.string()),
        'i,s="',
        _escaped(rows["text"]),
        '",q=',
        rows["quality"].cast(pa.string()),
        "i,r=",
        rows["result_time"].fill_null(int(NONE)).cast(pa.string()),
        "i ",
        rows["t"].cast(pa.string()),
        "",
    )
    return lines.combine_chunks() if isinstance(lines, pa.ChunkedArray) else lines


def _escaped(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    if texts.null_count == len(texts):
        return pa.scalar("")
    twice = pc.replace_substring(texts.fill_null(""), "\\", "\\\\")
    return pc.replace_substring(twice, '"', '\\"')


def delivery_lines(deliveries: Sequence[Delivery], first: int) -> pa.StringArray:
    """A line a delivery, at ``first``, ``first + 1``, ... microseconds."""
    return pa.array(
        [
            f"delivery,session={session_tag(one.session)} p={one.packet_id}i,d={one.digest}i {first + place}"
            for place, one in enumerate(deliveries)
        ],
        pa.string(),
    )


def session_tag(session: str) -> str:
    """Names a session in lines and in questions: hexadecimal, whatever its name holds."""
    return blake2b(session.encode(), digest_size=10).hexdigest()


def bodies(lines: pa.StringArray, part_bytes: int = PART_BYTES) -> Iterator[bytes]:
    """Lines joined to request bodies of about ``part_bytes`` at most, one line at least."""
    if not len(lines):
        return
    ends = np.cumsum(pc.binary_length(lines).to_numpy().astype(np.int64) + 1)
    start = 0
    while start < len(lines):
        begun = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, begun + part_bytes, "right")))
        part = lines.slice(start, end - start)
        whole = pa.ListArray.from_arrays(pa.array([0, len(part)], pa.int32()), part)
        yield pc.binary_join(whole, "\n")[0].as_buffer().to_pybytes()
        start = end
