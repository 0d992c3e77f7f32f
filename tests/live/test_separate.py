"""GOPS in several processes on Mosquitto and VictoriaMetrics: seats are taken over, nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gops import admin
from gops.errors import GopsError
from tests.live.mosquitto import start_mosquitto
from tests.live.running import RunningGops, wait_until
from tests.live.test_crash import Publisher
from tests.live.test_victoria import values
from tests.victoria import victoria

pytestmark = [pytest.mark.live, pytest.mark.slow]


@contextmanager
def process(gops: RunningGops, command: str) -> Iterator[subprocess.Popen[bytes]]:
    """``gops ingest`` or the like, ended at the end."""
    with gops.log_file.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "gops", command], env=gops.environ, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise


def asked(gops: RunningGops, name: str) -> Any:
    """What the process says of itself; None while it does not answer."""
    try:
        return admin.call(gops.folder / "data" / f"{name}.sock", "status")
    except (GopsError, ConnectionError):
        return None


def answered(gops: RunningGops) -> Any:
    """What the API says of its readiness; None while it is not there."""
    try:
        code, ready = gops.http("GET", "/api/v1/health/ready")
    except (urllib.error.URLError, ConnectionError):
        return None
    return ready if code == 200 else None


def sits(gops: RunningGops, child: subprocess.Popen[bytes], name: str, seat: str) -> bool:
    found = asked(gops, name)
    return bool(found and found["pid"] == child.pid and found["ok"] and seat in found["seats"])


def test_a_killed_process_loses_its_seat_to_a_spare_one_within_ten_seconds(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(victoria())
        broker = stack.enter_context(start_mosquitto(tmp_path / "mosquitto"))
        gops = RunningGops(
            tmp_path,
            broker.url,
            GOPS_STORE="victoria",
            GOPS_STORE_URL=server.url,
            GOPS_STORE_FLUSH="snapshot",
            GOPS_INGEST_SEATS="2",
        )
        (tmp_path / "data").mkdir()
        gops.command("init")
        gops.command("org", "add", "town", "--kind", "municipality", "--name-ko", "시험시", "--name-en", "Town")
        made = json.loads(gops.command("device", "add", "town/timed", "--field", "count", "--json"))
        datastream = made["fields"]["count"]
        broker.add_device("town/timed", made["secret"])
        first = stack.enter_context(process(gops, "ingest"))
        wait_until(lambda: sits(gops, first, "ingest-1", "1"), "the first process has seat 1")
        second = stack.enter_context(process(gops, "ingest"))
        wait_until(lambda: sits(gops, second, "ingest-2", "2"), "the second one has seat 2")
        spare = stack.enter_context(process(gops, "ingest"))
        wait_until(lambda: "standing_by" in gops.log_file.read_text(), "the third one stands by")
        publisher = Publisher(broker, "town/timed", made["secret"], timed=True)
        stack.callback(publisher.close)
        publisher.start()
        time.sleep(3.0)
        assert asked(gops, "ingest-1")["pid"] == first.pid
        first.kill()
        killed = time.monotonic()
        try:
            wait_until(lambda: sits(gops, spare, "ingest-1", "1"), "the spare one has seat 1", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}; {gops.log_file.read_text()[-3000:]}") from error
        taken = time.monotonic() - killed
        assert taken < 10.0
        time.sleep(1.0)
        publisher.finish()
        wait_until(lambda: len(values(server, datastream)) >= publisher.sent, "every message is stored", 40)
        found = Counter(int(value) for value in values(server, datastream))
        assert set(found) == set(range(publisher.sent))
        assert max(found.values()) == 1
        assert publisher.receipted <= set(found)
        shares = [sum(one["stats"]["messages"] for one in asked(gops, f"ingest-{n}")["seats"].values()) for n in (1, 2)]
        assert min(shares) > 0  # the broker dealt to both
        print(f"\nseat taken over after {taken:.1f} s, {publisher.sent} messages, dealt {shares}")


def test_api_serves_and_of_two_processes_for_feeds_one_works(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(victoria())
        broker = stack.enter_context(start_mosquitto(tmp_path / "mosquitto"))
        gops = RunningGops(
            tmp_path, broker.url, GOPS_STORE="victoria", GOPS_STORE_URL=server.url, GOPS_STORE_FLUSH="snapshot"
        )
        (tmp_path / "data").mkdir()
        gops.command("init")
        stack.enter_context(process(gops, "api"))
        one = stack.enter_context(process(gops, "feeds"))
        wait_until(lambda: (asked(gops, "feeds") or {}).get("pid") == one.pid, "the first process does the jobs")
        other = stack.enter_context(process(gops, "feeds"))
        ready = wait_until(lambda: answered(gops), "the API answers")
        assert set(ready["components"]) == {"records", "store"}
        assert asked(gops, "feeds")["pid"] == one.pid
        one.kill()
        wait_until(lambda: (asked(gops, "feeds") or {}).get("pid") == other.pid, "the other one does the jobs", 30)
