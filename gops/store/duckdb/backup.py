"""A copy of the store as of one moment, while it is written and read."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gops import logs
from gops.errors import Conflict, Unavailable
from gops.store.duckdb import manifest
from gops.store.duckdb.commits import Commits
from gops.store.duckdb.database import Cursor, Database
from gops.store.duckdb.folder import make_private
from gops.store.duckdb.heads import Outline
from gops.store.duckdb.inspecting import sizes
from gops.store.duckdb.schema import COPYING, DATABASE, SEALED
from gops.store.duckdb.shelf import sync
from gops.store.duckdb.sources import quoted
from gops.store.duckdb.views import begin_view
from gops.store.holding import PRIVATE_FOLDER
from gops.store.upkeep import Progress, Stats

log = logs.get(__name__)


@dataclass(frozen=True)
class Backup:
    """``target`` is made when it is absent."""

    database: Database
    commits: Commits
    target: Path
    progress: Progress

    def check_target(self) -> None:
        """Raises ``Conflict`` (``not_empty``)."""
        if self.target.exists() and any(self.target.iterdir()):
            raise Conflict(
                f"{self.target} is not empty",
                code="not_empty",
                found=str(self.target),
                expected="an empty folder, or none",
            )

    def make(self, act: Callable[[Callable[[Commits], tuple[Outline, Stats]]], tuple[Outline, Stats]]) -> Stats:
        """The writer begins the view between two commits (``act``). Raises ``Unavailable``."""
        cursor = self.database.take()
        outline = None
        try:
            outline, stats = act(lambda commits: self._begin(cursor))
            self._copy(cursor, outline, stats)
            return stats
        except OSError as error:
            log.warning("store_not_copied", error=str(error))
            raise Unavailable("the store could not be copied; the server's log says why", code="store_write") from error
        finally:
            if outline is not None:
                outline.let_go()
            self.database.discard(cursor)

    def _begin(self, cursor: Cursor) -> tuple[Outline, Stats]:
        with self.database.working(cursor):
            outline = begin_view(cursor.connection, self.commits.heads, [])
            return outline, sizes(cursor.connection, self.commits, self.database)

    def _copy(self, cursor: Cursor, outline: Outline, stats: Stats) -> None:
        total, done = stats.hot_bytes + stats.sealed_bytes, stats.hot_bytes
        sealed = self.target / SEALED
        sealed.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        self.target.chmod(PRIVATE_FOLDER)
        with self.database.working(cursor):
            named = manifest.summary(cursor.connection)
        self._copy_database(cursor)
        self.progress(done, total)
        for name in (named or ())[:1]:
            _link(self.database.folder / SEALED / name, sealed / name)
        for one in outline.tiers.layout.files:
            _link(self.database.folder / SEALED / one.name, sealed / one.name)
            done += one.bytes
            self.progress(done, total)
        for folder in (sealed, self.target):
            sync(folder)

    def _copy_database(self, cursor: Cursor) -> None:
        """DuckDB may write nowhere but in the store's folder: there first, and then to where it belongs."""
        made = self.database.folder / f"{COPYING}{secrets.token_hex(4)}.duckdb"
        source, name = Path(DATABASE).stem, made.stem.replace(".", "_")
        try:
            with self.database.working(cursor):
                cursor.connection.execute(f"ATTACH {quoted(made)} AS {name}")
                try:
                    cursor.connection.execute(f"COPY FROM DATABASE {source} TO {name}")
                    cursor.connection.execute("COMMIT")
                finally:
                    cursor.connection.execute(f"DETACH {name}")
            make_private(made)
            sync(made)
            shutil.move(made, self.target / DATABASE)
            sync(self.target / DATABASE)
        finally:
            for path in self.database.folder.glob(f"{made.name}*"):
                path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
        make_private(target)
        sync(target)
