"""``VictoriaStore``: the port over a VictoriaMetrics that others may write to as well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future

import pyarrow as pa

from gops import logs
from gops.clock import DAY, HOUR, MINUTE, Clock
from gops.errors import GopsError, Unavailable, Unsupported
from gops.quality import Quality
from gops.store.checks import check_batch, check_read, check_windows
from gops.store.port import READINGS, Capabilities, Delivery, Extent, Health, Mode, Read, Receipt, Windows
from gops.store.victoria.deliveries import Deliveries
from gops.store.victoria.flight import Flight
from gops.store.victoria.lines import Reach, check_holdable
from gops.store.victoria.newest import Known
from gops.store.victoria.reads import Reader
from gops.store.victoria.server import Flush, Place, Server
from gops.store.victoria.versions import Versions
from gops.store.victoria.writer import Write, Writer

SHOWN_AFTER_FLUSH_SECONDS = 2.0
PATIENCE_SECONDS = 30.0  # that servers may be away while readings wait to be on disk
UNITS = {
    "": 31 * DAY,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
    "y": 365 * DAY,
}  # of -retentionPeriod; a bare number is months
DEDUP_FLAG, RETENTION_FLAG = "dedup.minScrapeInterval", "retentionPeriod"
log = logs.get(__name__)


class VictoriaStore:
    """A ``Store`` at ``place``, in series whose names begin with ``name`` (letters, digits, ``_``).

    A write is done ``settle_s`` after it was handed in, or as soon as the servers were made to write to disk
    (``flush="snapshot"``), provided that none of them began anew meanwhile. ``writer`` names this process among those
    that write, the same after a restart. ``retention_days`` is what the servers keep, where they don't say so.
    Raises ``Unavailable`` when they can't be reached.
    """

    def __init__(
        self,
        place: Place,
        clock: Clock,
        name: str = "gops",
        writer: str = "gops",
        settle_s: float = 15.0,
        flush: Flush = "wait",
        timeout_s: float = 30.0,
        queue: int = 64,
        deliveries_kept: int = 10_000,
        retention_days: int | None = None,
        patience_s: float = PATIENCE_SECONDS,
    ) -> None:
        self._open = True
        self._clock = clock
        self._queue = queue
        self._settle = f"{settle_s:g} s" if flush == "wait" else "snapshot"
        self._server = Server(place, timeout_s)
        try:
            about = self._server.about()
        except GopsError:
            self._server.close()
            raise
        self._dedup = about.flags.get(DEDUP_FLAG, "")
        self._reach = Reach(_kept(about.flags, retention_days))
        self._server_version = about.version
        self.capabilities = Capabilities(
            durable=True,
            replaces=False,
            deletes_range=False,
            text=False,
            microseconds=False,
            atomic=False,
            visible_after_s=0.0 if flush == "wait" else SHOWN_AFTER_FLUSH_SECONDS,
            retention_scope="store",
        )
        hidden_s = settle_s if flush == "wait" else SHOWN_AFTER_FLUSH_SECONDS
        self._deliveries = Deliveries(self._server, name, clock, deliveries_kept)
        self._versions = Versions(self._server, name, clock, writer, hidden_s)
        self._reader = Reader(self._server, name, clock)
        self._flight = Flight(self._server, settle_s, flush, patience_s)
        known = Known(self._server, name, clock)
        self._writer = Writer(self._server, name, known, self._deliveries, self._versions, self._flight, queue)

    @property
    def keeps(self) -> int | None:
        """How long the servers keep readings, in microseconds; None where they don't say."""
        return self._reach.past

    # writing

    def check(self, batch: pa.Table) -> None:
        """Raises what ``submit`` would for this batch."""
        check_holdable(check_batch(batch), self._reach, self._clock.micros())

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        self._check_open()
        checked = check_batch(batch)
        check_holdable(checked, self._reach, self._clock.micros())
        request = Write(checked, mode == "keep", tuple(deliveries))
        self._writer.submit(request)
        return request.future

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        return self.submit(batch, mode, deliveries).result()

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        raise self._lacks("deletes_range", "does not delete readings within a range")

    def requalify(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        only: frozenset[Quality] = frozenset(Quality),
    ) -> int:
        raise self._lacks("deletes_range", "does not change readings that stand")

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        raise self._lacks("deletes_range", "does not change readings that stand")

    def _lacks(self, capability: str, why: str) -> GopsError:
        self._check_open()
        return Unsupported(
            f"VictoriaMetrics {why}: it is the append-only store", field=capability, expected="another store"
        )

    def delivered(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        """The first time a session is asked for, what was in flight when this process began gets the time to settle."""
        self._check_open()
        for session in {one.session for one in deliveries}:
            if not self._deliveries.is_loaded(session):
                self.write(READINGS.empty_table(), "keep")
                self._deliveries.load(session)
        return self._deliveries.known(deliveries)

    def forget_deliveries(self, session: str) -> None:
        self._check_open()
        request = Write(READINGS.empty_table(), True, (), forget=session)
        self._writer.submit(request)
        request.future.result()

    # reading

    def read(self, query: Read) -> pa.Table:
        check_read(query)
        self._check_open()
        tables = list(self._reader.stream(query)) if query.limit != 0 else []
        return pa.concat_tables(tables).combine_chunks() if tables else READINGS.empty_table()

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Pieces are fetched one after the other: what is added meanwhile may be in the later ones."""
        check_read(query)
        self._check_open()
        if query.limit == 0:
            return
        for table in self._reader.stream(query):
            yield from table.combine_chunks().to_batches(max_chunksize=rows)

    def aggregate(self, query: Windows) -> pa.Table:
        kind = check_windows(query)
        self._check_open()
        return self._reader.aggregate(query, kind)

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        self._check_open()
        return self._reader.latest(datastreams)

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        self._check_open()
        return self._reader.extent(datastreams)

    def version(self, datastreams: Sequence[int]) -> int:
        self._check_open()
        return self._versions.of(datastreams)

    # life

    def health(self) -> Health:
        self._check_open()
        detail: dict[str, object] = {
            "engine": "victoria",
            "server": self._server_version,
            "settles": self._settle,
            "queue": self._writer.waiting,
            "queue_limit": self._queue,
            "rows_in_flight": self._flight.rows,
            "server_restarts": self._flight.restarts,
            "corrections_kept_out": self._writer.corrections_kept,
        }
        if self._dedup != "1ms":
            detail["advice"] = "start VictoriaMetrics with -dedup.minScrapeInterval=1ms"
        try:
            self._server.about()
            self._reader.latest([0])
        except Unavailable as error:
            return Health(False, {**detail, "problem": error.message})
        return Health(self._writer.alive, detail)

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._writer.close()
        self._server.close()

    def _check_open(self) -> None:
        if not self._open:
            raise Unavailable("the store is closed")


def _kept(flags: Mapping[str, str], days: int | None) -> int | None:
    """How long the servers keep samples, in microseconds."""
    if days is not None:
        return days * DAY
    said = re.fullmatch(r"(\d+(?:\.\d+)?)([hdwy]?)", flags.get(RETENTION_FLAG, ""))
    return None if said is None else int(float(said[1]) * UNITS[said[2]]) - MINUTE
