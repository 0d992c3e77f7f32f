"""``InfluxStore``: one database of InfluxDB 1.8, 2.x or 3.x, written to by one process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pyarrow as pa

from gops.clock import Clock
from gops.errors import Unavailable, Unsupported
from gops.quality import Quality
from gops.store.checks import check_batch, check_read, check_requalify, check_swap, check_windows
from gops.store.influx import newest, reads
from gops.store.influx.about import Acquaintance, capabilities
from gops.store.influx.aggregates import aggregate
from gops.store.influx.commits import Commits
from gops.store.influx.deliveries import Deliveries
from gops.store.influx.heads import Heads
from gops.store.influx.lines import check_holdable
from gops.store.influx.questions import select
from gops.store.influx.server import Place, Server
from gops.store.influx.writer import Write, Writer
from gops.store.port import Capabilities, Delivery, Extent, Health, Mode, Read, Receipt, Windows

LOOK_SECONDS = 5.0  # between two tries to find out which version a silent server is
TESTED = 1  # the major version that the tests run against


class InfluxStore:
    """A ``Store`` in the database (2.x: bucket) that ``place`` names. It asks the server when it is first used.

    ``timeout_s`` bounds each silence of the server; ``queue`` write requests may wait; of each broker session the last
    ``deliveries_kept`` messages are remembered. Raises ``Unavailable`` while the server is away.
    """

    def __init__(self, place: Place, clock: Clock, timeout_s: float, queue: int, deliveries_kept: int) -> None:
        self._queue = queue
        self._open = True
        self._looked = -LOOK_SECONDS
        self._server = Server(place, timeout_s)
        self._acquaintance = Acquaintance(self._server)
        self._heads = Heads(clock.micros())
        self._deliveries = Deliveries(self._server, deliveries_kept, clock)
        self._commits = Commits(self._server, self._acquaintance, self._heads, self._deliveries)
        self._writer = Writer(self._commits.write, queue)

    @property
    def capabilities(self) -> Capabilities:
        if self._acquaintance.known is None and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            try:
                self._acquaintance.about()
            except Unavailable:
                return capabilities(None)
        return capabilities(self._acquaintance.known)

    # writing

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        self._check_open()
        checked = check_batch(batch)
        check_holdable(checked)
        request = Write(checked, mode == "keep", tuple(deliveries))
        self._writer.submit(request)
        return request.future

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        return self.submit(batch, mode, deliveries).result()

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        self._check_deletes()
        return int(self._writer.act(lambda: self._commits.delete(datastreams, start, end)))

    def requalify(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        only: frozenset[Quality] = frozenset(Quality),
    ) -> int:
        self._check_deletes()
        check_requalify(quality)
        return int(self._writer.act(lambda: self._commits.requalify(datastreams, start, end, quality, only)))

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        self._check_deletes()
        new = check_swap(datastream, start, end, rows)
        check_holdable(new)
        return int(self._writer.act(lambda: self._commits.swap(datastream, start, end, new, version)))

    def delivered(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        self._meet()
        return self._deliveries.known(deliveries)

    def forget_deliveries(self, session: str) -> None:
        self._check_open()
        self._writer.act(lambda: self._commits.forget(session))

    # reading

    def read(self, query: Read) -> pa.Table:
        check_read(query)
        self._meet()
        return reads.read(self._server, query)

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        check_read(query)
        self._meet()
        return reads.stream(self._server, query, rows)

    def aggregate(self, query: Windows) -> pa.Table:
        kind = check_windows(query)
        self._meet()
        return aggregate(self._server, query, kind)

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        self._meet()
        return newest.latest(self._server, self._heads, datastreams)

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        self._meet()
        return newest.extent(self._server, self._heads, datastreams)

    def version(self, datastreams: Sequence[int]) -> int:
        self._check_open()
        return self._heads.version(datastreams)

    # life

    def health(self) -> Health:
        self._check_open()
        detail: dict[str, object] = {"engine": "influx", "queue": self._writer.waiting, "queue_limit": self._queue}
        try:
            about = self._acquaintance.about()
            detail |= {"version": about.version, "tested": about.major == TESTED}
            self._server.run(select('"q"', [0], 0, 0) + '"datastream"')
        except Unavailable as error:
            return Health(False, {**detail, "problem": error.message})
        return Health(self._writer.alive, detail)

    def close(self) -> None:
        """Finish what is queued, and let go of the connections."""
        if self._open:
            self._open = False
            self._writer.close()
            self._server.close()

    def _check_open(self) -> None:
        if not self._open:
            raise Unavailable("the store is closed")

    def _meet(self) -> None:
        self._check_open()
        self._acquaintance.about()

    def _check_deletes(self) -> None:
        self._check_open()
        about = self._acquaintance.about()
        if not about.deletes:
            raise Unsupported(
                f"InfluxDB {about.version} deletes no range of readings",
                field="deletes_range",
                found=about.version,
                expected="InfluxDB 1.8 or 2.x, or another store",
            )
