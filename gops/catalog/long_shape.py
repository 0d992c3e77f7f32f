"""Rows of a dataset in the long shape: time, thing, property, value, unit, quality. From columns to columns; pure.

What is the same in every row of a Datastream (thing, property, unit) is written once and looked up, times are built
from bytes (``timetext``), and numbers that repeat are spelt once; so a line of CSV is four pieces that Arrow joins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gops.kinds import Kind, Label
from gops.quality import WORDS
from gops.store.port import Series
from gops.timetext import write_times

COLUMNS = ("time", "thing", "property", "value", "unit", "quality")
HEADER = (",".join(COLUMNS) + "\n").encode()
SAMPLE = 4096  # rows looked at to guess whether numbers repeat
MUST_QUOTE = frozenset(',"\r\n')
_QUOTED = '[,"\r\n]|^$'
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Member:
    """A Datastream as a dataset shows it. ``thing`` is a name that is told apart from others in the dataset."""

    id: int
    thing_id: int
    thing: str
    observed: str  # key of the observed property
    unit: str
    kind: Kind
    label: Label
    period: int | None  # microseconds

    @property
    def series(self) -> Series:
        return Series(self.id, self.kind, self.label, self.period)


class LongShape:
    """Turns tables of ``store.port.READINGS`` into the rows of a dataset. Every Datastream in them is a member."""

    def __init__(self, members: Sequence[Member], zone: ZoneInfo) -> None:
        self._members = sorted(members, key=lambda one: one.id)
        self._zone = zone
        self._ids = np.array([one.id for one in self._members], np.int64)
        self.has_text = any(one.kind == "state" for one in self._members)

    @cached_property
    def _before(self) -> pa.StringArray:
        """What stands before the value in a line of CSV, by place of the member."""
        return pa.array([f",{_cell(one.thing)},{_cell(one.observed)}," for one in self._members], pa.string())

    @cached_property
    def _behind(self) -> pa.StringArray:
        """What stands behind it, by place of the member and quality."""
        return pa.array([f",{_cell(one.unit)},{word}\n" for one in self._members for word in WORDS], pa.string())

    def csv(self, batch: pa.RecordBatch | pa.Table) -> bytes:
        """Lines of RFC 4180 with LF; a missing number is an empty cell."""
        if not batch.num_rows:
            return b""
        place = self._places(batch)
        behind = place * len(WORDS) + _column(batch, "quality").to_numpy()
        lines = pc.binary_join_element_wise(
            write_times(_column(batch, "t").to_numpy(), self._zone),
            self._before.take(pa.array(place)),
            self._values(batch),
            self._behind.take(pa.array(behind)),
            "",
            null_handling="replace",
        )
        _validity, offsets, characters = lines.buffers()
        end = int(np.frombuffer(offsets, np.int32)[lines.offset + len(lines)])
        return bytes(memoryview(characters)[:end])

    def rows(self, table: pa.Table) -> list[dict[str, Any]]:
        """The rows as objects: for pages, not for downloads. A value is a number, the text of a state, or null."""
        members = [self._members[place] for place in self._places(table)] if table.num_rows else []
        values, texts = table["value"].to_pylist(), table["text"].to_pylist()
        times = write_times(table["t"].to_numpy(), self._zone).to_pylist()
        return [
            {
                "time": time,
                "thing": one.thing,
                "property": one.observed,
                "value": value if text is None else text,
                "unit": one.unit,
                "quality": WORDS[quality],
                "datastream": one.id,
            }
            for time, one, value, text, quality in zip(
                times, members, values, texts, table["quality"].to_pylist(), strict=True
            )
        ]

    @property
    def schema(self) -> pa.Schema:
        """Of ``arrow``. States have their texts in a column of their own: a column has one type."""
        word = pa.dictionary(pa.int32(), pa.string())
        fields = [
            pa.field("time", pa.timestamp("us", self._zone.key), nullable=False),
            pa.field("thing", word, nullable=False),
            pa.field("property", word, nullable=False),
            pa.field("value", pa.float64()),
            *([pa.field("text", pa.string())] if self.has_text else []),
            pa.field("unit", word, nullable=False),
            pa.field("quality", word, nullable=False),
        ]
        return pa.schema(fields)

    def arrow(self, batch: pa.RecordBatch | pa.Table) -> pa.Table:
        """The rows as a table of ``schema``."""
        place = self._places(batch)
        columns: dict[str, Any] = {
            "time": pa.array(_column(batch, "t").to_numpy(), pa.timestamp("us", self._zone.key)),
            "thing": self._word(place, [one.thing for one in self._members]),
            "property": self._word(place, [one.observed for one in self._members]),
            "value": _column(batch, "value"),
            "text": _column(batch, "text"),
            "unit": self._word(place, [one.unit for one in self._members]),
            "quality": _dictionary(_column(batch, "quality").to_numpy().astype(np.int32), list(WORDS)),
        }
        return pa.table([columns[field.name] for field in self.schema], schema=self.schema)

    def _word(self, place: Places, texts: Sequence[str]) -> pa.DictionaryArray:
        words = list(dict.fromkeys(texts))
        code = {word: index for index, word in enumerate(words)}
        return _dictionary(np.array([code[text] for text in texts], np.int32)[place], words)

    def _places(self, batch: pa.RecordBatch | pa.Table) -> Places:
        places: Places = np.searchsorted(self._ids, _column(batch, "datastream").to_numpy())
        return places

    def _values(self, batch: pa.RecordBatch | pa.Table) -> pa.Array:
        numbers = _numbers(_column(batch, "value"))
        texts = _column(batch, "text")
        if not self.has_text or texts.null_count == len(texts):
            return numbers
        doubled = pc.replace_substring(texts, '"', '""')
        quoted = pc.binary_join_element_wise('"', doubled, '"', "")
        return pc.coalesce(pc.if_else(pc.match_substring_regex(texts, _QUOTED), quoted, texts), numbers)


def parquet(shape: LongShape, batches: Iterator[pa.RecordBatch], about: dict[str, str]) -> Iterator[bytes]:
    """A Parquet file in pieces, a row group a batch; ``about`` goes into its metadata. The batches end it."""
    sink = _Sink()
    writer = pq.ParquetWriter(sink, shape.schema.with_metadata(about), compression="zstd", store_schema=True)
    for batch in batches:
        writer.write_table(shape.arrow(batch).replace_schema_metadata(about))
        yield sink.take()
    writer.close()
    yield sink.take()


class _Sink:
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0
        self.closed = False

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._written += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _column(batch: pa.RecordBatch | pa.Table, name: str) -> pa.Array:
    column = batch[name]
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbers(values: pa.Array) -> pa.Array:
    """The shortest text of each number. Readings repeat, so it is spelt once for all that are equal where that pays."""
    few = values.slice(0, SAMPLE)
    if pc.count_distinct(few).as_py() > 0.9 * len(few):
        return pc.cast(values, pa.string())
    encoded = pc.dictionary_encode(values)
    return pc.cast(encoded.dictionary, pa.string()).take(encoded.indices)


def _dictionary(codes: npt.NDArray[np.int32], words: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words, pa.string()))


def _cell(text: str) -> str:
    """A cell of CSV: in quotes where it must be."""
    if not text or MUST_QUOTE & set(text):
        return '"' + text.replace('"', '""') + '"'
    return text
