"""The store that ingest writes to: any store, with the quality rules of each Datastream before it.

Whatever way readings come in, they are judged here, so no way can leave the rules out. Where no Datastream has rules
and no reading is suspect, a batch costs one look at its qualities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gops.clock import Clock
from gops.ingest.rules.book import RuleBook
from gops.ingest.rules.columns import Rows, chained, coming_of, ends_of, of_the_source
from gops.ingest.rules.counts import Flagged, QualityCounts
from gops.ingest.rules.judging import FROZEN, RATE, SKEW, STEP, SUSPECT, Bounds, Chain, Flags, Ints, Mask, Ruled, judge
from gops.ingest.rules.past import Coming, Past
from gops.quality import Quality
from gops.records.events import Event
from gops.store.passing import PassingStore
from gops.store.port import READINGS, Delivery, Mode, Receipt, Store
from gops.store.rows import NONE

FLAGGING = STEP | RATE | FROZEN | SKEW
QUALITY = READINGS.get_field_index("quality")


@dataclass(slots=True)
class Judged:
    """A batch with its qualities, the rules that its readings break, and what is remembered once it is stored."""

    table: pa.Table
    flags: Flags | None = None
    ends: Chain | None = None
    coming: Coming | None = None


class RuledStore(PassingStore):
    """A ``Store`` over another. ``handlers`` belong into the event pump."""

    def __init__(self, store: Store, book: RuleBook, counts: QualityCounts, clock: Clock, size: int) -> None:
        super().__init__(store)
        self._book = book
        self._counts = counts
        self._clock = clock
        self.past = Past(store, size)
        book.on_change = lambda datastream: self.past.forget([datastream])
        self.handlers: Mapping[str, tuple[Callable[[Event], None], ...]] = {
            **book.handlers,
            "observation.corrected": (lambda event: self.past.forget([int(event.payload["datastream"])]),),
        }

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        judged = self.judge(batch, mode)
        with self._remembering(judged):
            done = self._store.submit(judged.table, mode, deliveries)
        done.add_done_callback(lambda future: self._done(judged, future))
        return done

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        judged = self.judge(batch, mode)
        with self._remembering(judged):
            receipt = self._store.write(judged.table, mode, deliveries)
        self._count(judged, receipt)
        return receipt

    @contextmanager
    def _remembering(self, judged: Judged) -> Iterator[None]:
        """What a batch ends with is remembered before it is stored: the next one may be judged meanwhile."""
        self.remember(judged)
        try:
            yield
        except BaseException:
            self._forget(judged)
            raise

    def remember(self, judged: Judged) -> None:
        if judged.ends is not None and judged.coming is not None:
            self.past.settle(judged.ends, judged.coming)

    def _forget(self, judged: Judged) -> None:
        if judged.ends is not None:
            self.past.forget(judged.ends.who.tolist())

    def _done(self, judged: Judged, future: Future[Receipt]) -> None:
        if future.cancelled() or future.exception() is not None:
            self._forget(judged)
        else:
            self._count(judged, future.result())

    def _count(self, judged: Judged, receipt: Receipt) -> None:
        if judged.flags is not None and judged.flags.any():
            self._counts.note(Flagged.of(judged.table, judged.flags, receipt))

    def judge(self, batch: pa.Table, mode: Mode) -> Judged:
        """A batch as it is to be stored. One that is not of ``READINGS`` is left to the store, which refuses it.

        Raises ``Unavailable`` when records or store can't say what it is compared with.
        """
        if not batch.num_rows or batch.schema != READINGS or batch["quality"].null_count:
            return Judged(batch)
        quality: Flags = batch["quality"].to_numpy()
        suspect: Mask = quality == SUSPECT
        silent = self._book.is_empty
        if silent and not suspect.any():
            return Judged(batch)
        rows = Rows.of(batch, quality)
        known = self._book.get(np.unique(rows.who[suspect] if silent else rows.who).tolist())
        flags = of_the_source(rows, suspect, known)
        judged = Judged(batch, flags)
        if not silent:
            self._judge(rows, known, mode, judged)
            worse = (flags & FLAGGING != 0) & (quality < SUSPECT)
            if worse.any():
                judged.table = batch.set_column(
                    QUALITY, READINGS.field(QUALITY), pa.array(np.where(worse, np.uint8(SUSPECT), quality))
                )
            flags[quality > SUSPECT] = 0
        return judged

    def _judge(self, rows: Rows, known: Mapping[int, Ruled], mode: Mode, judged: Judged) -> None:
        """Add the rules that are broken to ``judged.flags``."""
        assert judged.flags is not None
        ids = sorted(one for one, ruled in known.items() if ruled.acts)
        if not ids:
            return
        sorted_ids = np.array(ids, np.int64)
        bounds, rule_of = _bounds([known[one] for one in ids])
        place: Ints = np.minimum(np.searchsorted(sorted_ids, rows.who), len(ids) - 1)
        own: Mask = sorted_ids[place] == rows.who
        rule = rule_of[place]
        judged.flags[own & (rows.t - self._clock.micros() > bounds.skew[rule])] |= SKEW
        comparable = own & bounds.looks_back[rule] & bounds.comparable(rule, rows.value, rows.quality)
        compared = np.flatnonzero(comparable)
        if not len(compared):
            return
        coming = coming_of(rows, compared, known)
        fresh = Chain(rows.who[compared], rows.t[compared], rows.value[compared], np.full(len(compared), NONE))
        chain, origin = chained(self.past.before(coming), fresh, compared, mode)
        broken, since = judge(chain, bounds, rule_of[np.searchsorted(sorted_ids, chain.who)])
        own_rows = origin >= 0
        judged.flags[origin[own_rows]] |= broken[own_rows]
        judged.coming, judged.ends = coming, ends_of(chain, since)

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        return self._changed(datastreams, self._store.delete(datastreams, start, end))

    def requalify(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        only: frozenset[Quality] = frozenset(Quality),
    ) -> int:
        return self._changed(datastreams, self._store.requalify(datastreams, start, end, quality, only))

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        return self._changed([datastream], self._store.swap(datastream, start, end, rows, version))

    def _changed(self, datastreams: Sequence[int], rows: int) -> int:
        self.past.forget(datastreams)
        return rows


def _bounds(ruled: Sequence[Ruled]) -> tuple[Bounds, Ints]:
    """The different rules among these, and which of them each has."""
    rows: dict[Ruled, int] = {}
    rule_of = np.array([rows.setdefault(one, len(rows)) for one in ruled], np.int64)
    return Bounds.of(list(rows)), rule_of
