"""A batch in columns, and put in one order with the readings before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gops.ingest.rules.judging import RANGE, SOURCE, Chain, Flags, Floats, Ints, Mask, Ruled
from gops.ingest.rules.past import Coming
from gops.store.port import Mode


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of a batch; null is NaN in ``value``."""

    who: Ints
    t: Ints
    value: Floats
    quality: Flags

    @classmethod
    def of(cls, batch: pa.Table, quality: Flags) -> Rows:
        value = batch["value"].fill_null(np.nan).to_numpy()
        return cls(batch["datastream"].to_numpy(), batch["t"].to_numpy(), value, quality)


def of_the_source(rows: Rows, suspect: Mask, known: Mapping[int, Ruled]) -> Flags:
    """Why readings are suspect when they come here: outside their range, or the source says so."""
    flags = np.zeros(len(rows.who), np.uint8)
    where = np.flatnonzero(suspect)
    ids, place = np.unique(rows.who[where], return_inverse=True)
    low, high = (np.array([getattr(known[one], name) for one in ids.tolist()]) for name in ("low", "high"))
    value = rows.value[where]
    flags[where] = np.where((value < low[place]) | (value > high[place]), RANGE, SOURCE)
    return flags


def coming_of(rows: Rows, compared: Ints, known: Mapping[int, Ruled]) -> Coming:
    """Of each Datastream what is compared."""
    order = compared[np.lexsort((rows.t[compared], rows.who[compared]))]
    who, t = rows.who[order], rows.t[order]
    starts = np.flatnonzero(np.diff(who, prepend=who[0] - 1))
    ends = np.append(starts[1:], len(who)) - 1
    return Coming(who[starts], t[starts], t[ends], rows.value[order][starts], known)


def chained(before: Chain, own: Chain, compared: Ints, mode: Mode) -> tuple[Chain, Ints]:
    """Both in the order of (who, t), each once, and which row of the batch each is (-1: none).

    Of two with one t that counts which will stand: the later in a batch, and under ``keep`` what is stored.
    """
    parts = (before, own) if mode == "replace" else (own, before)
    origins = (np.full(len(before.t), -1, np.int64), compared)
    origin = np.concatenate(origins if mode == "replace" else origins[::-1])
    who, t, value, since = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("who", "t", "value", "since")
    )
    order = np.lexsort((np.arange(len(t)), t, who))
    last = np.append((who[order][1:] != who[order][:-1]) | (t[order][1:] != t[order][:-1]), np.True_)
    kept = order[last]
    return Chain(who[kept], t[kept], value[kept], since[kept]), origin[kept]


def ends_of(chain: Chain, since: Ints) -> Chain:
    """The last reading of each Datastream."""
    last = np.flatnonzero(np.append(chain.who[1:] != chain.who[:-1], len(since) > 0))
    return Chain(chain.who[last], chain.t[last], chain.value[last], since[last])
