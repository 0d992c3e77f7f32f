"""The one writer of this process: decide what is new, hand it in, and let the flight say when it is on disk.

The engine only ever gets what it does not have: a row that differs from the one that stands is ``kept`` out under both
modes, since VictoriaMetrics would hold both and show either.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gops import logs
from gops.errors import GopsError, Unavailable
from gops.store.checks import receipt
from gops.store.port import KEPT, UNCHANGED, Delivery, Receipt
from gops.store.resolve import Outcomes, Standing, resolve
from gops.store.rows import Rows
from gops.store.victoria import lines
from gops.store.victoria.deliveries import Deliveries
from gops.store.victoria.flight import Flight, Group
from gops.store.victoria.newest import Known
from gops.store.victoria.server import Server
from gops.store.victoria.versions import Versions
from gops.store.waiting import Waiting

GROUP_ROWS = 100_000  # from which no more requests join a group
log = logs.get(__name__)


@dataclass(frozen=True)
class Write:
    batch: pa.Table
    keep: bool
    deliveries: Sequence[Delivery]
    forget: str | None = None  # a session to begin anew
    future: Future[Receipt] = field(default_factory=Future)


class Writer:
    """``limit`` requests may wait."""

    def __init__(
        self,
        server: Server,
        name: str,
        known: Known,
        deliveries: Deliveries,
        versions: Versions,
        flight: Flight,
        limit: int,
    ) -> None:
        self.corrections_kept = 0
        self._server = server
        self._name = name
        self._known = known
        self._deliveries = deliveries
        self._versions = versions
        self._flight = flight
        self._generation = flight.generation
        self._waiting: Waiting[Write] = Waiting(limit)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and self._flight.alive

    def submit(self, request: Write) -> None:
        """Queue a request. Raises ``Unavailable`` when the writer is closed or there is no room for too long."""
        self._waiting.put(request)

    def close(self) -> None:
        """Finish what waits, and end."""
        self._waiting.close()
        self._thread.join()
        self._flight.close()

    # the thread

    def _run(self) -> None:
        while (group := self._waiting.take(_together)) is not None:
            group = [request for request in group if request.future.set_running_or_notify_cancel()]
            try:
                self._serve(group)
            except GopsError as error:
                self._fail(group, error)
            except Exception:  # the writer must outlive whatever happens to one group
                log.exception("store_writer_failed")
                self._fail(group, Unavailable("the store failed; the server's log says why"))

    def _fail(self, group: Sequence[Write], error: GopsError) -> None:
        """Parts of the group may have been taken all the same; the next batch asks anew what stands."""
        self._known.forget()
        for request in group:
            request.future.set_exception(error)

    def _serve(self, group: Sequence[Write]) -> None:
        generation, starts = self._flight.generation, self._flight.starts
        if generation != self._generation:
            self._generation = generation
            self._known.forget()
        parts: list[bytes] = []
        answers: list[tuple[Future[Any], Any]] = []
        changed: set[int] = set()
        rows = 0
        for request in group:
            outcomes, new = self._decide(request)
            parts += [lines.spell(self._name, new), self._spell_rest(request)]
            changed.update(new["datastream"].to_pylist())
            answers.append((request.future, receipt(outcomes)))
            rows += new.num_rows
        ids = sorted(changed)
        version, stamp = self._versions.spell(ids)
        whole = b"\n".join(part for part in [*parts, stamp] if part)
        if whole:
            self._server.write(whole)

        def landed() -> None:
            self._versions.note(version, ids)
            for request in group:
                if request.forget is not None:
                    self._deliveries.forget(request.forget)
                self._deliveries.remember(request.deliveries)

        self._flight.add(Group(whole, rows, starts, answers, landed, generation))

    def _decide(self, request: Write) -> tuple[Outcomes, pa.Table]:
        """What becomes of each row, and the rows to hand in."""
        batch = Rows.of(request.batch)
        standing, twice = self._known.standing(batch)
        stands = standing.rowid >= 0
        outcomes = np.where(_same(batch, standing), np.uint8(UNCHANGED), np.uint8(KEPT))
        free = ~stands
        keep = np.full(int(free.sum()), request.keep)
        fresh = batch.take(free)
        resolution = resolve(fresh, keep, Standing.nothing(fresh), twice[free])
        outcomes[free] = resolution.outcomes
        if not request.keep:
            self.corrections_kept += int((outcomes[stands] == KEPT).sum())
        written = np.zeros(len(batch), bool)
        written[free] = resolution.written
        self._known.note(batch.take(written))
        return outcomes, request.batch.filter(pa.array(written))

    def _spell_rest(self, request: Write) -> bytes:
        anew = b"" if request.forget is None else self._deliveries.spell_anew(request.forget)
        return b"\n".join(part for part in (anew, self._deliveries.spell(request.deliveries)) if part)


def _same(batch: Rows, standing: Standing) -> Any:
    """Where a row is equal to the one that stands, result times aside. There are no texts in this engine."""
    old = standing.rows
    value = (old.value == batch.value) | (np.isnan(old.value) & np.isnan(batch.value))
    return value & (old.quality == batch.quality)


def _together(waiting: deque[Write]) -> list[Write]:
    """The first of these, and what is handed in with it."""
    group = [waiting.popleft()]
    rows = group[0].batch.num_rows
    while waiting and rows + waiting[0].batch.num_rows <= GROUP_ROWS:
        rows += waiting[0].batch.num_rows
        group.append(waiting.popleft())
    return group
