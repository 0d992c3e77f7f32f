"""The readings of ``pages`` in Datasette and in pygeoapi, and the address of a page of one Datastream in each.

Rows and page size are those of GOPS; what is shown of each reading: Datastream, time, value, quality.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import _datasette, _pygeoapi
from tests.postgresql import NotInstalled

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
Row = tuple[int, str, float, str]


@dataclass(frozen=True)
class Peer:
    """``address`` gives that of the first page of a Datastream, or of the newest one; ``times`` those of an answer."""

    name: str
    port: int
    address: Callable[[int, bool], str]
    times: Callable[[Any], list[str]]


def readings(streams: int, rows_a_series: int) -> Iterator[Row]:
    for minute in range(rows_a_series):
        moment = (SINCE + timedelta(minutes=minute)).isoformat()
        for datastream in range(1, streams + 1):
            yield datastream, moment, float(minute), "good"


def installed(stack: ExitStack, folder: Path, streams: int, rows_a_series: int, page: int) -> list[Peer]:
    """Those that are; why the others are not is printed."""
    found = []
    for begin in (_of_datasette, _of_pygeoapi):
        try:
            found.append(begin(stack, folder, streams, rows_a_series, page))
        except NotInstalled as error:
            print(f"left out: {error}")
    return found


def _of_datasette(stack: ExitStack, folder: Path, streams: int, rows_a_series: int, page: int) -> Peer:
    _datasette.program()
    path = folder / "readings.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE reading (datastream INTEGER, t TEXT, v REAL, quality TEXT)")
    connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?)", readings(streams, rows_a_series))
    connection.execute("CREATE INDEX by_datastream ON reading (datastream, t)")
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()
    server = stack.enter_context(_datasette.served(path))

    def address(datastream: int, is_newest: bool) -> str:
        way = "_sort_desc" if is_newest else "_sort"
        return f"/readings/reading.json?datastream={datastream}&{way}=t&_size={page}&_shape=array&_nocount=1"

    return Peer(f"Datasette {_datasette.version()}", server.port, address, lambda rows: [one["t"] for one in rows])


def _of_pygeoapi(stack: ExitStack, folder: Path, streams: int, rows_a_series: int, page: int) -> Peer:
    server = stack.enter_context(_pygeoapi.served(folder, readings(streams, rows_a_series)))

    def address(datastream: int, is_newest: bool) -> str:
        order = "-t" if is_newest else "t"
        return f"/collections/reading/items?f=json&datastream={datastream}&sortby={order}&limit={page}"

    name = "pygeoapi " + _pygeoapi.version().split()[-1]
    return Peer(name, server.port, address, lambda page: [one["properties"]["t"] for one in page["features"]])
