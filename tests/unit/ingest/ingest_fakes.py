"""Stand-ins for what the ingest thread talks to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import pyarrow as pa

from gops.clock import FixedClock
from gops.errors import Unavailable
from gops.ingest.commit import Committer
from gops.ingest.decoded import Frame
from gops.ingest.mapping import Limits
from gops.ingest.mqtt.inbox import Message, Taken
from gops.ingest.pipeline import Pipeline
from gops.ingest.refusals import Report
from gops.ingest.retry import Retry
from gops.ingest.sources import Source
from gops.ingest.worker import IngestWorker
from gops.sensors.routes import DeviceRoute, Target
from gops.store.memory import MemoryStore
from gops.store.port import Delivery, Mode, Read, Receipt, Series

YEARS = 10 * 365 * 86_400_000_000
INFINITY = float("inf")


def route_of(address: str, device: int = 1, **fields: int) -> DeviceRoute:
    """Each field a gauge of the Datastream given."""
    targets = {name: Target(stream, "gauge", 1.0, 0.0, -INFINITY, INFINITY) for name, stream in fields.items()}
    return DeviceRoute(device, 1, address.partition("/")[0], address, targets)


class FakeSources:
    """Devices of ``city``: ``known`` has their routes; ``down`` makes every look-up fail."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.known = {"city/dev": route_of("city/dev", a=1, b=2)}
        self.down = 0
        self.broken: set[str] = set()

    def load(self, topics: Iterable[str]) -> None:
        """Nothing is faster here."""

    def get(self, topic: str) -> Source:
        if self.down:
            self.down -= 1
            raise Unavailable("the records are away")
        if topic in self.broken:
            raise ZeroDivisionError(topic)
        _root, _version, org, device, kind, *codec = topic.split("/")
        address = f"{org}/{device}"
        name = None if kind == "status" else (codec[0] if codec else "json")
        return Source(address, name, self.known[address], None, 1)


class FakeLink:
    """Gives out ``batches`` in turn and keeps what is done with them."""

    session = "ingest@broker"

    def __init__(self) -> None:
        self.session_began = 1
        self.batches: list[Taken] = []
        self.mistakes: list[Exception] = []
        self.acknowledged: list[Message] = []
        self.published: list[tuple[str, bytes]] = []
        self.events: list[str] = []

    def take(self, limit: int, timeout_s: float) -> Taken:
        if self.mistakes:
            raise self.mistakes.pop()
        return self.batches.pop(0) if self.batches else Taken([])

    def acknowledge(self, messages: Sequence[Message]) -> None:
        self.events.append("acknowledge")
        self.acknowledged += messages

    def publish(self, topic: str, payload: bytes) -> bool:
        self.events.append("publish")
        self.published.append((topic, payload))
        return True


class FakeRefusals:
    def __init__(self, events: list[str]) -> None:
        self.reports: list[Report] = []
        self.failures: list[Exception] = []
        self._events = events

    def record(self, reports: Sequence[Report]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self._events.append("record")
        self.reports += reports

    @property
    def codes(self) -> list[str]:
        return [report.refused.code for report in self.reports]


class FakeStatus:
    def __init__(self) -> None:
        self.devices: set[int] = set()
        self.statements: list[tuple[int, bool, bool]] = []

    def seen(self, devices: Any, at: int) -> None:
        self.devices |= set(devices)

    def said(self, device: int, online: bool, at: int, *, retained: bool = False) -> None:
        self.statements.append((device, online, retained))

    def flush(self, *, everything: bool = False) -> int:
        return 0


class WatchedStore(MemoryStore):
    """A real store in memory that can fail: ``failures`` are raised in turn, ``refuses`` decides by batch, ``held``
    put off in turn the answers to writes."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.failures: list[Exception] = []
        self.refuses: Callable[[pa.Table], bool] = lambda _batch: False
        self.writes: list[tuple[int, Mode]] = []
        self.held: list[Callable[[Future[Receipt]], Future[Receipt]]] = []
        self._events = events

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        if self.failures:
            raise self.failures.pop(0)
        if self.refuses(batch):
            raise ValueError("a row that this engine chokes on")
        self._events.append(f"write {mode}")
        self.writes.append((batch.num_rows, mode))
        done = super().submit(batch, mode, deliveries)
        return self.held.pop(0)(done) if self.held else done

    def values(self, datastream: int = 1) -> list[float]:
        return self.read(Read([Series(datastream)])).column("value").to_pylist()


class Bench:
    """A worker with stand-ins around it. ``send`` lets messages come in one batch and waits for its end."""

    def __init__(
        self, clock: FixedClock, *, batch_rows: int = 1000, max_bytes: int = 1000, uncommitted: int = 4
    ) -> None:
        self.clock = clock
        self.link = FakeLink()
        self.store = WatchedStore(self.link.events)
        self.refusals: Any = FakeRefusals(self.link.events)
        self.status: Any = FakeStatus()
        self.sources: Any = FakeSources(clock)
        self.retry = Retry(clock, first_pause_s=0.01)
        frame = Frame(max_bytes=max_bytes)
        pipeline = Pipeline(self.sources, frame, Limits(YEARS, 600_000_000), self.link.session)
        self.worker = IngestWorker(
            self.link,
            pipeline,
            Committer(self.store, self.refusals, pipeline, self.retry),
            self.status,
            self.retry,
            clock,
            batch_messages=100,
            batch_rows=batch_rows,
            uncommitted=uncommitted,
            uncommitted_bytes=1 << 20,
        )
        self._packet_ids = 0

    def message(self, payload: bytes | str, topic: str = "gops/v1/city/dev/up", **changes: Any) -> Message:
        """A fresh QoS 1 message of the present connection, arriving a microsecond after the one before."""
        body = payload.encode() if isinstance(payload, str) else payload
        self._packet_ids += 1
        self.clock.move(microseconds=1)
        made = Message(topic, body, self._packet_ids, False, False, 1, self.clock.micros(), len(body))
        return replace_message(made, **changes)

    def send(self, *messages: Message | str | bytes, new_session: bool = False) -> None:
        made = [one if isinstance(one, Message) else self.message(one) for one in messages]
        self.link.batches.append(Taken(made, new_session))
        self.worker.step()


def replace_message(message: Message, **changes: Any) -> Message:
    return message._replace(**changes)


def dup(message: Message, **changes: Any) -> Message:
    """The same again, as a broker delivers it on the next connection."""
    return message._replace(**{"dup": True, "connection": 2, "arrival": message.arrival + 1_000_000, **changes})
