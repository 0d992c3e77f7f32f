"""A file into a whole GOPS over HTTP, whose processes are killed while it comes in: every row is there once."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gops.ingest.push.importing import Import, Importer, Journal, Progress
from tests.live.running import RunningGops

ROWS = 20_000
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningGops]:
    gops = RunningGops(tmp_path)
    try:
        yield gops.start()
    finally:
        gops.stop()


def declared(gops: RunningGops) -> tuple[str, str]:
    """A device with a Datastream for its field ``t``; its address and the key of a publisher."""
    gops.command("org", "add", "suwon", "--name-ko", "수원시", "--name-en", "Suwon")
    gops.command("person", "add", "suwon", "a@example.kr", "--name", "A", "--role", "publisher")
    issued = gops.command("key", "issue", "suwon", "a@example.kr", "--scope", "data:write", "--scope", "data:read")
    gops.command("device", "add", "suwon/roof", "--field", "t:temperature")
    found = re.search(r"gops_\S+", issued)
    assert found is not None, issued
    return "suwon/roof", found.group(0)


def test_a_server_that_is_killed_between_parts_loses_and_doubles_nothing(running: RunningGops, tmp_path: Path) -> None:
    """kill -9 after a part was answered; the import waits and goes on by itself."""
    device, key = declared(running)
    file = tmp_path / "rows.csv"
    rows = (f"t,2026-02-27T10:00:00.{n:06}+09:00,{n % 50},\n" for n in range(ROWS))
    file.write_text("field,time,value,quality\n" + "".join(rows) + "t,never,1,\n")
    kills: list[int] = []

    def on_progress(step: Progress) -> None:
        if step.parts == 2:
            running.kill(supervisor=True, worker=True)
            kills.append(step.parts)

    def sleep(_seconds: float) -> None:
        if not running.is_ready():
            running.start()

    told = io.StringIO()
    url = f"http://127.0.0.1:{running.port}/api/v1"
    wanted = Import(file, "csv", url, key, {"mode": "keep", "device": device}, part_bytes=200_000)
    done = Importer(wanted, Journal(tmp_path / "state", wanted.identity), told, on_progress, sleep).run()
    assert kills == [2]
    assert (done.counts["inserted"], done.counts["refused"]) == (ROWS, 1)
    assert f'"line {ROWS + 2}"' in told.getvalue()
    window: Any = running.http(
        "GET", "/api/v1/datastreams/1/observations?every=1d&from=2026-02-27&to=2026-02-28", key=key
    )[1]["windows"]
    assert [one["count"] for one in window] == [ROWS]
