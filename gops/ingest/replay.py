"""``gops replay``: publish a CSV over MQTT as a device.

Every message carries ``"repeat": true``, so GOPS fills gaps with it and replaces nothing: what is replayed is never
stored twice and never undoes a correction. Every message also asks for a receipt, so that what it did is counted and
one that got lost is sent again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import orjson

from gops.clock import Clock
from gops.errors import Invalid, Unavailable
from gops.ingest import topics
from gops.ingest.csv_rows import CsvFile, Found, Problem, Row
from gops.ingest.decoders.times import instant
from gops.ingest.refused import Unreadable

COUNTED = ("inserted", "replaced", "unchanged", "kept", "refused")
REASONS = 20


class Publisher(Protocol):
    """A device's side of MQTT; ``mqtt.DeviceClient`` is one."""

    @property
    def name(self) -> str:
        """The device's address."""

    def publish(self, payload: bytes) -> None:
        """Send on the device's ``up`` topic with QoS 1; waits while too many have no PUBACK."""

    def flush(self, timeout_s: float) -> None:
        """Wait until all have their PUBACK, or raise ``Unavailable``."""


@dataclass(frozen=True)
class Options:
    """``shift_to``: the microsecond at which the last row comes to lie; None keeps the times.

    A message has at most ``rows`` rows, ``readings`` readings and about ``message_bytes`` bytes; ``window`` messages
    wait for their receipts. One that has none after ``receipt_s`` seconds is sent again, ``tries`` times in all.
    """

    shift_to: int | None = None
    receipts: bool = True
    rows: int = 100
    readings: int = 5000
    message_bytes: int = 65_536
    window: int = 50
    receipt_s: float = 30.0
    tries: int = 3


@dataclass(frozen=True)
class Progress:
    """Rows sent and confirmed, of ``total``."""

    total: int
    sent: int
    confirmed: int


@dataclass(frozen=True)
class Replayed:
    """What a replay did. ``counts`` are of readings, by the words of ``COUNTED``; one is None where no receipt told it.

    ``repeated`` messages were sent again: then a reading that the lost receipt had counted as inserted counts as
    unchanged. ``reasons`` are refusals as (code, field, note). Times in microseconds, as they were sent.
    """

    rows: int
    readings: int
    messages: int
    repeated: int
    first: int | None
    last: int | None
    counts: dict[str, int | None]
    reasons: tuple[tuple[str, str | None, str], ...]
    problems: tuple[Problem, ...]
    problem_count: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Sent:
    """A message that waits for its receipt."""

    payload: bytes
    rows: int
    at: float
    tries: int = 1


@dataclass(slots=True)
class _Tally:
    sent: int = 0
    confirmed: int = 0
    messages: int = 0
    repeated: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    untold: set[str] = field(default_factory=set)
    reasons: dict[tuple[str, str | None], str] = field(default_factory=dict)


def parse_shift(text: str, clock: Clock, zone: ZoneInfo) -> int:
    """``now``, or a time; one without offset is of ``zone``. Raises ``Invalid``."""
    if text == "now":
        return clock.micros()
    try:
        return instant(text, zone)
    except Unreadable as trouble:
        raise Invalid(
            f"--shift-to: {trouble.note}", field="shift_to", found=text, expected="now or a time"
        ) from trouble


class Replay:
    """Make one, give its ``heard`` to the device's client, then ``run`` it once with that client.

    ``on_progress`` is called from two threads: the one that runs and the client's.
    """

    def __init__(
        self,
        file: CsvFile,
        options: Options = Options(),
        on_progress: Callable[[Progress], None] = lambda progress: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._options = options
        self._on_progress = on_progress
        self._monotonic = monotonic
        self._name = secrets.token_hex(4)  # receipts of an earlier run are not ours
        self._changed = threading.Condition()
        self._waiting: dict[str, _Sent] = {}
        self._tally = _Tally()
        self._total = 0

    def heard(self, topic: str, payload: bytes) -> None:
        """What GOPS tells the device; called by the client's thread."""
        if not topic.endswith(("/down/receipt", "/down/refused")):
            return
        try:
            answer = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return
        if not isinstance(answer, dict):
            return
        if topic.endswith("/down/receipt"):
            self._confirm(answer)
        else:
            self._hear_refusals(answer)

    def run(self, publisher: Publisher) -> Replayed:
        """Read the file once to see that it can be read, then send it.

        Raises ``Invalid`` and ``Malformed`` before anything is sent when the file does not fit its mapping, and
        ``Unavailable`` when receipts stay away.
        """
        found = Found()
        for _row in self._file.rows(found):
            pass
        shift = 0 if self._options.shift_to is None or found.last is None else self._options.shift_to - found.last
        self._total = found.rows
        for number, (payload, rows) in enumerate(self._messages(shift)):
            self._send(publisher, f"{self._name}-{number}", payload, rows)
        while self._waiting:
            self._wait(publisher)
        publisher.flush(self._options.receipt_s)
        return self._replayed(found, shift)

    def _messages(self, shift: int) -> Iterator[tuple[bytes, int]]:
        """Payloads and how many rows each has."""
        most = self._options
        parts: list[bytes] = []
        size = readings = number = 0
        for row in self._file.rows(Found()):
            if not row.values:
                self._total -= 1
                continue
            part = _encode(row, shift)
            size, readings = size + len(part), readings + len(row.values)
            if parts and (len(parts) >= most.rows or size > most.message_bytes or readings > most.readings):
                yield self._payload(parts, number), len(parts)
                parts, size, readings, number = [], len(part), len(row.values), number + 1
            parts.append(part)
        if parts:
            yield self._payload(parts, number), len(parts)

    def _payload(self, parts: list[bytes], number: int) -> bytes:
        marks = b'"repeat":true' + (b',"receipt":"%s-%d"' % (self._name.encode(), number)) * self._options.receipts
        return b"[{" + marks + b"," + parts[0][1:] + b"".join(b"," + part for part in parts[1:]) + b"]"

    def _send(self, publisher: Publisher, receipt: str, payload: bytes, rows: int) -> None:
        if self._options.receipts:
            while len(self._waiting) >= self._options.window:
                self._wait(publisher)
            with self._changed:
                self._waiting[receipt] = _Sent(payload, rows, self._monotonic())
        publisher.publish(payload)
        self._tally.messages += 1
        self._tally.sent += rows
        self._tell()

    def _wait(self, publisher: Publisher) -> None:
        """For a receipt, or until the oldest message has waited too long; then send that again."""
        with self._changed:
            if not self._waiting:
                return
            oldest = next(iter(self._waiting))
            one = self._waiting[oldest]
            patience = one.at + self._options.receipt_s - self._monotonic()
            if patience > 0:
                self._changed.wait(patience)
                return
            if one.tries >= self._options.tries:
                raise Unavailable(
                    f"no receipt for {one.rows} rows within {self._options.receipt_s:g} s, sent {one.tries} times",
                    code="no_receipt",
                    expected=f"a receipt on {topics.receipt(publisher.name)}; is gops running, may the device read it?",
                )
            del self._waiting[oldest]
            self._waiting[oldest] = _Sent(one.payload, one.rows, self._monotonic(), one.tries + 1)
        self._tally.repeated += 1
        publisher.publish(one.payload)

    def _confirm(self, answer: dict[str, Any]) -> None:
        with self._changed:
            one = self._waiting.pop(str(answer.get("receipt")), None)
            if one is None:
                return
            self._tally.confirmed += one.rows
            for word in COUNTED:
                count = answer.get(word)
                if isinstance(count, int):
                    self._tally.counts[word] += count
                else:
                    self._tally.untold.add(word)
            self._changed.notify_all()
        self._tell()

    def _hear_refusals(self, answer: dict[str, Any]) -> None:
        refused = answer.get("refused")
        for one in refused if isinstance(refused, list) else ():
            if isinstance(one, dict) and len(self._tally.reasons) < REASONS:
                self._tally.reasons.setdefault((str(one.get("code")), one.get("field")), str(one.get("note")))

    def _tell(self) -> None:
        self._on_progress(Progress(self._total, self._tally.sent, self._tally.confirmed))

    def _replayed(self, found: Found, shift: int) -> Replayed:
        tally = self._tally
        told = self._options.receipts
        return Replayed(
            rows=found.rows,
            readings=found.readings,
            messages=tally.messages,
            repeated=tally.repeated,
            first=None if found.first is None else found.first + shift,
            last=None if found.last is None else found.last + shift,
            counts={word: tally.counts[word] if told and word not in tally.untold else None for word in COUNTED},
            reasons=tuple((code, name, note) for (code, name), note in tally.reasons.items()),
            problems=tuple(found.problems),
            problem_count=found.problem_count,
            notes=(self._file.note,) if self._file.note else (),
        )


def _encode(row: Row, shift: int) -> bytes:
    """``{"ts":...,"values":{...}}``; milliseconds with a fraction where there are microseconds."""
    micros = row.t + shift
    ts = micros // 1000 if micros % 1000 == 0 else micros / 1000
    return orjson.dumps({"ts": ts, "values": row.values})
