"""The rows of a page as JSON, one by one: of a hundred rows that takes a third of what whole columns take (``rows``).

A column costs as much for ten rows as for a thousand: each step of it is a call of Arrow's. The texts are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gops.clock import MINUTE, from_micros
from gops.quality import WORDS
from gops.timetext import write_times

MOST = 300  # rows; as many more take longer than columns do
MINUTES = 16_384  # whose texts are kept, some 2 MB: Datastreams have readings at the same ones
_EXPONENT_FROM = 1e10  # Arrow writes such numbers with an exponent, orjson only larger ones
_NULL = "null"


def readings(table: pa.Table, zone: ZoneInfo) -> bytes:
    """Rows of ``READINGS`` as a JSON array, as ``rows.readings_json`` writes them."""
    moments = table["t"].to_numpy()
    cells = zip(
        table["datastream"].to_numpy().tolist(),
        moments.tolist(),
        _times(moments, zone),
        _values(table["value"], table["text"]),
        table["quality"].to_numpy().tolist(),
        _result_times(table["result_time"], zone),
        strict=True,
    )
    objects = [
        f'{{"id":"{of}_{t}","datastream":{of},"time":"{time}","value":{value},"quality":"{WORDS[quality]}",'
        f'"result_time":{result_time}}}'
        for of, t, time, value, quality, result_time in cells
    ]
    return f"[{','.join(objects)}]".encode()


def _times(moments: np.ndarray, zone: ZoneInfo) -> Sequence[str]:
    if (moments % MINUTE).any():  # seconds of their own: those are not kept
        texts: list[str] = write_times(moments, zone).to_pylist()
        return texts
    return [_minute(one, zone) for one in moments.tolist()]


@lru_cache(MINUTES)
def _minute(micros: int, zone: ZoneInfo) -> str:
    return from_micros(micros).astimezone(zone).isoformat()


def _values(numbers: pa.ChunkedArray, texts: pa.ChunkedArray) -> Iterable[str]:
    if texts.null_count == len(texts):
        return _numbers(numbers)
    pairs = zip(texts.to_pylist(), _numbers(numbers), strict=True)
    return [number if text is None else orjson.dumps(text).decode() for text, number in pairs]


def _numbers(column: pa.ChunkedArray) -> Sequence[str]:
    """As Arrow writes them: whole ones without a point."""
    values = column.to_numpy()
    text = orjson.dumps(values.tolist()).decode()
    if "e" in text or (np.abs(values) >= _EXPONENT_FROM).any():
        return [_NULL if one is None else one for one in pc.cast(column, pa.string()).to_pylist()]
    return [word[:-2] if word.endswith(".0") else word for word in text[1:-1].split(",")]


def _result_times(column: pa.ChunkedArray, zone: ZoneInfo) -> Iterable[str]:
    if column.null_count == len(column):
        return [_NULL] * len(column)
    texts = iter(write_times(column.drop_null().to_numpy(), zone).to_pylist())
    return [_NULL if one is None else f'"{next(texts)}"' for one in column.to_pylist()]
