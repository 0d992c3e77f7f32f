"""What holds for the JSON codec whatever the bytes."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gops.ingest.decoders import Decoded, Frame, decode
from gops.ingest.decoders.json import PACK, read_object
from gops.ingest.mapping import Limits, resolve, to_table
from gops.ingest.refused import CODES
from gops.sensors.routes import DeviceRoute, Target

FRAME = Frame(max_readings=20)
NOW = 1_783_228_800_000_000
MARKS = ("ts", "time", "values", "value", "quality", "resultTime", "receipt", "repeat", "a", "b", "미세")
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["good", "2026-07-05T05:20:00Z", "2026-07-05T05:20:00", "\ud800", "24:00"])
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(MARKS) | st.text(), inner, max_size=5),
    max_leaves=30,
)
ROUTE = DeviceRoute(
    1,
    1,
    "suwon",
    "suwon/a",
    {"a": Target(1, "gauge", 2.0, 1.0, 0.0, 10.0), "b": Target(2, "state", 1.0, 0.0, -math.inf, math.inf)},
)


def check(got: Decoded, frame: Frame) -> None:
    """The shape that everybody behind a decoder builds on."""
    columns = (got.fields, got.values, got.times, got.qualities, got.result_times)
    assert {len(column) for column in columns} == {len(got.fields)}
    assert len(got.fields) <= frame.max_readings
    assert len(got.refusals) <= frame.max_readings + 1
    for index, value in enumerate(got.values):
        assert value is None or isinstance(value, bool | str) or (math.isfinite(value) and abs(value) < 1.8e308)
        assert got.place(index).endswith(got.fields[index])
    assert all(one.code in CODES and one.code != "internal" for one in got.refusals)
    assert got.fields or got.refusals
    orjson.dumps([got.fields, got.values, got.receipts, [one.note + one.place for one in got.refusals]])


@given(st.binary(max_size=200))
def test_any_bytes_give_readings_or_refusals(payload: bytes) -> None:
    check(decode("json", payload, FRAME), FRAME)


@given(st.text(alphabet=list('{}[]",:\\0123456789.eE-+ntrufalsINy \n'), max_size=60))
def test_anything_that_looks_like_json_gives_readings_or_refusals(text: str) -> None:
    check(decode("json", text.encode(), FRAME), FRAME)


@given(trees)
def test_any_json_gives_readings_or_refusals(tree: Any) -> None:
    check(decode("json", json.dumps(tree).encode(), FRAME), FRAME)


@given(trees)
def test_any_json_resolves_to_rows_that_the_store_takes(tree: Any) -> None:
    decoded = decode("json", json.dumps(tree).encode(), FRAME)
    got = resolve(decoded, ROUTE, NOW, Limits(past=10**15, ahead=6 * 10**8))
    table = to_table([got, got])
    assert table.num_rows == 2 * len(got.t)
    assert len(got.t) + len(got.refusals) == len(decoded.fields) + len(decoded.refusals)
    for value, text, quality in zip(got.value, got.text, got.quality, strict=True):
        assert value is None or text is None
        assert 0 <= quality <= 5
        assert (quality == 5) <= (value is None and text is None)


simple = st.dictionaries(
    st.text(st.characters(codec="utf-8")).filter(lambda name: name not in {*MARKS, "bad"}),
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=5,
)
milliseconds = st.integers(-62_135_596_800_000, 253_402_300_799_999)


@given(st.lists(st.tuples(milliseconds, simple), min_size=1, max_size=4))
def test_what_is_written_in_the_grammar_is_read_back(rows: list[tuple[int, dict[str, Any]]]) -> None:
    payload = json.dumps([{"ts": ts, "values": values} for ts, values in rows]).encode()
    got = decode("json", payload, Frame())
    assert got.refusals == []
    assert got.fields == [name for _ts, values in rows for name in values]
    assert got.values == [value for _ts, values in rows for value in values.values()]
    assert got.times == [ts * 1000 for ts, values in rows for _name in values]


@given(simple, st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", "[]", '{"value":[]}', '"\\ud800"']))
def test_one_bad_reading_never_costs_its_neighbours(good: dict[str, Any], bad: str) -> None:
    payload = json.dumps({"values": good})[:-2] + f', "bad": {bad}' + "}}"
    got = decode("json", payload.encode(), Frame())
    assert got.fields == list(good)
    assert got.values == list(good.values())
    assert [one.field for one in got.refusals] == ["bad"]


stamps = st.integers(-(10**14), 10**15) | st.sampled_from(
    [0, 1_783_228_800_000, True, 1.5, None, "2026-07-05T05:20:00Z"]
)
simple = st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9) | st.none() | st.booleans() | st.text("ab가")
alike = st.fixed_dictionaries(
    {"ts": st.integers(0, 2 * 10**12), "values": st.dictionaries(st.sampled_from(["a", "b"]), simple, min_size=1)}
)
others = st.fixed_dictionaries({"ts": stamps, "values": st.dictionaries(st.sampled_from(["a", "b"]), trees)})


@given(st.lists(alike, max_size=12) | st.lists(alike | others, min_size=PACK, max_size=6), st.integers(4, 12))
def test_objects_that_are_alike_are_read_as_each_by_itself(items: list[dict[str, Any]], most: int) -> None:
    """Every column, place and refusal of a pack is that of its objects one after the other, up to the bound."""
    payload = json.dumps(items).encode()
    frame = Frame(max_readings=most)
    try:
        read = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return  # read leniently, which the tests above look at
    expected = Decoded()
    for index, item in enumerate(read):
        read_object(item, f"[{index}].", expected, frame)
        if len(expected.fields) + len(expected.refusals) > most:
            expected.cut(most)
            break
    if items:
        assert decode("json", payload, frame) == expected
