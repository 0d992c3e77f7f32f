"""From samples back to readings: the parts of each reading are joined by Datastream and millisecond."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.store.port import READINGS
from gops.store.victoria.lines import BITS, MILLI, PLAIN, WITH_RESULT_TIME
from gops.store.victoria.server import Exported, Server

IDS_AT_ONCE = 500  # Datastreams in one question; the server reads queries of up to 16 kB
PARTS = "qvhlr"
Times = npt.NDArray[np.int64]
Samples = tuple[Times, npt.NDArray[np.float64]]
NONE: Samples = (np.empty(0, np.int64), np.empty(0))


def matching(name: str, ids: Sequence[int], parts: str = PARTS) -> str:
    """The selector of the series that hold ``parts`` of these Datastreams."""
    which = "|".join(map(str, ids))
    label = f'd="{which}"' if len(ids) == 1 else f'd=~"{which}"'
    if len(parts) == 1:
        return f"{name}_{parts}{{{label}}}"
    return f'{{__name__=~"{name}_[{parts}]",{label}}}'


def export(server: Server, name: str, ids: Sequence[int], start: int, end: int) -> pa.Table:
    """Rows of ``READINGS`` of these Datastreams with ``start <= t <= end`` in milliseconds, by (datastream, t)."""
    found: dict[int, dict[str, list[Exported]]] = defaultdict(lambda: defaultdict(list))
    for some in in_parts(ids):
        for one in server.export([matching(name, some)], start, end):
            found[int(one.labels["d"])][one.labels["__name__"][-1]].append(one)
    return join({one: {part: _whole(pieces) for part, pieces in parts.items()} for one, parts in found.items()})


def join(found: Mapping[int, Mapping[str, Samples]]) -> pa.Table:
    """Rows of ``READINGS`` by (datastream, t), from the samples of each part of each Datastream."""
    tables = [_readings(one, found[one]) for one in sorted(found)]
    return pa.concat_tables(tables).combine_chunks() if tables else READINGS.empty_table()


def in_parts(ids: Iterable[int]) -> Iterator[Sequence[int]]:
    """The ids in ascending order, each once, as many as fit one question at a time."""
    whole = sorted(set(ids))
    for start in range(0, len(whole), IDS_AT_ONCE):
        yield whole[start : start + IDS_AT_ONCE]


def _whole(pieces: Sequence[Exported]) -> Samples:
    """One sample a millisecond, ascending: the greatest where there are several."""
    times = np.concatenate([one.times for one in pieces])
    values = np.concatenate([one.values for one in pieces])
    if (np.diff(times) > 0).all():
        return times, values
    order = np.lexsort((values, times))
    times, values = times[order], values[order]
    last = np.append(times[1:] != times[:-1], True)
    return times[last], values[last]


def _readings(datastream: int, parts: Mapping[str, Samples]) -> pa.Table:
    times, codes = parts.get("q", NONE)
    code = codes.astype(np.int64)
    form, timed = code % WITH_RESULT_TIME // 10 * 10, code >= WITH_RESULT_TIME
    plain, has_plain = _at(times, parts.get("v", NONE))
    (high, has_high), (low, has_low) = _at(times, parts.get("h", NONE)), _at(times, parts.get("l", NONE))
    result, has_result = _at(times, parts.get("r", NONE))
    bits = (high.astype(np.uint64) << np.uint64(32)) | low.astype(np.uint64)
    value = np.where(form == BITS, bits.view(np.float64), plain)
    whole = ((form != PLAIN) | has_plain) & ((form != BITS) | (has_high & has_low)) & (~timed | has_result)
    columns = [
        pa.array(np.full(len(times), datastream)),
        pa.array(times * MILLI),
        pa.array(value, mask=form == 0),
        pa.nulls(len(times), pa.string()),
        pa.array((code % 10).astype(np.uint8)),
        pa.array(result.astype(np.int64), mask=~timed),
    ]
    table = pa.table(columns, schema=READINGS)
    return table if whole.all() else table.filter(pa.array(whole))


def _at(times: Times, samples: Samples) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The value of ``samples`` at each of ``times`` (0 where there is none), and whether there is one."""
    own, values = samples
    if not len(own):
        return np.zeros(len(times)), np.zeros(len(times), np.bool_)
    place = np.minimum(own.searchsorted(times), len(own) - 1)
    there = own[place] == times
    return np.where(there, values[place], 0.0), there
