"""What there is and whether it is as it should be: sizes, and a check of every sealed file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from gops.errors import GopsError
from gops.store.duckdb import manifest
from gops.store.duckdb.commits import Commits
from gops.store.duckdb.database import Database, rows
from gops.store.duckdb.folder import make_private
from gops.store.duckdb.schema import DATABASE
from gops.store.duckdb.sources import Sources
from gops.store.duckdb.tiers import File, Layout
from gops.store.upkeep import Finding, Progress, Stats

_ROWS = """
    SELECT count(*), count(*) FILTER (
        datastream BETWEEN {low} AND {high} AND t BETWEEN {first} AND {last} AND t >= {start} AND t < {stop})
    FROM {file}"""


def sizes(connection: duckdb.DuckDBPyConnection, commits: Commits, database: Database) -> Stats:
    """As the view of ``connection`` and the heads of this moment have it; the writer calls it between two commits."""
    layout = commits.tiers.layout
    [(hot,)] = rows(connection, f"SELECT count(*) FROM reading WHERE {manifest.unsealed(layout)}")
    [(late,)] = rows(connection, "SELECT count(*) FROM late WHERE NOT gone")
    datastreams, first, last = commits.heads.totals()
    return Stats(
        datastreams=datastreams,
        hot_rows=hot,
        hot_bytes=make_private(database.folder / DATABASE) + commits.log_bytes(),
        late_rows=late,
        sealed_rows=sum(one.rows for one in layout.files),
        sealed_bytes=sum(one.bytes for one in layout.files),
        files=[one.shown() for one in layout.files],
        set_aside=manifest.broken(connection),
        first=first,
        last=last,
    )


@dataclass(frozen=True)
class Inspection:
    """Of the files of a layout that its caller looks at. ``quiet``: no file is being written meanwhile."""

    database: Database
    commits: Commits
    layout: Layout
    quiet: bool

    def findings(self, deep: bool, progress: Progress) -> list[Finding]:
        """Progress in bytes."""
        found: list[Finding] = []
        total, done = sum(one.bytes for one in self.layout.files), 0
        for one in self.layout.files:
            found += self._of_file(one, deep)
            done += one.bytes
            progress(done, total)
        with self.database.lend() as connection:
            aside = manifest.broken(connection)
            summary = manifest.summary(connection)
        found += [Finding(name, "set_aside", "a file that could not be read", "none") for name in aside]
        if summary and self.commits.shelf.summary(*summary) is None:
            found.append(Finding(summary[0], "wrong_checksum", "another content, or no file", summary[1]))
        if self.quiet:
            known = {*self.layout.names, *(summary or ())[:1]}
            unknown = self.commits.shelf.unknown(known)
            found += [Finding(name, "unknown_file", "a file that nothing refers to", "none") for name in unknown]
        return found

    def _of_file(self, one: File, deep: bool) -> Iterator[Finding]:
        trouble = self.commits.shelf.trouble(one, deep)
        if trouble is not None:
            yield Finding(one.name, *trouble)
        elif deep:
            scan = Sources(self.database.folder, self.commits.tiers).scan([one])
            try:
                with self.database.lend() as connection:
                    [counts] = rows(connection, _ROWS.format(file=scan, **vars(one)))
            except GopsError as error:
                yield Finding(one.name, "unreadable", error.message, f"{one.rows} rows")
                return
            if counts != (one.rows, one.rows):
                found = f"{counts[0]} rows, {counts[1]} of them where they belong"
                yield Finding(one.name, "wrong_rows", found, f"{one.rows} rows")
