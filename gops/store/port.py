"""The time-series port: what every store does, in columns.

A reading is a row of ``READINGS``; one per (Datastream, t). Tables that pass are ``pyarrow.Table``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, Protocol

import pyarrow as pa

from gops.kinds import Aggregate, Kind, Label
from gops.quality import GOOD_ONLY, Quality

READINGS = pa.schema(
    [
        pa.field("datastream", pa.int64(), nullable=False),
        pa.field("t", pa.int64(), nullable=False),  # microseconds since 1970 UTC, as the source labels it
        pa.field("value", pa.float64()),  # null for a text or for a missing number
        pa.field("text", pa.string()),  # readings of kind state
        pa.field("quality", pa.uint8(), nullable=False),
        pa.field("result_time", pa.int64()),  # microseconds; null where the source gives none
    ]
)
NULLABLE = frozenset({"value", "text", "result_time"})
"""Columns of ``READINGS`` that may be null."""
Mode = Literal["replace", "keep"]

INSERTED, REPLACED, UNCHANGED, KEPT = 0, 1, 2, 3
"""Outcomes of a row, in ``Receipt.outcomes``."""


@dataclass(frozen=True)
class Capabilities:
    """What an engine does. Nothing is declared that a test has not seen.

    What it does not do it refuses by name: ``Unsupported`` with the name of the capability as ``field``.
    ``deletes_range`` stands for ``delete``, ``requalify`` and ``swap``. ``visible_after_s`` is the longest time from
    the answer of a write until every reader sees it, and until it survives a kill where the engine is durable by then.
    """

    durable: bool
    replaces: bool
    deletes_range: bool
    text: bool
    microseconds: bool
    atomic: bool
    visible_after_s: float
    retention_scope: Literal["datastream", "store", "none"]


@dataclass(frozen=True)
class Delivery:
    """A committed MQTT message, remembered so that its redelivery is recognised.

    ``session`` names the broker session, ``packet_id`` is the MQTT packet id, ``digest`` 8 bytes of a hash over topic
    and payload, as a signed 64-bit integer.
    """

    session: str
    packet_id: int
    digest: int


@dataclass(frozen=True)
class Receipt:
    """What a write did. ``outcomes`` has one code a row of the batch, in its order; None where an engine can't know."""

    inserted: int | None
    replaced: int | None
    unchanged: int | None
    kept: int | None
    outcomes: pa.UInt8Array | None = None


@dataclass(frozen=True)
class Series:
    """A Datastream as an aggregate sees it. ``period`` in microseconds."""

    datastream: int
    kind: Kind = "gauge"
    label: Label = "instant"
    period: int | None = None


@dataclass(frozen=True)
class Read:
    """Raw rows of some Datastreams, ordered by (datastream, t).

    ``start <= t < end`` in microseconds; for label ``end`` that is ``start < t <= end``. ``descending`` turns the whole
    order round. ``after`` is the last (datastream, t) already seen, for the next page in either order. ``needed`` are
    those of the columns that may be null which are looked at; a stream may leave the others null.
    """

    series: Sequence[Series]
    start: int | None = None
    end: int | None = None
    quality: frozenset[Quality] = frozenset(Quality)
    limit: int | None = None
    after: tuple[int, int] | None = None
    descending: bool = False
    needed: frozenset[str] = NULLABLE


@dataclass(frozen=True)
class Windows:
    """Aggregates of one kind of Datastream over half-open windows.

    ``edges`` are the n+1 ascending edges of n whole windows, in microseconds; ``start`` and ``end`` are the range that
    was asked (the outer edges where None). Only readings in both are counted. For label ``end`` range and windows take
    ``(from, to]``. The answer has a row for each (Datastream, window) with readings, or for every one when ``fill``;
    ordered by (datastream, start); columns::

        datastream int64, start int64, end int64 (of the whole window),
        one column an aggregate, in the order asked: float64, but for kind state: first and last string, share string
        (a JSON object of text -> share of the known time, keys sorted),
        count int64 (rows), good int64 (rows of quality good with a value, whatever ``quality`` asks for),
        coverage float64 (good / expected, at most 1; null without a period or outside the asked range)

    A reading is used when its quality is one of ``quality`` and it has a value (a text for kind state). All aggregates
    are of used readings, and null without any; a result that no float64 holds is null.

    - stddev is of the sample: null for fewer than two.
    - increase: the sum of steps from the used reading before (also one before ``start``) to each one in the window,
      a step down counting as a reset to 0; null when no step ends in the window.
    - mean of kind angle: direction of the mean vector in [0, 360); null when the vectors cancel.
    - share: a state holds from its t until the next reading; an unused reading ends it without a new one. The state
      that stands when the window begins is carried in; nothing is known after ``end``. So with ``fill`` a window
      without readings still has a share while a state is carried through it.
    """

    series: Sequence[Series]
    edges: Sequence[int]
    aggregates: Sequence[Aggregate]
    quality: frozenset[Quality] = field(default=GOOD_ONLY)
    fill: bool = False
    start: int | None = None
    end: int | None = None

    @property
    def asked(self) -> tuple[int, int]:
        """The range that was asked, in microseconds."""
        return (
            self.edges[0] if self.start is None else self.start,
            self.edges[-1] if self.end is None else self.end,
        )


@dataclass(frozen=True)
class Extent:
    """First and last t and the number of rows of a Datastream."""

    first: int
    last: int
    rows: int


@dataclass(frozen=True)
class Health:
    """``ok`` is the answer of a real query; ``detail`` is safe to show."""

    ok: bool
    detail: dict[str, object] = field(default_factory=dict)


class Store(Protocol):
    """A time-series engine. Methods may be called from any thread.

    Writes of every kind go through one writer. ``Unavailable`` is raised when it is stopped or its queue stays full,
    and by every method once the store is closed. Callbacks of a future run in the writer: they must not wait for it.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        """Queue a batch of ``READINGS``; the future is done when it is committed.

        Rows count as written in their order, so the later of two with one (datastream, t) wins. ``replace`` puts a
        row in place of the one that stands; ``keep`` leaves what stands; in both, if the two carry a result_time,
        the later one wins (equal times count as fresh under ``replace``, as standing under ``keep``). A row equal in
        value, text and quality is ``unchanged`` under both; the row that stands takes its result_time if that is later.
        Deliveries become known in the same commit.

        Raises ``Invalid`` for a batch that is no table of ``READINGS`` or holds NaN, infinity, a null where none may
        be, an unknown quality or a time outside the years 1 to 9999; nothing of it is written then.
        """

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        """``submit`` and wait."""

    def delivered(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        """Which of these messages were committed, within the remembered ones of their session.

        A bounded number is remembered of each session, the latest; a packet id used again replaces its entry.
        """

    def forget_deliveries(self, session: str) -> None:
        """The broker has begun this session anew; its packet ids start over."""

    def read(self, query: Read) -> pa.Table:
        """Rows of ``READINGS``."""

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The same in batches of about ``rows``, from one consistent view, in flat memory."""

    def aggregate(self, query: Windows) -> pa.Table:
        """See ``Windows``."""

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        """The row with the greatest t of each Datastream that has one, ordered by datastream."""

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        """Of each Datastream that has rows."""

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        """Remove rows with ``start <= t < end``; how many there were."""

    def requalify(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        only: frozenset[Quality] = frozenset(Quality),
    ) -> int:
        """Give rows with ``start <= t < end`` and a quality in ``only`` another quality; how many changed.

        A row without value and text is left as it is when ``quality`` is good or estimated. Raises ``Invalid`` for
        missing, which a row with a value can't be.
        """

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        """Put ``rows`` (of ``READINGS``, of this Datastream, ``start <= t < end``, each t once) in place of all that
        stands there, in one commit; how many rows went.

        Raises ``Conflict`` (``changed_meanwhile``) unless ``version([datastream])`` is still ``version``.
        """

    def version(self, datastreams: Sequence[int]) -> int:
        """Grows with every commit that changed a row of one of these; never returns to an earlier value.

        It is one number for the list as given, and comparable only with that of the same list. A commit that only
        moved a result_time forward does not count.
        """

    def health(self) -> Health: ...

    def close(self) -> None:
        """Finish what is queued and let go of files."""
