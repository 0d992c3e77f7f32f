"""Writing a batch down: refusals to the records, then readings to the store. What comes after may be acknowledged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import pyarrow as pa

from gops import logs
from gops.errors import Unavailable
from gops.ingest import answers
from gops.ingest.pipeline import Batch, Part, Pipeline
from gops.ingest.refusals import Refusals
from gops.ingest.retry import Retry
from gops.store.port import READINGS, Delivery, Mode, Receipt, Store

MODES: tuple[Mode, ...] = ("replace", "keep")
TRIES_BEFORE_SIFTING = 3
NO_ROWS = pa.array([], pa.uint8())
log = logs.get(__name__)


@dataclass
class HandedIn:
    """A batch whose refusals are written and whose readings the store has. ``trouble`` is why it did not take them."""

    batch: Batch
    begun: float = field(default_factory=time.perf_counter)
    writes: list[tuple[Mode, Future[Receipt]]] = field(default_factory=list)
    trouble: Exception | None = None

    @property
    def bytes(self) -> int:
        """Of payload."""
        return sum(len(message.payload) for message in self.batch.messages)

    def wait(self, timeout_s: float) -> bool:
        """Is it decided what became of it, after so long at most?"""
        end = time.monotonic() + timeout_s
        for _mode, future in self.writes:
            if not future.done():
                try:
                    future.exception(max(0.0, end - time.monotonic()))
                except TimeoutError:
                    return False
        return True

    def receipts(self) -> dict[Mode, Receipt]:
        """Of each mode that wrote something, once it is decided. Raises what a write raised."""
        if self.trouble is not None:
            raise self.trouble
        return {mode: future.result() for mode, future in self.writes}


class Committer:
    """``hand_in`` gives the store a batch and ``finish`` says whether it is committed; ``write`` returns when it is,
    however long store and records are away."""

    def __init__(self, store: Store, refusals: Refusals, pipeline: Pipeline, retry: Retry) -> None:
        self.counts: Counter[str] = Counter()
        self._store = store
        self._refusals = refusals
        self._pipeline = pipeline
        self._retry = retry

    def begin_session(self, session: str) -> None:
        """The broker's packet ids start over."""
        self._retry.until_done("store", lambda: self._store.forget_deliveries(session))

    def delivered(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        return self._retry.until_done("store", lambda: self._store.delivered(deliveries))

    def hand_in(self, batch: Batch, *, again: bool = False) -> HandedIn:
        """Write down the refusals, unless that was done, and give the store the readings. Raises ``Stopping``."""
        if batch.reports and not again:
            self._record(batch)
        handed = HandedIn(batch)
        try:
            for mode in MODES:
                part = batch.parts[mode]
                if part.rows:
                    handed.writes.append((mode, self._store.submit(part.table(), mode, part.deliveries)))
        except Exception as error:  # noqa: BLE001 - it is written again, and then it shows whether waiting mends it
            handed.trouble = error
        return handed

    def finish(self, handed: HandedIn) -> bool:
        """Count and answer what is committed; False when it has to be written again."""
        try:
            receipts = handed.receipts()
        except Unavailable as error:
            log.warning("batch_uncommitted", reason=error.message)
            return False
        except Exception:
            log.exception("batch_uncommitted")
            return False
        for mode in MODES:
            receipt = receipts.get(mode)
            if receipt is not None:
                self._count(receipt)
            _answer(handed.batch, handed.batch.parts[mode], NO_ROWS if receipt is None else receipt.outcomes)
        return True

    def write(self, batch: Batch) -> None:
        """Write the readings of a batch that was handed in before and failed.

        Raises ``Stopping``; then the batch may be committed in part, and the broker brings it again.
        """
        for mode in MODES:
            part = batch.parts[mode]
            if part.rows:
                receipts = self._retry.until_done(
                    "store",
                    lambda mode=mode, part=part: [self._store.write(part.table(), mode, part.deliveries)],  # type: ignore[misc]
                    lambda _error, tries, mode=mode, part=part: self._sift(batch, mode, part, tries),  # type: ignore[misc]
                )
                for receipt in receipts:
                    self._count(receipt)
                outcomes = receipts[0].outcomes if len(receipts) == 1 else None
                _answer(batch, part, outcomes)
            else:
                _answer(batch, part, NO_ROWS)

    def _count(self, receipt: Receipt) -> None:
        for name in answers.OUTCOMES:
            self.counts[name] += getattr(receipt, name) or 0

    def _record(self, batch: Batch) -> None:
        self._retry.until_done("records", lambda: self._refusals.record(batch.reports))

    def _sift(self, batch: Batch, mode: Mode, part: Part, tries: int) -> list[Receipt] | None:
        """Write message by message, and refuse as ``internal`` what the store can't take though it takes the others.

        None while it may be the store itself that fails.
        """
        if tries < TRIES_BEFORE_SIFTING:
            return None
        receipts, bad = [], []
        for message, start, end in part.each():
            try:
                receipts.append(self._store.write(part.table(start, end), mode, ()))
            except Unavailable:
                return None
            except Exception:
                log.exception("message_unwritable", topic=message.topic)
                bad.append(message)
        if not receipts and not (len(bad) == 1 and self._store.health().ok):
            return None
        refused = Batch()
        for message in bad:
            self._pipeline.reject(refused, message)
        self._record(refused)
        self._retry.until_done("store", lambda: self._store.write(READINGS.empty_table(), mode, part.deliveries))
        part.receipts.clear()  # nobody knows which rows were whose now; who asked sends again and hears then
        batch.refused += refused.refused
        batch.rows += refused.rows
        batch.answers += refused.answers
        return receipts


def _answer(batch: Batch, part: Part, outcomes: pa.UInt8Array | None) -> None:
    """The receipts that messages of this part asked for; ``outcomes`` has a code a row, None where nobody knows."""
    for asked in part.receipts:
        own = None if outcomes is None else outcomes.slice(asked.start, asked.rows)
        batch.answers.append((asked.topic, answers.receipt(asked.name, answers.counted(own), asked.refused)))
