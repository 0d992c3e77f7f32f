"""Writing a batch down: refusals to the records, then readings to the store. What comes after may be acknowledged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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


class Committer:
    """``write`` returns when the batch is committed, however long store and records are away."""

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

    def write(self, batch: Batch) -> None:
        """Raises ``Stopping``; then the batch may be committed in part, and the broker brings it again."""
        if batch.reports:
            self._record(batch)
        for mode in MODES:
            part = batch.parts[mode]
            if part.rows:
                receipts = self._retry.until_done(
                    "store",
                    lambda mode=mode, part=part: [self._store.write(part.table(), mode, part.deliveries)],  # type: ignore[misc]
                    lambda _error, tries, mode=mode, part=part: self._sift(batch, mode, part, tries),  # type: ignore[misc]
                )
                for receipt in receipts:
                    for name in answers.OUTCOMES:
                        self.counts[name] += getattr(receipt, name) or 0
                outcomes = receipts[0].outcomes if len(receipts) == 1 else None
                _answer(batch, part, outcomes)
            else:
                _answer(batch, part, NO_ROWS)

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
