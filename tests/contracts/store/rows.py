"""Batches of readings, briefly written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from gops.quality import Quality
from gops.store.port import READINGS, Series

Values = dict[str, Any]


def reading(
    datastream: int,
    t: int,
    value: float | None = None,
    text: str | None = None,
    quality: int = Quality.good,
    result_time: int | None = None,
) -> Values:
    """A row of ``READINGS``."""
    values = (datastream, t, value, text, int(quality), result_time)
    return dict(zip(READINGS.names, values, strict=True))


def batch(rows: Sequence[Values]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=READINGS)


def series(*datastreams: int, **about: Any) -> list[Series]:
    return [Series(datastream, **about) for datastream in datastreams]
