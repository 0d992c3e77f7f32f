"""GOPS on Mosquitto and VictoriaMetrics: kills of either lose and double nothing, ingestion waits and goes on."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from gops.clock import SystemClock
from gops.store.port import Read, Series
from gops.store.victoria import Place, VictoriaStore
from tests.live.mosquitto import start_mosquitto
from tests.live.running import RunningGops, wait_until
from tests.live.test_crash import Publisher
from tests.victoria import RunningVictoria, victoria

pytestmark = [pytest.mark.live, pytest.mark.slow]


def values(server: RunningVictoria, datastream: int) -> list[float]:
    store = VictoriaStore(Place(server.url), SystemClock(), flush="snapshot")
    found: list[float] = store.read(Read([Series(datastream)]))["value"].to_pylist()
    store.close()
    return found


def test_kills_of_gops_and_of_the_server_lose_and_double_nothing(tmp_path: Path) -> None:
    with victoria() as server, start_mosquitto(tmp_path / "mosquitto") as broker:
        gops = RunningGops(
            tmp_path, broker.url, GOPS_STORE="victoria", GOPS_STORE_URL=server.url, GOPS_STORE_FLUSH="snapshot"
        )
        (tmp_path / "data").mkdir()
        gops.command("init")
        gops.command(
            "org", "add", "testcity", "--kind", "municipality", "--name-ko", "시험시", "--name-en", "Test City"
        )
        made = json.loads(gops.command("device", "add", "testcity/timed", "--field", "count", "--json"))
        datastream = made["fields"]["count"]
        broker.add_device("testcity/timed", made["secret"])
        publisher = Publisher(broker, "testcity/timed", made["secret"], timed=True)
        try:
            gops.start()
            publisher.start()
            time.sleep(1.5)
            gops.kill(supervisor=False, worker=True)
            gops.wait_ready()
            time.sleep(0.5)
            server.kill()
            wait_until(lambda: not gops.status()["components"]["store"]["ok"], "GOPS notices that the store is away")
            assert gops.http("GET", "/api/v1/health/ready")[0] == 503
            server.start()
            gops.wait_ready()
            time.sleep(0.5)
            publisher.finish()
            wait_until(lambda: len(values(server, datastream)) >= publisher.sent, "every message is stored")
            found = Counter(int(value) for value in values(server, datastream))
            assert set(found) == set(range(publisher.sent))
            assert max(found.values()) == 1
            assert publisher.receipted <= set(found)
            assert publisher.receipted
            gops.command("datastream", "publish", "testcity", str(datastream))
            code, page = gops.http("GET", f"/api/v1/datastreams/{datastream}/observations?limit=10&order=desc")
            assert code == 200, page
            server.kill()  # and what was acknowledged is on disk
            server.start()
            assert len(values(server, datastream)) == publisher.sent
        finally:
            publisher.close()
            gops.stop()


def test_a_server_that_keeps_less_than_gops_accepts_stops_the_start(tmp_path: Path) -> None:
    with victoria("-retentionPeriod=30d") as server:
        gops = RunningGops(tmp_path, GOPS_STORE="victoria", GOPS_STORE_URL=server.url)
        (tmp_path / "data").mkdir()
        gops.command("init")
        with pytest.raises(AssertionError, match="keeps readings for 30 days"):
            gops.command("store", "export", str(tmp_path / "export"))
