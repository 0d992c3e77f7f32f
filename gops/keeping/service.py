"""``Keeping``: every piece of upkeep as a method, the table of admin commands, and the schedule."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from gops import __version__, logs
from gops.admin import Command
from gops.clock import HOUR, Clock, from_micros, to_micros
from gops.errors import GopsError, Unsupported
from gops.keeping import known
from gops.keeping.backup import House, back_up
from gops.keeping.export import Asked, Form, export
from gops.keeping.progress import Tell, paced, quiet
from gops.keeping.turns import Turns
from gops.keeping.writing import disk_trouble, write_json
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Store
from gops.store.upkeep import SealedFile, Upkeep

EXPORT_FORMAT = 1
MANIFEST = "manifest.json"
NOT_WAITING = 0.0  # the schedule comes again in an hour
log = logs.get(__name__)


class Keeping:
    """Works on the ``store`` itself (not on what watches it) and on the records."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, database: Database) -> None:
        self.settings = settings
        self.clock = clock
        self.store = store
        self.database = database
        self.turns = Turns()
        self._merged_at: int | None = None
        self._state: dict[str, Any] = {"last_run": None, "problem": None}

    def commands(self) -> Mapping[str, Command]:
        """By the name that ``gops`` asks for; arguments and answers are what JSON holds."""
        return {
            "store.stats": lambda _given, _tell: self.stats(),
            "store.check": lambda given, tell: self.check(bool(given.get("deep")), tell),
            "store.seal": lambda given, tell: self.seal(given.get("until"), tell),
            "store.merge": lambda _given, tell: self.merge(tell),
            "store.compact": lambda _given, tell: self.compact(tell),
            "store.export": lambda given, tell: self.export(tell=tell, **given),
            "backup": lambda given, tell: self.backup(given["folder"], given.get("keep"), tell),
        }

    def engine(self, command: str) -> Upkeep:
        """The store as one that keeps files of its own. Raises ``Unsupported`` naming engine and command."""
        if isinstance(self.store, Upkeep):
            return self.store
        raise Unsupported(
            f"`{command}` does not apply: the engine {self.settings.store} keeps no files that GOPS looks after",
            field=command,
            found=self.settings.store,
            expected="GOPS_STORE=duckdb",
        )

    def stats(self) -> dict[str, Any]:
        """Engine, health, and the fields of ``Stats`` where the engine keeps files."""
        health = self.store.health()
        sizes = asdict(self.store.stats()) if isinstance(self.store, Upkeep) else {}
        return {"engine": self.settings.store, "ok": health.ok, "health": health.detail, **sizes}

    def check(self, deep: bool = False, tell: Tell = quiet) -> list[dict[str, Any]]:
        """The fields of each ``Finding``."""
        engine = self.engine("check")
        with self.turns.take("check", tell):
            return [asdict(found) for found in engine.check(deep, paced(tell, "check", "bytes"))]

    def seal(self, until: int | None = None, tell: Tell = quiet) -> list[dict[str, Any]]:
        """Seal days that ended before ``until`` (microseconds; as the setting says where None); the new files."""
        engine, end = self.engine("seal"), self._seal_end() if until is None else until
        with self.turns.take("seal", tell):
            return _said("store_sealed", lambda: engine.seal(end, paced(tell, "seal", "rows")))

    def merge(self, tell: Tell = quiet) -> list[dict[str, Any]]:
        engine = self.engine("merge")
        with self.turns.take("merge", tell):
            return _said("store_merged", lambda: engine.merge(paced(tell, "merge", "files")))

    def compact(self, tell: Tell = quiet) -> list[dict[str, Any]]:
        engine = self.engine("compact")
        with self.turns.take("compact", tell):
            return _said("store_compacted", lambda: engine.compact(paced(tell, "compact", "files")))

    def export(
        self,
        folder: str,
        form: Form = "parquet",
        datastreams: Sequence[int] | None = None,
        start: int | None = None,
        end: int | None = None,
        tell: Tell = quiet,
    ) -> dict[str, Any]:
        """Write readings to files in an empty or absent folder; the manifest. Any engine can. See ``export``."""
        about, zone, target = known.datastreams(self.database, datastreams), self.settings.zone, Path(folder)
        with disk_trouble("the export"):
            made = export(self.store, target, about, Asked(form, start, end), zone, paced(tell, "export", "rows"))
            made |= {"format": EXPORT_FORMAT, "gops": __version__, "made_at": self.clock.now().isoformat()}
            write_json(target / MANIFEST, made | {"zone": zone.key, "form": form})
        return made

    def backup(self, folder: str, keep: int | None = None, tell: Tell = quiet) -> dict[str, Any]:
        """See ``backup.back_up``."""
        house = House(self.settings, self.clock, self.store, self.database)
        with self.turns.take("backup", tell), disk_trouble("the backup"):
            return back_up(house, Path(folder), keep, tell)

    # by schedule

    def run(self, stopping: Event) -> None:
        """What is due, for a job of every hour: seal; once a day, from ``store_merge_at`` on, merge and compact.

        Does nothing where the engine keeps no files, or while other upkeep is under way.
        """
        if not isinstance(self.store, Upkeep):
            return
        try:
            self._run(self.store, stopping)
        except GopsError as error:
            self._state["problem"] = error.message
            raise
        self._state = {"last_run": self.clock.now().isoformat(), "problem": None}

    def state(self) -> dict[str, Any]:
        """When the schedule last did all that was due, and what kept it from it since; null where there is none."""
        return dict(self._state)

    def _run(self, engine: Upkeep, stopping: Event) -> None:
        due = self._merge_due()
        steps: list[tuple[str, Callable[[], Sequence[SealedFile]]]] = [
            ("store_sealed", lambda: engine.seal(self._seal_end())),
            *([("store_merged", engine.merge), ("store_compacted", engine.compact)] if due else []),
        ]
        with self.turns.take("upkeep by schedule", wait_seconds=NOT_WAITING):
            for event, step in steps:
                if stopping.is_set():
                    return
                _said(event, step)
        self._merged_at = self.clock.micros() if due else self._merged_at

    def _seal_end(self) -> int:
        return self.clock.micros() - self.settings.store_seal_after_hours * HOUR

    def _merge_due(self) -> bool:
        """Has the last ``store_merge_at`` passed since the last merge? A new process can't know, and merges."""
        return self._merged_at is None or self._merged_at < self._last_merge_time()

    def _last_merge_time(self) -> int:
        hour, minute = map(int, self.settings.store_merge_at.split(":"))
        now: datetime = from_micros(self.clock.micros()).astimezone(self.settings.zone)
        at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return to_micros(at if at <= now else at - timedelta(days=1))


def _said(event: str, work: Callable[[], Sequence[SealedFile]]) -> list[dict[str, Any]]:
    """Do it, log the figures where files were made, and answer the files."""
    begun = time.monotonic()
    made = work()
    if made:
        log.info(
            event,
            files=len(made),
            rows=sum(one.rows for one in made),
            bytes=sum(one.bytes for one in made),
            seconds=round(time.monotonic() - begun, 3),
        )
    return [asdict(one) for one in made]
