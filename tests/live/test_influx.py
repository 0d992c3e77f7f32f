"""GOPS on Mosquitto and InfluxDB, both real: kills of InfluxDB alone, and of both, lose and double nothing."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gops.cli import cli
from tests.conftest import absent
from tests.influxdb import InfluxServer, NotInstalled
from tests.live.mosquitto import Mosquitto, start_mosquitto
from tests.live.running import RunningGops, wait_until
from tests.live.test_crash import Publisher, stored

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]
AWAY_SECONDS = 1.5


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[InfluxServer]:
    try:
        server = InfluxServer(tmp_path / "influx").start()
    except NotInstalled as error:
        absent(str(error))
    yield server
    server.stop()


def command(gops: RunningGops, *words: str) -> str:
    """A ``gops`` command in this process, which takes a second less than one of its own."""
    environ = {**dict.fromkeys(os.environ, None), **gops.environ}
    done = CliRunner(env=environ).invoke(cli, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def devices_of(gops: RunningGops, broker: Mosquitto) -> dict[str, Publisher]:
    """By the Datastream of each: one that says times, one that does not. Both are published."""
    command(gops, "init")
    command(gops, "org", "add", "testcity", "--kind", "municipality", "--name-ko", "시험시", "--name-en", "Test City")
    publishers = {}
    for name in ("timed", "untimed"):
        made = json.loads(command(gops, "device", "add", f"testcity/{name}", "--field", "count", "--json"))
        command(gops, "datastream", "publish", "testcity", str(made["fields"]["count"]))
        broker.add_device(f"testcity/{name}", made["secret"])
        publisher = Publisher(broker, f"testcity/{name}", made["secret"], timed=name == "timed")
        publishers[str(made["fields"]["count"])] = publisher
    return publishers


def store_is_well(gops: RunningGops) -> bool:
    return bool(gops.status()["components"]["store"]["ok"])


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path, broker: Mosquitto, influx: InfluxServer) -> None:
    """Ingestion waits while InfluxDB is away, says so, and goes on by itself."""
    gops = RunningGops(
        tmp_path, broker.url, GOPS_STORE="influx", GOPS_STORE_URL=influx.url, GOPS_STORE_TIMEOUT_SECONDS="5"
    )
    (tmp_path / "data").mkdir()
    publishers = devices_of(gops, broker)
    gops.start()
    try:
        for publisher in publishers.values():
            publisher.start()
        first = next(iter(publishers))
        wait_until(lambda: stored(gops, int(first)), "readings arrive")
        influx.kill()
        wait_until(lambda: not store_is_well(gops), "GOPS says that its store is away")
        assert gops.http("GET", "/api/v1/health/ready")[0] == 503
        assert gops.http("GET", f"/api/v1/datastreams/{first}/observations?limit=1")[0] == 503
        time.sleep(AWAY_SECONDS)
        influx.start()
        wait_until(lambda: store_is_well(gops), "GOPS says that it is back")
        influx.kill()
        gops.kill(supervisor=True, worker=True)
        influx.start()
        gops.start()
        for publisher in publishers.values():
            publisher.finish()
        for datastream, publisher in publishers.items():
            wait_until(
                lambda d=datastream, p=publisher: len(stored(gops, int(d))) >= len(p.acknowledged),  # type: ignore[misc]
                "every acknowledged message is stored",
            )
        time.sleep(0.5)  # a doubled one may follow
        for datastream, publisher in publishers.items():
            found = Counter(int(value) for value in stored(gops, int(datastream)))
            assert publisher.receipted <= set(found)
            assert found == Counter(range(publisher.sent))
    finally:
        for publisher in publishers.values():
            publisher.close()
        gops.stop()
