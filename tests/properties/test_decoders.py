"""What holds for every codec whatever the bytes, and that time and memory are bounded by the payload's size."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.ingest.decoded import CodecOptions
from gops.ingest.decoders import DECODERS, Decoded, Frame, decode
from gops.ingest.mapping import Limits, resolve
from gops.ingest.refused import CODES
from gops.sensors.routes import DeviceRoute, Target
from tests.examples import examples

CODECS = sorted(DECODERS)
MOST = 20
NOW = 1_783_228_800_000_000
OPTIONS = [
    CodecOptions(),
    CodecOptions(precision="s", tag="t", thing="a", time_unit="s", empty_is_missing=False, radio=True, interval="end"),
    CodecOptions(columns=("time", "", "b"), header=False, delimiter=";", decimal=","),
]
MEMBERS = (
    *("bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "x_"),
    *("phenomenonTime", "result", "resultTime", "resultQuality", "Datastream", "@iot.id", "components", "dataArray"),
    *("value", "Datastream@iot.id", "Datastream@iot.navigationLink"),
    *(
        "end_device_ids",
        "device_id",
        "uplink_message",
        "decoded_payload",
        "received_at",
        "rx_metadata",
        "rssi",
        "f_cnt",
    ),
    *("deviceInfo", "devEui", "object", "time", "rxInfo", "fCnt", "simulated", "a", "미세"),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["good", "2026-07-05T05:20:00Z", "2026-07-05T05:20:00Z/2026-07-05T06:20:00Z", "\ud800", "result"])
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=6),
    max_leaves=25,
)
lines = st.text(alphabet=list('ab,= "\\\n\r\t#;.-+eE0123456789iutfTF:/ZNa미'), max_size=60)
ROUTE = DeviceRoute(1, 1, "suwon", "suwon/a", {"a": Target(1, "gauge", 2.0, 1.0, 0.0, 10.0, unit="Cel")})


def check(got: Decoded, payload: bytes) -> None:
    """The shape that everybody behind a decoder builds on."""
    columns = [got.fields, got.values, got.times, got.qualities, got.result_times]
    columns += [column for column in (got.things, got.units, got.rows) if column is not None]
    assert {len(column) for column in columns} == {len(got.fields)}
    assert len(got.fields) <= MOST
    assert len(got.refusals) <= MOST + 1
    assert got.fields or got.refusals
    for index, value in enumerate(got.values):
        assert value is None or isinstance(value, bool | str) or (math.isfinite(value) and abs(value) < 1.8e308)
        assert got.place(index).endswith(got.fields[index])
        thing, own = got.source(index)
        assert got.fields[index].startswith(thing)
        assert got.fields[index].endswith(own)
    assert all(-(2**62) < t < 2**62 for t in got.times if t is not None)
    assert all(one.code in CODES and one.code != "internal" for one in got.refusals)
    orjson.dumps([got.fields, got.values, got.things, got.units, [one.note + one.place for one in got.refusals]])
    resolved = resolve(got, ROUTE, NOW, Limits(past=10**15, ahead=6 * 10**8))
    assert len(resolved.t) + len(resolved.refusals) == len(got.fields) + len(got.refusals)


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=examples(40))
@given(st.binary(max_size=100), st.sampled_from(OPTIONS))
def test_any_bytes_give_readings_or_refusals(codec: str, payload: bytes, options: CodecOptions) -> None:
    check(decode(codec, payload, Frame(max_readings=MOST, options=options)), payload)


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=examples(40))
@given(lines, st.sampled_from(OPTIONS))
def test_any_lines_give_readings_or_refusals(codec: str, text: str, options: CodecOptions) -> None:
    check(decode(codec, text.encode(), Frame(max_readings=MOST, options=options)), text.encode())


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec not in ("csv", "influx", "value")])
@settings(max_examples=examples(80))
@given(trees | st.lists(st.dictionaries(st.sampled_from(MEMBERS), scalars, max_size=6), max_size=4))
def test_any_json_gives_readings_or_refusals(codec: str, tree: Any) -> None:
    payload = json.dumps(tree).encode()
    check(decode(codec, payload, Frame(max_readings=MOST, options=OPTIONS[1])), payload)


records = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(-(10**6), 10**6), st.integers(-1000, 1000) | st.none()),
    min_size=1,
    max_size=8,
)


@given(records, st.text("xyz:/", max_size=4), st.integers(300_000_000, 4_000_000_000))
def test_senml_with_bases_and_resolved_says_the_same(
    rows: list[tuple[str, int, int | None]], base: str, start: int
) -> None:
    """RFC 8428, section 4.6: resolving a pack changes nothing of what it says."""
    resolved = [{"n": base + name, "t": start + (t or 0), "v": value} for name, value, t in rows]
    short = [{"n": name, "v": value} | ({} if t is None else {"t": t}) for name, value, t in rows]
    short[0] |= {"bn": base, "bt": start}
    one, other = (decode("senml", json.dumps(pack).encode(), Frame()) for pack in (resolved, short))
    assert (one.fields, one.values, one.times) == (other.fields, other.values, other.times)
    assert one.refusals == other.refusals == []


def _long(unit: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + unit * ((262_144 - len(before) - len(after)) // len(unit)) + after


HOSTILE = [
    pytest.param(
        "senml", _long(b'{"n":"a","v":1},', b'[{"bn":"' + b"x" * 60_000 + b'"},', b"{}]"), id="a long base name"
    ),
    pytest.param("senml", _long(b'{"n":"a","v":1},', b'[{"bn":"' + b"x" * 200 + b'"},', b"{}]"), id="many names"),
    pytest.param("senml", _long(b'{"%d":1},', b"[", b"{}]"), id="records of nothing"),
    pytest.param("senml", _long(b"[[],", b"", b"]"), id="nested arrays"),
    pytest.param("influx", _long(b"a=1,", b"m,t=" + b"x" * 60_000 + b" ", b"a=1"), id="a long series"),
    pytest.param("influx", _long(b"a=1,", b"m,t=" + b"x" * 240 + b" ", b"a=1"), id="many fields"),
    pytest.param("influx", _long(b'a b="'), id="texts without an end"),
    pytest.param("influx", _long(b'a b="\\\n'), id="texts without an end, escaped"),
    pytest.param("influx", _long(b"\\,"), id="escapes"),
    pytest.param("influx", _long(b",a=a", b"m"), id="tags without fields"),
    pytest.param("influx", _long(b" \t\r\n#"), id="comments"),
    pytest.param("influx", _long(b"9", b"a x="), id="digits"),
    pytest.param("csv", _long(b'"', b"a\n"), id="quotation marks"),
    pytest.param("csv", _long(b"a,"), id="columns of one name"),
    pytest.param("csv", b",".join(b"%d" % n for n in range(40_000)), id="many columns"),
    pytest.param("csv", _long(b",\n", b"a,b\n"), id="empty cells"),
    pytest.param("csv", _long(b"x\n", b"time," + b"y" * 60_000 + b"\n"), id="a long column"),
    pytest.param("ndjson", _long(b"{}\n"), id="empty objects"),
    pytest.param("ndjson", _long(b"[\n"), id="lines that are no JSON"),
    pytest.param("value", b"9" * 262_144, id="digits alone"),
    pytest.param("value", _long(b"0."), id="points"),
    pytest.param(
        "tts",
        _long(
            b'"a":1,', b'{"end_device_ids":{"device_id":"d"},"uplink_message":{"decoded_payload":{"k":[', b'"a":1]}}}'
        ),
        id="broken payload",
    ),
    pytest.param(
        "chirpstack",
        _long(b"1,", b'{"deviceInfo":{"devEui":"d"},"object":{"' + b"k" * 60_000 + b'":[', b"1]}}"),
        id="a long path",
    ),
    pytest.param(
        "chirpstack", _long(b"[", b'{"deviceInfo":{"devEui":"d"},"object":{"k":', b"1"), id="a payload of brackets"
    ),
    pytest.param(
        "sensorthings",
        _long(
            b"[1],", b'{"Datastream":{"@iot.id":"' + b"x" * 128 + b'"},"components":["result"],"dataArray":[', b"[1]]}"
        ),
        id="many rows",
    ),
    pytest.param(
        "sensorthings", _long(b"Datastreams(", b'{"result":1,"Datastream@iot.navigationLink":"', b'"}'), id="a link"
    ),
]


@pytest.mark.parametrize(("codec", "payload"), HOSTILE)
def test_a_message_as_large_as_allowed_takes_little_time_and_memory(codec: str, payload: bytes) -> None:
    assert 200_000 < len(payload) <= 262_144
    spent = []
    for _ in range(3):  # the least of them: what shares the machine, or a collection of all garbage, is no decoder
        begun = time.thread_time()
        got = decode(codec, payload, Frame())
        spent.append(time.thread_time() - begun)
    assert min(spent) < 1.0
    assert len(got.fields) <= 10_000
    assert len(got.refusals) <= 10_001
    assert all(one.code != "internal" for one in got.refusals)
    texts = [*got.fields, *(got.things or ()), *(one.note + one.place + str(one.field) for one in got.refusals)]
    distinct = {id(text): len(text) for text in [*texts, *(place for _index, place in got.spans)]}
    assert sum(distinct.values()) < 20 * 2**20  # characters that are kept
