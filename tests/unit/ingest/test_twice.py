"""The hour that clocks show twice in autumn, as docs/ingest.md says it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pytest

from gops.clock import HOUR
from gops.ingest.decoded import Frame
from gops.ingest.decoders import decode
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Mode, Read, Series

BERLIN = Frame(ZoneInfo("Europe/Berlin"))
FIRST = "2026-10-25T02:30:00"


def time_of(text: str) -> int:
    (t,) = decode("json", orjson.dumps({"time": text, "pm10": 1}), BERLIN).times
    assert t is not None
    return t


def test_a_wall_time_that_comes_twice_is_the_first_and_an_offset_tells_them_apart() -> None:
    assert time_of(FIRST) == time_of(f"{FIRST}+02:00") == time_of(f"{FIRST}+01:00") - HOUR


@pytest.mark.parametrize(("mode", "stands"), [("replace", 2.0), ("keep", 1.0)])
def test_the_second_hour_replaces_the_first_unless_it_repeats_the_past(mode: Mode, stands: float) -> None:
    store = MemoryStore()
    for value in (1.0, 2.0):
        row = {"datastream": 1, "t": time_of(FIRST), "value": value, "text": None, "quality": 0, "result_time": None}
        store.write(pa.Table.from_pylist([row], READINGS), mode)
    assert store.read(Read([Series(1)]))["value"].to_pylist() == [stands]


def test_an_hour_that_clocks_skip_is_refused() -> None:
    (refused,) = decode("json", b'{"time": "2026-03-29T02:30:00", "pm10": 1}', BERLIN).refusals
    assert refused.code == "bad_time"
    assert "skipped" in refused.note
