"""What alerts cost: commits of 2,000 readings into DuckDB, without rules and with 1,000 of them, and their evaluation.

Run: ``python -m bench.alerts``. Prints the median of a commit as its writer sees it (the alerts' own thread
beside it, commits a tenth of a second apart), the part of it that is queueing, and what that thread does for a commit.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gops.accounts import lookup
from gops.accounts.bootstrap import initialise
from gops.alerts.rules import Wish
from gops.alerts.running import RunningAlerts
from gops.alerts.service import Alerts
from gops.clock import SystemClock
from gops.outbound import Outbound
from gops.permissions import SCOPES, Actor
from gops.records.database import Database
from gops.sensors.datastreams import Datastreams
from gops.sensors.properties import seed
from gops.sensors.things import Things
from gops.settings import load
from gops.store.port import READINGS
from gops.store.watched import WatchedStore
from gops.stores import open_store

STREAMS, RULES, ROUNDS = 2000, 1000, 60


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(load({"GOPS_DATA": folder}), thing_datastreams=STREAMS)
        Path(folder).mkdir(exist_ok=True)
        clock, database = SystemClock(), Database.of(settings)
        initialise(database, clock, settings)
        actor = Actor(
            person_id=1, organisation_id=1, roles=frozenset({"owner"}), scopes=frozenset(SCOPES), owns_operator=True
        )
        accounts: Any = lookup
        with database.write() as session:
            seed(session)
        things = Things(database, clock, settings, accounts)
        streams = Datastreams(database, clock, settings, accounts, lambda _one: False)
        with database.together():
            thing = things.create(actor, "gops", "bench").id
            ids = [
                streams.create(actor, thing, sensor="S", observed_property="temperature", name=f"T{place}").id
                for place in range(STREAMS)
            ]
        engine = open_store(settings)
        running = RunningAlerts(database, clock, settings, engine)
        spent: list[float] = []

        def timed(batch: pa.Table, receipt: Any) -> None:
            begun = time.perf_counter()
            running.after_commit(batch, receipt)
            spent.append(time.perf_counter() - begun)

        store = WatchedStore(engine, timed)
        commits(store, ids, 5)
        without = commits(store, ids, ROUNDS)
        alerts = Alerts(database, clock, settings, Outbound.of(settings))
        with database.together():
            for one in ids[:RULES]:
                alerts.create(actor, "gops", Wish(f"rule {one}", [one], "gt", 1000.0, hold="PT1M"))
        running.start()
        while len(running.evaluator.watched) < RULES:
            time.sleep(0.05)
        spent.clear()
        with_rules = commits(store, ids, ROUNDS)
        running.stop()
        batch = readings(ids, time.time_ns() // 1000)
        begun = time.perf_counter()
        running.evaluator.take(batch, clock.micros())
        evaluation = time.perf_counter() - begun
        print(f"{STREAMS} readings a commit, {RULES} rules; median of {ROUNDS}")
        print(f"commit without rules   {without * 1e3:8.2f} ms")
        print(f"commit with rules      {with_rules * 1e3:8.2f} ms")
        queueing = statistics.median(spent)
        print(f"of it queueing         {queueing * 1e3:8.3f} ms  {queueing / with_rules:6.1%}")
        print(f"evaluation, its thread {evaluation * 1e3:8.2f} ms for a commit")
        engine.close()
        database.close()


def commits(store: WatchedStore, ids: list[int], rounds: int) -> float:
    """The median of a commit, in seconds. Pauses between leave the alerts' thread its turn."""
    took = []
    for _round in range(rounds):
        batch = readings(ids, time.time_ns() // 1000)
        begun = time.perf_counter()
        store.write(batch, "replace")
        took.append(time.perf_counter() - begun)
        time.sleep(0.1)
    return statistics.median(took)


def readings(ids: list[int], t: int) -> pa.Table:
    count = len(ids)
    columns = {
        "datastream": pa.array(ids, pa.int64()),
        "t": pa.array(np.full(count, t, np.int64)),
        "value": pa.array(np.random.default_rng(1).uniform(0, 40, count)),
        "text": pa.nulls(count, pa.string()),
        "quality": pa.array(np.zeros(count, np.uint8)),
        "result_time": pa.nulls(count, pa.int64()),
    }
    return pa.table(columns, schema=READINGS)


if __name__ == "__main__":
    main()
