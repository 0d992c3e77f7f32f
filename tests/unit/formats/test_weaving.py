"""Lines woven from columns of words: what comes out is what joining the texts of each row would give."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from gops.formats import csv, json
from gops.formats.cells import INSTEAD_OF
from gops.formats.weaving import SHORT, Words, woven
from gops.timetext import time_words, write_times

MINUTE = 60_000_000
ROWS = 2 * SHORT
WORD = pa.dictionary(pa.int32(), pa.string())


def column(size: int, rows: int, seed: int, nulls: bool = False) -> Words:
    """``size`` words of several lengths, by chance."""
    codes = np.random.default_rng(seed).integers(-1 if nulls else 0, size, rows).astype(np.int32)
    return Words(pa.array([f"{seed}" * (one % 5) + f"하{one}" for one in range(size)]), codes)


def plainly(pieces: list[str | Words], rows: int, null: str) -> bytes:
    texts = [[one] * rows if isinstance(one, str) else _texts(one, null) for one in pieces]
    return "".join("".join(row) for row in zip(*texts, strict=True)).encode()


def _texts(one: Words, null: str) -> list[str]:
    known = one.texts.to_pylist()
    return [null if code < 0 else known[code] for code in one.codes.tolist()]


@pytest.mark.parametrize("rows", [0, 1, SHORT - 1, ROWS])
@pytest.mark.parametrize("sizes", [(1,), (3, 2, 7), (2, ROWS, 2), (ROWS,), (400, 400)])
def test_lines_are_the_texts_of_each_row_one_after_the_other(rows: int, sizes: tuple[int, ...]) -> None:
    columns = [column(size, rows, seed, nulls=seed % 2 == 1) for seed, size in enumerate(sizes)]
    pieces: list[str | Words] = ["<", "<"]
    for one in columns:
        pieces += [one, ","]
    for some in (pieces, pieces[2:], columns, [*columns, "\n"]):
        assert woven(list(some), "-") == plainly(list(some), rows, "-")


def test_words_that_are_nowhere_are_nulls() -> None:
    nothing = Words(pa.array([], pa.string()), np.full(ROWS, -1, np.int32))
    assert woven([nothing, ";"], "null") == b"null;" * ROWS
    assert woven([Words.of(pa.array(["a", None, "c"])), ";"]) == b"a;;c;"
    one, other = column(3, ROWS, 1, nulls=True), column(2, ROWS, 3, nulls=True)
    expected = [first or second for first, second in zip(_texts(one, ""), _texts(other, ""), strict=True)]
    assert woven([one.or_else(other)]) == "".join(expected).encode()


@pytest.mark.parametrize("zone", ["Asia/Seoul", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Monrovia"])
@pytest.mark.parametrize("step", [1, 60, 7 * 1440 + 3])
def test_whole_minutes_in_parts_are_the_same_times(zone: str, step: int) -> None:
    """Also where the offset changes, or once had seconds."""
    start = -4 * 365 * 1440 if zone == "Africa/Monrovia" else 29_600_000
    micros = (start + step * np.arange(ROWS) % (ROWS * step // 2)) * MINUTE
    parts = time_words(micros, ZoneInfo(zone))
    if parts is None:
        assert zone == "Africa/Monrovia"
        return
    found = woven([Words(*one) for one in parts])
    assert found == "".join(write_times(micros, ZoneInfo(zone)).to_pylist()).encode()
    assert time_words(micros + 1, ZoneInfo(zone)) is None


def test_a_large_batch_is_written_as_its_rows_are() -> None:
    """Every kind of column, in one piece and row by row."""
    chance = np.random.default_rng(5)
    things = [f'도로 "{one}", 동' if one % 3 == 0 else f"d{one}" for one in range(1_500)]
    time = pa.array(29_600_000 * MINUTE + np.arange(ROWS) * MINUTE).cast(pa.timestamp("us", "Asia/Seoul"))
    values = pa.array(np.round(chance.random(ROWS) * 100, 1), mask=chance.random(ROWS) < 0.1)
    texts = pa.array([None if one % 9 else f"열림, {one % 4}" for one in range(ROWS)])
    named: dict[str, pa.Array] = {
        "time": time,
        "thing": pa.array([things[one] for one in chance.integers(0, 1_500, ROWS)]).cast(WORD),
        "value": values,
        "text": texts,
        "exact": pa.array(chance.random(ROWS)),
        "empty": pa.nulls(ROWS, pa.string()),
        "longitude": pa.array(np.round(chance.random(ROWS), 2)),
        "latitude": pa.array(np.round(chance.random(ROWS), 2)),
    }
    fields = [pa.field(name, one.type, metadata={INSTEAD_OF: b"value"} if name == "text" else None)
              for name, one in named.items()]  # fmt: skip
    schema = pa.schema(fields)
    whole = pa.RecordBatch.from_arrays(list(named.values()), schema=schema)
    parts = [whole.slice(begin, 1_000) for begin in range(0, ROWS, 1_000)]
    for write in (
        lambda batches: csv.write(schema, iter(batches), csv.CsvOptions()),
        lambda batches: json.ndjson(schema, iter(batches)),
        lambda batches: json.geojson(schema, iter(batches), json.Feature()),
    ):
        assert b"".join(write([whole])) == b"".join(write(parts))
