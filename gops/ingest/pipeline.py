"""From messages to one batch of columns: who speaks, decode, resolve, refuse. Writes nothing.

A message that trips over a mistake of ours costs itself only: it is refused as ``internal`` and its neighbours go on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from gops import logs
from gops.errors import Unavailable
from gops.ingest import answers, topics
from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import decode
from gops.ingest.mapping import Limits, Readings, resolve
from gops.ingest.mqtt.inbox import Message
from gops.ingest.refusals import Report
from gops.ingest.refused import Refused, shown
from gops.ingest.sources import Source, Speakers
from gops.ingest.status import read_status
from gops.store.port import READINGS, Delivery, Mode

FEED = "direct"  # what devices publish belongs to the feed of this name (meaning.md, Datasets)
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """A device said whether it is online."""

    device: int
    online: bool
    at: int
    retained: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A receipt that a message asked for: of ``rows`` rows of its part from ``start`` on."""

    topic: str
    name: str
    start: int
    rows: int
    refused: int


@dataclass(slots=True)
class Part:
    """What one mode writes: rows of messages, and the deliveries that become known with them.

    The rows of all messages stand in one set of columns: a set a message would keep Python's garbage collector busy.
    """

    columns: Readings = field(default_factory=Readings)
    messages: list[Message] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)  # of the rows of each message
    deliveries: list[Delivery] = field(default_factory=list)
    receipts: list[Asked] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.columns.t)

    def add(self, message: Message, readings: Readings) -> None:
        columns = self.columns
        columns.datastream += readings.datastream
        columns.t += readings.t
        columns.value += readings.value
        columns.text += readings.text
        columns.quality += readings.quality
        columns.result_time += readings.result_time
        self.messages.append(message)
        self.ends.append(len(columns.t))

    def table(self, start: int = 0, end: int | None = None) -> pa.Table:
        """Rows of ``store.port.READINGS``."""
        return pa.table({name: getattr(self.columns, name)[start:end] for name in READINGS.names}, schema=READINGS)

    def each(self) -> Iterator[tuple[Message, int, int]]:
        """The messages, and where their rows begin and end."""
        start = 0
        for message, end in zip(self.messages, self.ends, strict=True):
            yield message, start, end
            start = end


@dataclass(slots=True)
class Batch:
    """Some messages on their way. ``messages`` are all that are to be acknowledged, in their order."""

    messages: list[Message] = field(default_factory=list)
    parts: dict[Mode, Part] = field(default_factory=lambda: {"replace": Part(), "keep": Part()})
    reports: list[Report] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)  # ids of the devices that spoke
    said: list[Said] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    rows: int = 0  # readings and refusals: what a batch costs
    repeats: int = 0


def digest(message: Message) -> int:
    """8 bytes of SHA-256 over topic and payload, signed, as ``Delivery`` has it."""
    whole = hashlib.sha256(message.topic.encode() + b"\0" + message.payload)
    if message.size != len(message.payload):
        whole.update(str(message.size).encode() + message.whole)
    return int.from_bytes(whole.digest()[:8], "big", signed=True)


class Pipeline:
    """``add`` messages to a batch. ``session`` names the broker session in deliveries."""

    def __init__(self, sources: Speakers, frame: Frame, limits: Limits, session: str) -> None:
        self._sources = sources
        self._frame = frame
        self._limits = limits
        self._session = session

    def prepare(self, messages: Sequence[Message]) -> None:
        """Look up the devices of these together. Raises ``Unavailable``."""
        self._sources.load({message.topic for message in messages})

    def delivery(self, message: Message) -> Delivery:
        return Delivery(self._session, message.packet_id, digest(message))

    def add(self, batch: Batch, message: Message, delivery: Delivery | None) -> None:
        """Read a message that was not committed before. Raises ``Unavailable`` when the records can't say whose it is,
        and then has changed nothing."""
        source = self._source(message)
        mode: Mode = "replace"
        readings: Readings | None = None
        wanted: Sequence[str] = ()
        if not source.is_read or message.size != len(message.payload):
            refusals = self._add_without_reading(batch, message, source)
        else:
            decoded, readings = self._read(source, message)
            refusals = readings.refusals
            wanted = decoded.receipts if source.address else ()
            mode = "keep" if decoded.keep else "replace"
        batch.messages.append(message)
        part = batch.parts[mode]
        rows = 0 if readings is None else len(readings.t)
        for name in wanted:
            part.receipts.append(Asked(topics.receipt(source.address), name, part.rows, rows, len(refusals)))
        if readings is not None and rows:
            part.add(message, readings)
            batch.rows += rows
        if delivery is not None:
            part.deliveries.append(delivery)
        if source.route is not None:
            batch.seen.add(source.route.device_id)
        if refusals:
            self._refuse(batch, message, source, refusals)

    def add_repeated(self, batch: Batch, message: Message) -> None:
        """A redelivery of what was committed: nothing is written; a receipt that may have got lost is sent again."""
        source = self._source(message)
        batch.messages.append(message)
        batch.repeats += 1
        if not source.is_read or not source.address or b'"receipt"' not in message.payload:
            return
        decoded = self._decode(source, message)
        if source.feed is None:
            readings = self._resolve(source, decoded, message)
        else:
            readings = source.feed.trial(decoded, message.topic, message.arrival, self._limits).readings
        for name in decoded.receipts:
            known = dict.fromkeys(answers.OUTCOMES, 0) | {"unchanged": len(readings.t)}
            answer = answers.receipt(name, known, len(readings.refusals))
            batch.answers.append((topics.receipt(source.address), answer))

    def reject(self, batch: Batch, message: Message) -> None:
        """The store cannot take this message though it takes others: a mistake of ours, refused as ``internal``."""
        self._refuse(batch, message, self._source(message), [_internal()])

    def _read(self, source: Source, message: Message) -> tuple[Decoded, Readings]:
        """Raises ``Unavailable``."""
        try:
            decoded = self._decode(source, message)
            return decoded, self._resolve(source, decoded, message)
        except Unavailable:
            raise
        except Exception:
            log.exception("message_failed", device=source.address, bytes=message.size)
            return Decoded(), Readings(refusals=[_internal()])

    def _decode(self, source: Source, message: Message) -> Decoded:
        if source.feed is not None:
            return source.feed.decode(message.payload)
        assert source.codec is not None
        return decode(source.codec, message.payload, self._frame)

    def _resolve(self, source: Source, decoded: Decoded, message: Message) -> Readings:
        """By the mapping of the feed that the topic belongs to, else by the device's own. Raises ``Unavailable``."""
        if source.feed is not None:
            return source.feed.resolve(decoded, message.topic, message.arrival, self._limits)
        assert source.route is not None
        return resolve(decoded, source.route, message.arrival, self._limits)

    def _source(self, message: Message) -> Source:
        try:
            return self._sources.get(message.topic)
        except Unavailable:
            raise
        except Exception:
            log.exception("source_failed", topic=shown(message.topic))
            return Source("", None, None, _internal())

    def _add_without_reading(self, batch: Batch, message: Message, source: Source) -> Sequence[Refused]:
        """A status, or a message of which nothing is read."""
        if message.size > self._frame.max_bytes:
            limit = f"at most {self._frame.max_bytes} bytes (GOPS_MESSAGE_BYTES)"
            return [Refused("too_large", None, "", f"a payload of {message.size} bytes; expected {limit}")]
        if source.refused is not None:
            return [source.refused]
        assert source.route is not None
        online = read_status(message.payload)
        if isinstance(online, Refused):
            return [online]
        batch.said.append(Said(source.route.device_id, online, message.arrival, message.retain))
        return ()

    def _refuse(self, batch: Batch, message: Message, source: Source, refusals: Sequence[Refused]) -> None:
        batch.rows += len(refusals)
        for one in refusals:
            batch.refused[one.code] += 1
            batch.reports.append(
                Report(
                    FEED if source.feed is None else source.feed.slug,
                    source.address,
                    source.organisation_id,
                    message.topic,
                    message.payload,
                    one,
                    revision=None if source.feed is None else source.feed.revision,
                    whole=(message.whole, message.size) if message.whole else None,
                    arrival=message.arrival,
                )
            )
        if source.address:
            batch.answers.append((topics.refused(source.address), answers.refused(refusals)))


def _internal() -> Refused:
    return Refused("internal", None, "", "GOPS could not take the message; its operators can see why")
