"""GOPS as one of the engines that are compared: its own write path, sealed as it would be, asked over its HTTP API."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from sqlalchemy import update

from bench import _servers
from bench._fleet import SERIES, Answer, Question
from bench._mqtt import fill
from bench.footprint import resident_mb
from gops import __version__, compose
from gops.clock import from_micros, to_micros
from gops.records.database import Database
from gops.sensors.model import Datastream
from gops.settings import load
from tests.live.running import RunningGops


class Gops:
    """While rows are sent the store is open here, as it is in the writer's process; for questions ``gops run`` has it.

    Every answer is one request: of a public Datastream, without a key, as JSON.
    """

    name = f"GOPS {__version__}"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "gops"
        self.data = self.folder / "data"
        self.data.mkdir(parents=True)
        register(self.data)
        self._settings = load({"GOPS_DATA": str(self.data)})
        self._store: Any = compose.open_store(self._settings)
        self.sealing_seconds = 0.0
        self.running = RunningGops(self.folder, GOPS_LOG_LEVEL="ERROR")
        self.running.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed GOPS is not compiled at every start

    def prepare(self, rows: pa.Table) -> pa.Table:
        return rows

    def send(self, prepared: pa.Table) -> None:
        self._store.write(prepared, "replace")

    def seal(self, until: int | None = None) -> None:
        """What the schedule does by night."""
        begun = time.perf_counter()
        self._store.seal(until)
        self.sealing_seconds += time.perf_counter() - begun

    def settle(self) -> None:
        self.seal()
        begun = time.perf_counter()
        self._store.merge()
        self._store.compact()
        self.sealing_seconds += time.perf_counter() - begun
        self.stats = self._store.stats()
        self._store.close()

    def open(self) -> None:
        """``gops run`` on what was written."""
        self.running.start()
        self._line = _servers.Line(self.running.port)

    def ask(self, question: Question) -> bytes:
        return self.get(address(question))

    def get(self, path: str) -> bytes:
        return self._line.ask("GET", path)

    def read(self, question: Question, found: bytes) -> Answer:
        document = orjson.loads(found)
        assert document["next"] is None, "the answer has a further page"
        if question.kind == "hourly":
            rows = [(one["datastream"], _micros(one["start"]), one["mean"]) for one in document["windows"]]
            return Answer.of([row for row in rows if row[2] is not None])
        named = "latest" if question.kind == "newest" else "observations"
        return Answer.of([(one["datastream"], _micros(one["time"]), one["value"]) for one in document[named]])

    def disk_bytes(self) -> int:
        return _servers.folder_bytes(self.data / "store")

    def memory_mb(self) -> float:
        """Of the worker, which has the store and answers; broker and supervisor come on top."""
        return resident_mb(self.running.worker())

    def close(self) -> None:
        self._store.close()
        self.running.stop()

    def kill(self) -> None:
        """Without warning, all of it."""
        self.running.kill(supervisor=True, worker=True)


def register(data: Path) -> None:
    """1,000 public Datastreams with the ids from 1 on, each of a Thing and a device of its own."""
    streams = fill(data, SERIES).streams
    assert streams == list(range(1, SERIES + 1)), "the Datastreams have other ids than their readings"
    database = Database(load({"GOPS_DATA": str(data)}).records_address)
    with database.write() as session:
        session.execute(update(Datastream).values(public=True))
    database.close()


def address(question: Question) -> str:
    if question.kind == "newest":
        return f"/api/v1/latest?limit={len(question.ids)}"
    when = f"from={_text(question.start)}&to={_text(question.end)}"
    every = "every=1h&aggregate=mean" if question.kind == "hourly" else "limit=10000"
    if len(question.ids) == 1:
        return f"/api/v1/datastreams/{question.ids[0]}/observations?{when}&{every}"
    return f"/api/v1/observations?datastream={','.join(map(str, question.ids))}&{when}&{every}"


def _text(micros: int) -> str:
    return from_micros(micros).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))
