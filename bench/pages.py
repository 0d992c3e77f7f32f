"""A page of 100 readings over HTTP: the whole platform in one Granian worker, as ``gops run`` serves it, asked by one
client over one connection; idle, and while a device fleet publishes 2,000 messages/s through Mosquitto.

Limit in the same run: a Flask view that answers a prepared body of the same size, served alike, asked in turns. Peers
in the same turns where they are installed: Datasette and pygeoapi with as many rows, pages of the same size. In the end
the share of the store, measured inside the application. Exits with 3 when a bar is missed, with 1 for a wrong answer.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from sqlalchemy import update

from bench._dataset import SLUG, publish
from bench._mqtt import fill, mosquitto
from bench._page_peers import Peer, installed
from bench._store import Figure, rows, show
from bench.http_path import inside
from gops import logs
from gops.clock import MINUTE, SystemClock
from gops.records.database import Database
from gops.sensors.model import Datastream
from gops.settings import load
from gops.store.duckdb import DuckdbStore

DEVICES = 2_100  # the first 2,000 publish; the others stay as they are, for answers that are known
PUBLISHING = 2_000
RATE = 2_000
PAGE = 100
IDLE_BAR_MS, WRITING_BAR_MS, KNOWN_BAR_MS = 3.0, 10.0, 1.0
OF_DATASET = 100  # Datastreams of the dataset that is asked for pages
START_SECONDS = 60.0
BARE_BYTES = 15_000


def bare() -> Any:
    """A Flask view that does nothing but answer."""
    from flask import Flask, Response

    app, body = Flask("bare"), b"x" * BARE_BYTES
    app.add_url_rule("/", "root", lambda: Response(body, mimetype="application/json"))
    return app


def prepare(folder: Path, rows_a_series: int) -> None:
    """Public Datastreams with a reading a minute until now."""
    streams = np.array(fill(folder, DEVICES).streams)
    database = Database(load({"GOPS_DATA": str(folder)}).records_address)
    with database.write() as session:
        session.execute(update(Datastream).values(public=True))
    publish(database, streams[:OF_DATASET].tolist())
    database.close()
    store = DuckdbStore(folder / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=10_000)
    first = SystemClock().micros() // MINUTE * MINUTE - rows_a_series * MINUTE
    for minute in range(rows_a_series):
        store.write(rows(streams, np.full(len(streams), first + minute * MINUTE), minute), "replace")
    store.close()


@contextlib.contextmanager
def served(target: str, folder: Path, broker: int, ready: str) -> Iterator[int]:
    """Granian with one worker, as in ``gops run``; its port."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = int(chosen.getsockname()[1])
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--workers", "1", "--http", "1"]
    command += ["--no-ws", "--blocking-threads", "8", "--log-level", "error", "--port", str(port), target]
    settings = {"GOPS_DATA": str(folder), "GOPS_MQTT_URL": f"mqtt://127.0.0.1:{broker}", "GOPS_LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(command, env={**os.environ, **settings})
    try:
        _wait(port, ready)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, path: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            client.request("GET", path)
            if client.getresponse().status == 200:
                return
        time.sleep(0.2)
    sys.exit(f"nothing answers at port {port}{path}")


class Client:
    """One connection. ``get`` answers the milliseconds it took."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.connect()
        assert self._connection.sock is not None
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str, status: int = 200, **headers: str) -> float:
        begun = time.perf_counter()
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        took = (time.perf_counter() - begun) * 1e3
        assert answer.status == status, (path, answer.status)
        return took

    def json(self, path: str) -> Any:
        self._connection.request("GET", path)
        return orjson.loads(self._connection.getresponse().read())

    def etag(self, path: str) -> str:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        answer.read()
        return str(answer.headers["ETag"])


def in_turns(works: dict[str, tuple[Callable[[], float], int, float | None]], times: int) -> list[Figure]:
    """Every work once, ``times`` times round, after 20 rounds that do not count."""
    for _ in range(20):
        for work, _rows, _bar in works.values():
            work()
    millis: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, (work, _rows, _bar) in works.items():
            millis[name].append(work())
    return [Figure(name, millis[name], count, bar) for name, (_work, count, bar) in works.items()]


def against(peers: Sequence[Peer], port: int) -> dict[str, tuple[Callable[[], float], int, float | None]]:
    """Pages of the peers. Ends the bench when one is no whole page in its order."""
    found: dict[str, tuple[Callable[[], float], int, float | None]] = {}
    for peer in peers:
        for word, is_newest in (("page", False), ("newest page", True)):
            work = _asking(Client(peer.port), peer, is_newest)
            times = peer.times(Client(peer.port).json(peer.address(1, is_newest)))
            _check(f"{peer.name}, {word}", times, is_newest)
            found[f"{peer.name}: {word}"] = work, PAGE, None
    for order in ("asc", "desc"):
        body = Client(port).json(f"/api/v1/datastreams/1/observations?limit={PAGE}&order={order}")
        _check(f"GOPS, {order}", [one["time"] for one in body["observations"]], order == "desc")
    return found


def _asking(client: Client, peer: Peer, is_newest: bool) -> Callable[[], float]:
    chance = random.Random(1)
    return lambda: client.get(peer.address(chance.randint(1, PUBLISHING), is_newest))


def _check(name: str, times: list[str], is_descending: bool) -> None:
    if len(set(times)) != PAGE or times != sorted(times, reverse=is_descending):
        print(f"WRONG: {name}: {len(times)} times, {times[:3]}")
        sys.exit(1)


def shares(folder: Path, times: int) -> None:
    """Where the time of a page goes, measured in the application itself."""
    logs.configure("ERROR")
    chance = random.Random(2)
    paths = [f"/api/v1/datastreams/{chance.randint(1, PUBLISHING)}/observations?limit={PAGE}" for _ in range(times)]
    for name, parts in inside(folder, {"page": paths, "newest page": [f"{one}&order=desc" for one in paths]}).items():
        whole = sum(parts.values())
        told = ", ".join(f"{part} {millis:.2f} ms ({millis / whole:.0%})" for part, millis in parts.items())
        print(f"{name} inside the application, median: {told}")


def works(port: int, bare_port: int, bar: float) -> dict[str, tuple[Callable[[], float], int, float | None]]:
    client, plain, chance = Client(port), Client(bare_port), random.Random(1)
    known = f"/api/v1/datastreams/{DEVICES}/observations"
    etag, dataset = client.etag(known), f"/api/v1/datasets/{SLUG}/data?limit={PAGE}&to=2100-01-01"
    tag = client.etag(dataset)

    def one() -> str:
        return f"/api/v1/datastreams/{chance.randint(1, PUBLISHING)}/observations"

    return {
        "a bare Flask view": (lambda: plain.get("/"), 0, None),
        f"page of {PAGE}": (lambda: client.get(f"{one()}?limit={PAGE}"), PAGE, bar),
        f"newest page of {PAGE}": (lambda: client.get(f"{one()}?limit={PAGE}&order=desc"), PAGE, bar),
        "known (304)": (lambda: client.get(known, 304, **{"If-None-Match": etag}), 0, KNOWN_BAR_MS),
        "page of a dataset": (lambda: client.get(dataset), PAGE, bar),
        "dataset known (304)": (lambda: client.get(dataset, 304, **{"If-None-Match": tag}), 0, None),
        "hourly means": (lambda: client.get(f"{one()}?every=1h"), 0, None),
        f"newest of {PAGE} Datastreams": (lambda: client.get(f"/api/v1/latest?limit={PAGE}"), PAGE, None),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--times", type=int, default=300, help="requests of each kind")
    parser.add_argument("--rows", type=int, default=240, help="readings of each of the 2,100 Datastreams")
    parser.add_argument("--idle", action="store_true", help="leave out the part while readings come in")
    parser.add_argument("--alone", action="store_true", help="leave out the peers")
    parser.add_argument("--full", action="store_true", help="1,000 requests of each kind, 1,440 readings each")
    asked = parser.parse_args()
    times, rows_a_series = (1000, 1440) if asked.full else (asked.times, asked.rows)
    with (
        tempfile.TemporaryDirectory(prefix="gops-bench-") as name,
        mosquitto(Path(name)) as broker,
        ExitStack() as beside,
    ):
        folder = Path(name) / "data"
        peers = [] if asked.alone else installed(beside, Path(name), DEVICES, rows_a_series, PAGE)
        prepare(folder, rows_a_series)
        print(f"{DEVICES:,} Datastreams, {DEVICES * rows_a_series:,} readings")
        health = "/api/v1/health/ready"
        with (
            served("gops.serving:whole", folder, broker, health) as port,
            served("bench.pages:bare", folder, broker, "/") as plain,
        ):
            figures = in_turns(works(port, plain, IDLE_BAR_MS) | against(peers, port), times)
            met = show("idle", figures)
            if not asked.idle:
                met &= _while_written(port, plain, broker, times)
        shares(folder, times)
    sys.exit(0 if met else 3)


def _while_written(port: int, plain: int, broker: int, times: int) -> bool:
    seconds = max(20, times // 20)
    command = [sys.executable, "-m", "bench.latency", "--send", str(RATE), "--seconds", str(seconds)]
    sender = subprocess.Popen([*command, "--port", str(broker)], stdout=subprocess.PIPE)
    time.sleep(2)
    met = show(f"while {RATE:,} messages/s come in", in_turns(works(port, plain, WRITING_BAR_MS), times))
    if sender.poll() is not None:
        print("(the sender ended before the last request)")
    sender.kill()
    sender.wait()
    return met


if __name__ == "__main__":
    main()
