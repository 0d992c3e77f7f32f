"""Pages from the hot rows in memory (see ``recent``), and how these come to be there."""

from __future__ import annotations

import threading

import pyarrow as pa

from gops import logs
from gops.errors import GopsError
from gops.store.checks import EARLIEST
from gops.store.duckdb.database import Database, rows
from gops.store.duckdb.heads import Heads
from gops.store.duckdb.reads import FEW_ROWS, plan
from gops.store.duckdb.schema import COLUMNS
from gops.store.duckdb.views import View, in_one_view
from gops.store.port import Read
from gops.store.rows import Rows

NARROWER = 0.9  # than would just fit, since readings are not spread evenly
log = logs.get(__name__)


def read(heads: Heads, query: Read) -> pa.Table | None:
    """See ``Store.read``; None for what is DuckDB's."""
    ids = {one.datastream for one in query.series}
    if not heads.recent.loaded or len(ids) != 1 or query.limit is None or not 0 < query.limit <= FEW_ROWS:
        return None
    outline = heads.outline(list(ids))
    try:
        spans = plan(query, outline.extents)
        if len(spans) != 1:
            return None
        (span,) = spans
        start, stop = max(span.low, span.extent.first), min(span.high, span.extent.last + 1)
        ranges = outline.tiers.layout.overlapping(start, stop)
        hot = max(start, ranges[-1].stop) if ranges else start
        if hot > start and not query.descending:
            return None
        page = heads.recent.page
        found = page(span.datastream, hot, stop, query.quality, query.limit, query.descending, is_cut=hot > start)
    finally:
        outline.let_go()
    return found if heads.holds(outline) else None


def load(database: Database, heads: Heads) -> None:
    """Have the newest hot rows in memory, half as many as may be there at most. Raises ``Unavailable``."""

    def work(view: View) -> None:
        tiers = view.sources.tiers
        floor = max((one.stop for one in tiers.layout.ranges), default=EARLIEST)
        most = heads.recent.most // 2
        while (count := _count(view, floor)) > most:
            low, high = max(floor, tiers.hot_first), tiers.hot_last + 1
            floor = high - int((high - low) * most / count * NARROWER)
        sql = f"SELECT {COLUMNS} FROM reading WHERE t >= $1"
        heads.recent.load(Rows.of(view.connection.sql(sql, params=[floor]).to_arrow_table()), floor)

    in_one_view(database, heads, [], work)


def _count(view: View, floor: int) -> int:
    [(count,)] = rows(view.connection, "SELECT count(*) FROM reading WHERE t >= $1", [floor])
    return int(count)


class Recall:
    """Loads once for each life of the database, beside whoever asks first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._of: Heads | None = None
        self._thread: threading.Thread | None = None

    def begin(self, heads: Heads) -> None:
        if heads.recent.loaded or not heads.recent.most or self._of is heads:
            return
        with self._lock:
            if self._of is not heads:
                self._of = heads
                self._thread = threading.Thread(target=self._load, args=(heads,), name="gops-recent", daemon=True)
                self._thread.start()

    def _load(self, heads: Heads) -> None:
        try:
            load(self._database, heads)
        except GopsError as error:  # noted where it was raised; pages come from DuckDB then
            log.warning("recent_rows_not_loaded", reason=error.message)

    def end(self) -> None:
        """Wait for what has begun."""
        if self._thread is not None:
            self._thread.join()
