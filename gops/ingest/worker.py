"""The ingest thread: take, read, write refusals, write readings, acknowledge, answer.

Nothing is acknowledged before it is committed; a store that takes long gets the next batches meanwhile. While the
records or the store are away, the batch waits, the inbox fills, and the broker keeps the rest.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gops import logs
from gops.clock import Clock
from gops.errors import Unavailable
from gops.ingest.commit import Committer, HandedIn
from gops.ingest.in_flight import InFlight
from gops.ingest.mqtt.inbox import Message, Taken
from gops.ingest.pipeline import Batch, Pipeline
from gops.ingest.retry import Retry, Stopping, Trouble
from gops.ingest.status import DeviceStatus
from gops.store.port import Delivery

POLL_SECONDS = 0.5
POLL_IN_FLIGHT_SECONDS = 0.02
ROWS_IN_FLIGHT = 8  # times the rows of a batch
LANDING_SECONDS = 2.0  # at the end
STATUS_SECONDS = 1.0
STOP_SECONDS = 30.0
log = logs.get(__name__)

Committed = Callable[[int, int, float, float], None]
"""Told of each commit: messages, readings and refusals, seconds of the commit, seconds since the oldest arrival."""


def nobody(_messages: int, _rows: int, _seconds: float, _lag_s: float) -> None:
    """Nobody wants to know."""


class Link(Protocol):
    """What the worker needs of ``mqtt.MqttLink``."""

    @property
    def session(self) -> str: ...

    @property
    def session_began(self) -> int: ...

    def take(self, limit: int, timeout_s: float) -> Taken: ...

    def acknowledge(self, messages: Sequence[Message]) -> None: ...

    def publish(self, topic: str, payload: bytes) -> bool: ...


@dataclass(frozen=True)
class IngestStats:
    """Counts since the start. ``commit_ms`` is how long the newest commit took, ``lag_ms`` the age that its oldest
    message had then. ``repeats`` are redeliveries that were recognised."""

    messages: int = 0
    readings: int = 0
    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0
    repeats: int = 0
    batches: int = 0
    batch_messages: int = 0
    commit_ms: float = 0.0
    lag_ms: float = 0.0
    in_flight: int = 0
    failures: int = 0
    trouble: Trouble = field(default_factory=Trouble)
    refused: dict[str, int] = field(default_factory=dict)


class IngestWorker:
    """``start`` and ``stop``. ``batch_messages`` and ``batch_rows`` (readings and refusals) bound one commit.

    At most ``uncommitted`` batches, and ``uncommitted_bytes`` of payload, wait for the store to confirm them.
    """

    def __init__(
        self,
        link: Link,
        pipeline: Pipeline,
        committer: Committer,
        status: DeviceStatus,
        retry: Retry,
        clock: Clock,
        *,
        batch_messages: int,
        batch_rows: int,
        uncommitted: int,
        uncommitted_bytes: int,
        committed: Committed = nobody,
    ) -> None:
        self._link = link
        self._pipeline = pipeline
        self._committer = committer
        self._status = status
        self._retry = retry
        self._clock = clock
        self._batch_messages = batch_messages
        self._batch_rows = batch_rows
        self._committed = committed
        self._in_flight = InFlight(
            committer,
            retry,
            self._done,
            batches=uncommitted,
            rows=ROWS_IN_FLIGHT * batch_rows,
            size=uncommitted_bytes,
        )
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._newest = IngestStats()
        self._flushed = 0.0
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand if store and records let it; the broker keeps the rest."""
        self._retry.stop()
        self._thread.join(STOP_SECONDS)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stats(self) -> IngestStats:
        newest = self._newest
        return IngestStats(
            **self._counts,
            **self._committer.counts,
            batch_messages=newest.batch_messages,
            commit_ms=newest.commit_ms,
            lag_ms=newest.lag_ms,
            in_flight=len(self._in_flight),
            failures=self._retry.failures,
            trouble=self._retry.trouble,
            refused=dict(self._refused),
        )

    def _run(self) -> None:
        try:
            while not self._retry.is_stopping:
                self._retry.until_done("ingest", self.step)
            self._in_flight.land_at_the_end(LANDING_SECONDS)
            self._status.flush(everything=True)
        except Stopping:
            log.warning("ingest_stopped", unacknowledged=True, at=self._retry.trouble.at)
        except Unavailable as error:
            log.warning("status_not_written", reason=error.message)

    def step(self) -> None:
        """One batch, or a short wait for one or for the store."""
        if self._in_flight.has_room():
            self._take()
            self._in_flight.land()
        else:
            self._in_flight.wait(POLL_SECONDS)
        self._flush_status()

    def _take(self) -> None:
        taken = self._link.take(self._batch_messages, POLL_IN_FLIGHT_SECONDS if self._in_flight else POLL_SECONDS)
        if taken.new_session:
            self._in_flight.drain()
            self._committer.begin_session(self._link.session)
        if taken.messages:
            self._retry.until_done("messages", lambda: self._ingest(taken.messages))

    def _ingest(self, messages: Sequence[Message]) -> None:
        began = self._link.session_began
        delivery = self._pipeline.delivery
        deliveries = [delivery(m) if m.packet_id and m.connection >= began else None for m in messages]
        repeated = self._repeated(messages, deliveries)
        self._retry.until_done("records", lambda: self._pipeline.prepare(messages))
        batch = Batch()
        for index, message in enumerate(messages):
            try:
                self._add(batch, message, deliveries[index], index in repeated)
            except Unavailable:
                self._retry.until_done(
                    "records",
                    lambda b=batch, m=message, i=index: self._add(b, m, deliveries[i], i in repeated),  # type: ignore[misc]
                )
            if batch.rows >= self._batch_rows:
                self._in_flight.add(batch)
                batch = Batch()
        if batch.messages:
            self._in_flight.add(batch)

    def _add(self, batch: Batch, message: Message, delivery: Delivery | None, repeated: bool) -> None:
        if repeated:
            self._pipeline.add_repeated(batch, message)
        else:
            self._pipeline.add(batch, message, delivery)

    def _repeated(self, messages: Sequence[Message], deliveries: Sequence[Delivery | None]) -> set[int]:
        """Which of these are redeliveries of what is committed, or of one that stands before them."""
        asked = {i: one for i, one in enumerate(deliveries) if one is not None and messages[i].dup}
        if not asked:
            return set()
        if self._in_flight.holds(asked.values()):
            self._in_flight.drain()
        committed = self._committer.delivered(list(asked.values()))
        repeated = {index for index, known in zip(asked, committed, strict=True) if known}
        first: dict[Delivery, int] = {}
        for index, one in enumerate(deliveries):
            if one is not None:
                first.setdefault(one, index)
        return repeated | {index for index, one in asked.items() if first[one] < index}

    def _done(self, handed: HandedIn) -> None:
        """A batch is committed."""
        batch = handed.batch
        self._link.acknowledge(batch.messages)
        self._newest = IngestStats(
            batch_messages=len(batch.messages),
            commit_ms=(time.perf_counter() - handed.begun) * 1000,
            lag_ms=(self._clock.micros() - batch.messages[0].arrival) / 1000,
        )
        self._committed(len(batch.messages), batch.rows, self._newest.commit_ms / 1000, self._newest.lag_ms / 1000)
        self._note(batch)
        for topic, payload in batch.answers:
            self._link.publish(topic, payload)

    def _note(self, batch: Batch) -> None:
        refused = sum(batch.refused.values())
        self._counts["messages"] += len(batch.messages)
        self._counts["readings"] += batch.rows - refused
        self._counts["repeats"] += batch.repeats
        self._counts["batches"] += 1
        self._refused.update(batch.refused)
        self._status.seen(batch.seen, batch.messages[-1].arrival)
        for said in batch.said:
            self._status.said(said.device, said.online, said.at, retained=said.retained)

    def _flush_status(self) -> None:
        """What was seen of devices can wait; readings can't."""
        now = time.monotonic()
        if now - self._flushed < STATUS_SECONDS:
            return
        self._flushed = now
        try:
            self._status.flush()
        except Unavailable as error:
            log.warning("status_not_written", reason=error.message)
