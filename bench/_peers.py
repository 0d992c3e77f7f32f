"""The engines that are compared: InfluxDB, VictoriaMetrics and PostgreSQL, each used as its own manual says.

Quality is a label in InfluxDB and VictoriaMetrics, so that means of good readings read nothing else, and a column in
PostgreSQL. ``send`` answers when the engine has taken the rows: InfluxDB and PostgreSQL have them on disk by then,
VictoriaMetrics a few seconds later.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from bench import _servers
from bench._fleet import Answer, Question
from gops.clock import HOUR, from_micros

INFLUX_LINES = 5_000
VICTORIA_LINES = 50_000
SHARD = "30d"
SINCE_2000 = 946_684_800_000_000  # PostgreSQL counts from there


class Engine(Protocol):
    """``prepare`` and ``read`` are work of the bench; ``send`` and ``ask`` are what is measured."""

    name: str

    def prepare(self, rows: pa.Table) -> Any: ...

    def send(self, prepared: Any) -> None: ...

    def settle(self) -> None:
        """Wait until merging and compaction in the background are done."""

    def open(self) -> None:
        """Be ready for questions."""

    def ask(self, question: Question) -> Any: ...

    def read(self, question: Question, found: Any) -> Answer: ...

    def disk_bytes(self) -> int: ...

    def memory_mb(self) -> float: ...

    def close(self) -> None: ...


def _lines(rows: pa.Table, size: int) -> list[bytes]:
    """Line protocol with milliseconds, in bodies of ``size`` lines."""
    text = pa.string()
    milliseconds = pc.cast(pc.divide(rows["t"], 1000), text)
    whole = pc.binary_join_element_wise(
        *("r,ds=", pc.cast(rows["datastream"], text)),
        *(",q=", pc.cast(rows["quality"], text)),
        *(" v=", pc.cast(rows["value"], text), " ", milliseconds, ""),
    )
    lines = whole.to_pylist()
    return ["\n".join(lines[n : n + size]).encode() for n in range(0, len(lines), size)]


class Influx:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "influxdb"
        self._server = _servers.influxd(self._folder)
        self.name = "InfluxDB " + _version("influxd", "version")
        self._query(f'CREATE DATABASE b WITH DURATION INF SHARD DURATION {SHARD} NAME "all"', "POST")

    def _query(self, words: str, method: str = "GET") -> bytes:
        return self._server.ask(method, "/query?" + urlencode({"db": "b", "epoch": "u", "q": words}))

    def prepare(self, rows: pa.Table) -> list[bytes]:
        return _lines(rows, INFLUX_LINES)

    def send(self, prepared: list[bytes]) -> None:
        for body in prepared:
            self._server.ask("POST", "/write?db=b&precision=ms", body)

    def settle(self) -> None:
        time.sleep(2 * _servers.COLD_SECONDS)  # then it begins
        _servers.wait_until_quiet(self._server.process.pid)

    def open(self) -> None:
        """It is."""

    def ask(self, question: Question) -> bytes:
        some = "|".join(map(str, question.ids))
        when = f"time >= {question.start}u AND time < {question.end}u"
        which = f"ds = '{some}'" if len(question.ids) == 1 else f"ds =~ /^({some})$/"
        if question.kind == "raw":
            return self._query(f"SELECT v, q FROM r WHERE {which} AND {when}")
        if question.kind == "hourly":
            return self._query(f"SELECT mean(v) FROM r WHERE {which} AND q = '0' AND {when} GROUP BY ds, time(1h)")
        return self._query("SELECT last(v) FROM r GROUP BY ds")

    def read(self, question: Question, found: bytes) -> Answer:
        (result,) = json.loads(found)["results"]
        return Answer.of(
            [
                (int(series.get("tags", {}).get("ds", question.ids[0])), row[0], row[1])
                for series in result["series"]
                for row in series["values"]
                if row[1] is not None
            ]
        )

    def disk_bytes(self) -> int:
        return _servers.folder_bytes(self._folder)

    def memory_mb(self) -> float:
        return _servers.memory_mb(self._server.process.pid)

    def close(self) -> None:
        self._server.close()


class Victoria:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "victoria"
        self._server = _servers.victoria(self._folder)
        self.name = "VictoriaMetrics " + _package_version("victoria-metrics")

    def prepare(self, rows: pa.Table) -> list[bytes]:
        return _lines(rows, VICTORIA_LINES)

    def send(self, prepared: list[bytes]) -> None:
        for body in prepared:
            self._server.ask("POST", "/api/v2/write?precision=ms", body)

    def settle(self) -> None:
        self._server.ask("GET", "/internal/force_flush")
        self._server.ask("GET", "/internal/force_merge")
        _servers.wait_until_quiet(self._server.process.pid)

    def open(self) -> None:
        """It is."""

    def ask(self, question: Question) -> bytes:
        """A range (d] of a query ends at its own moment, so the hours are asked for a millisecond before their end."""
        some = "|".join(map(str, question.ids))
        which = f'ds="{some}"' if len(question.ids) == 1 else f'ds=~"{some}"'
        start, end = question.start // 1000, question.end // 1000
        if question.kind == "raw":
            words = {"match[]": "r_v{" + which + "}", "start": _seconds(start), "end": _seconds(end - 1)}
            return self._post("/api/v1/export", words)
        if question.kind == "hourly":
            hour = HOUR // 1000
            words = {
                "query": 'avg_over_time(r_v{q="0",' + which + "}[1h])",
                "start": _seconds(start + hour - 1),
                "end": _seconds(end - 1),
                "step": "1h",
                "nocache": "1",
            }
            return self._post("/api/v1/query_range", words)
        words = {"query": "last_over_time(r_v[5m])", "time": _seconds(end - 1), "nocache": "1"}
        return self._post("/api/v1/query", words)

    def _post(self, path: str, words: dict[str, str]) -> bytes:
        return self._server.ask("POST", path, urlencode(words).encode(), "application/x-www-form-urlencoded")

    def read(self, question: Question, found: bytes) -> Answer:
        rows: list[tuple[int, int, float]] = []
        if question.kind == "raw":
            for series in map(json.loads, found.splitlines()):
                ds = int(series["metric"]["ds"])
                rows += [(ds, t * 1000, v) for t, v in zip(series["timestamps"], series["values"], strict=True)]
            return Answer.of(rows)
        for series in json.loads(found)["data"]["result"]:
            ds = int(series["metric"]["ds"])
            if question.kind == "hourly":
                rows += [(ds, round(t * 1000 + 1) * 1000 - HOUR, float(v)) for t, v in series["values"]]
            else:
                rows.append((ds, question.start, float(series["value"][1])))
        return Answer.of(rows)

    def disk_bytes(self) -> int:
        return _servers.folder_bytes(self._folder)

    def memory_mb(self) -> float:
        return _servers.memory_mb(self._server.process.pid)

    def close(self) -> None:
        self._server.close()


class Postgres:
    COPY: ClassVar = np.dtype(
        [
            *(("columns", ">i2"), ("size1", ">i4"), ("datastream", ">i4"), ("size2", ">i4"), ("quality", ">i2")),
            *(("size3", ">i4"), ("t", ">i8"), ("size4", ">i4"), ("v", ">f8")),
        ]
    )
    HEAD: ClassVar = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    TABLE: ClassVar = (
        "CREATE TABLE reading (datastream int, quality smallint, t timestamptz, v float8)",
        "CREATE INDEX ON reading USING brin (t)",
        "CREATE INDEX ON reading (datastream, t)",
    )
    QUESTIONS: ClassVar = {
        "raw": "SELECT datastream, t, v, quality FROM reading WHERE datastream = ANY(%s) AND t >= %s AND t < %s "
        "ORDER BY datastream, t",
        "hourly": "SELECT datastream, date_bin('1 hour', t, 'epoch') AS hour, avg(v) FROM reading "
        "WHERE datastream = ANY(%s) AND t >= %s AND t < %s AND quality = 0 GROUP BY 1, 2 ORDER BY 1, 2",
        "newest": "SELECT r.* FROM unnest(%s::int[]) one, LATERAL (SELECT datastream, t, v, quality FROM reading "
        "WHERE datastream = one ORDER BY t DESC LIMIT 1) r",
    }

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._server = _servers.Postgres(self._folder)
        address = f"host={self._folder} user={_servers.SUPERUSER} dbname=postgres"
        self._connection = psycopg.connect(address, autocommit=True, prepare_threshold=1)
        for words in self.TABLE:
            self._connection.execute(words)
        self.name = f"PostgreSQL {self._connection.info.server_version // 10_000}"

    def prepare(self, rows: pa.Table) -> bytes:
        """The body of a binary COPY."""
        found = np.empty(rows.num_rows, self.COPY)
        found["columns"] = 4
        for n, (name, size) in enumerate((("datastream", 4), ("quality", 2), ("t", 8), ("v", 8)), 1):
            found[f"size{n}"] = size
            column = rows["value" if name == "v" else name].to_numpy()
            found[name] = column - SINCE_2000 if name == "t" else column
        return self.HEAD + found.tobytes() + b"\xff\xff"

    def send(self, prepared: bytes) -> None:
        with self._connection.cursor().copy("COPY reading FROM STDIN (FORMAT binary)") as copy:
            copy.write(prepared)

    def settle(self) -> None:
        self._connection.execute("VACUUM ANALYZE reading")
        self._connection.execute("CHECKPOINT")

    def open(self) -> None:
        """It is."""

    def ask(self, question: Question) -> list[Any]:
        words = self.QUESTIONS[question.kind]
        parameters: list[Any] = [list(question.ids)]
        if question.kind != "newest":
            parameters += [from_micros(question.start), from_micros(question.end)]
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(words, parameters).fetchall()

    def read(self, question: Question, found: list[Any]) -> Answer:
        return Answer.of([(row[0], round(row[1].timestamp() * 1e6), row[2]) for row in found])

    def disk_bytes(self) -> int:
        """Of the table and its indexes; a journal of some hundred MB comes on top whatever the size."""
        row = self._connection.execute("SELECT pg_total_relation_size('reading')").fetchone()
        assert row is not None
        return int(row[0])

    def memory_mb(self) -> float:
        return _servers.memory_mb(self._server.postmaster)

    def close(self) -> None:
        self._connection.close()
        self._server.close()


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _version(*command: str) -> str:
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return words[1].removeprefix("v").partition("~")[0]


def _package_version(name: str) -> str:
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False)
    return done.stdout.partition("+")[0].partition("-")[0]
