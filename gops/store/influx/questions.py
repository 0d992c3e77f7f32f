"""InfluxQL, and rows out of its answers. Only whole numbers and names of ours go into a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.quality import ANY, Quality
from gops.store.influx.server import Piece
from gops.store.port import READINGS
from gops.store.rows import NONE

SLICE = 100  # Datastreams in one question
FIELDS = '"v","has","s","q","r"'
HAS_VALUE = '("has" = 1 OR "has" = 3)'


def select(what: str, ids: Sequence[int], low: int, high: int, *conditions: str) -> str:
    """Rows of these Datastreams with ``low <= t <= high`` for which all conditions hold, each series apart."""
    more = "".join(f" AND {condition}" for condition in conditions if condition)
    return f'SELECT {what} FROM "reading" WHERE {within(ids, low, high)}{more} GROUP BY '


def within(ids: Sequence[int], low: int, high: int) -> str:
    which = " OR ".join(f"\"datastream\" = '{int(one)}'" for one in ids)
    return f"({which}) AND time >= {int(low)}u AND time <= {int(high)}u"


def removal(ids: Sequence[int], low: int, high: int) -> str:
    """A statement that deletes rows with ``low <= t <= high``."""
    return f'DELETE FROM "reading" WHERE {within(ids, low, high)}'


def remembered(tag: str, before: int | None, limit: int) -> str:
    """The newest deliveries of a session first, with a time less than ``before``. ``tag`` is a ``session_tag``."""
    earlier = "" if before is None else f" AND time < {int(before)}u"
    return f"""SELECT "p","d" FROM "delivery" WHERE {_session(tag)}{earlier} ORDER BY time DESC LIMIT {int(limit)}"""


def sweep(tag: str, before: int) -> str:
    """A statement that deletes deliveries of a session with a time less than ``before``."""
    return f'DELETE FROM "delivery" WHERE {_session(tag)} AND time < {int(before)}u'


def _session(tag: str) -> str:
    return f"\"session\" = '{int(tag, 16):0{len(tag)}x}'"


def of_quality(quality: frozenset[Quality]) -> str:
    """A condition that holds for these qualities, "" for all; some there must be."""
    if quality == ANY:
        return ""
    return "(" + " OR ".join(f'"q" = {int(one)}' for one in sorted(quality)) + ")"


def slices(ids: Sequence[int]) -> list[Sequence[int]]:
    """Each id once, ascending, as many as fit one question."""
    whole = sorted({int(one) for one in ids})
    return [whole[start : start + SLICE] for start in range(0, len(whole), SLICE)]


def datastream_of(piece: Piece) -> int:
    return int(piece.tags["datastream"])


def columns_of(piece: Piece) -> dict[str, Any]:
    """Tuples by the name of the column."""
    return dict(zip(piece.columns, zip(*piece.values, strict=True), strict=True))


def rows_of(piece: Piece) -> pa.Table:
    """Rows of ``READINGS`` from an answer with the columns ``FIELDS``."""
    found = columns_of(piece)
    t, has = np.array(found["time"], np.int64), np.array(found["has"], np.int64)
    result_time = np.array(found["r"], np.int64)
    texts = pa.array(found["s"], pa.string()) if (has & 2).any() else pa.nulls(len(t), pa.string())
    return pa.Table.from_arrays(
        [
            pa.array(np.full(len(t), datastream_of(piece))),
            pa.array(t),
            pa.array(np.array(found["v"], np.float64), mask=(has & 1) == 0),
            pc.if_else(pa.array((has & 2) > 0), texts, None),
            pa.array(np.array(found["q"], np.uint8)),
            pa.array(result_time, mask=result_time == NONE),
        ],
        schema=READINGS,
    )
