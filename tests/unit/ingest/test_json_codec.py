"""The JSON codec: a table of messages and what they give, and bounds on what it takes."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gops.clock import to_micros
from gops.ingest.decoders import DECODERS, Decoded, Frame, decode
from gops.ingest.refused import CODES
from gops.quality import WORDS

VECTORS = Path(__file__).parents[2] / "vectors"
ROWS = json.loads((VECTORS / "json.json").read_text())


def run(row: dict[str, Any]) -> Decoded:
    payload = bytes.fromhex(row["hex"]) if "hex" in row else row["text"].encode()
    zone = ZoneInfo(row["zone"]) if "zone" in row else None
    return decode("json", payload, Frame(zone=zone, **row.get("bounds", {})))


def micros(text: str | None) -> int | None:
    return None if text is None else to_micros(datetime.fromisoformat(text))


def expected(reading: list[Any]) -> tuple[Any, ...]:
    """A row of the table: [field, value, time, quality, resultTime], short where the rest is none."""
    field, value, at, quality, result_time = (reading + [None] * 3)[:5]
    code = None if quality is None else WORDS.index(quality)
    return field, type(value), value, micros(at), code, micros(result_time)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_message_gives_the_readings_and_refusals_of_its_row(row: dict[str, Any]) -> None:
    got = run(row)
    columns = zip(got.fields, got.values, got.times, got.qualities, got.result_times, strict=True)
    assert [(field, type(value), value, *rest) for field, value, *rest in columns] == list(
        map(expected, row["readings"])
    )
    assert [[one.code, one.field, one.place] for one in got.refusals] == row["refusals"]
    assert got.receipts == row.get("receipts", [])
    assert got.keep is row.get("keep", False)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_refusal_has_a_known_code_and_says_what_was_found(row: dict[str, Any]) -> None:
    for one in run(row).refusals:
        assert one.code in CODES
        assert one.code != "internal"
        assert one.note
        assert one.note.isprintable()


def test_every_codec_has_a_vector_file_and_every_file_a_codec() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} >= set(DECODERS)


def test_minus_zero_keeps_its_sign_in_the_decoder() -> None:
    assert str(decode("json", b'{"a":-0.0}', Frame()).values[0]) == "-0.0"


def test_the_place_of_every_reading_is_its_path_in_the_message() -> None:
    got = decode("json", b'[{"a":1},{"values":{"b":2,"c":3}},{"d":{"value":4}}]', Frame())
    assert [got.place(index) for index in range(4)] == ["[0].a", "[1].values.b", "[1].values.c", "[2].d"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "too_deep"),
        (b'{"a":' + b"9" * 5000 + b"}", "not_a_number"),
        (b'{"a":' + b"9" * 200_000 + b"}", "not_a_number"),
        (b'"' + b'\\"' * 130_000, "bad_json"),
        (b'"' + b"\\" * 260_001, "bad_json"),
        (b"[" + b"[]," * 80_000 + b"[]]", "too_many_readings"),
        (b"[" + b"{}," * 80_000 + b"{}]", "too_many_readings"),
        (b'{"a":"' + b"\\ud800" * 40_000 + b'"}', "bad_utf8"),
        (b"{" + b",".join(b'"%d":NaN' % n for n in range(18_000)) + b"}", "too_many_readings"),
        (b'{"a":[' + b"[]," * 80_000 + b"[]]}", "wrong_type"),
        (b" " * 262_144, "empty"),
    ],
)
def test_a_message_as_large_as_allowed_is_refused_within_a_second(payload: bytes, code: str) -> None:
    begun = time.perf_counter()
    got = decode("json", payload, Frame())
    assert time.perf_counter() - begun < 1.0
    assert got.refusals[-1].code == code
    assert len(got.refusals) <= 10_001


def test_a_payload_over_the_bound_is_not_even_parsed() -> None:
    got = decode("json", b"[" * 20_000_000, Frame())
    assert [one.code for one in got.refusals] == ["too_large"]
    assert "GOPS_MESSAGE_BYTES" in got.refusals[0].note


def test_an_unknown_codec_is_refused_by_name() -> None:
    got = decode("cbor", b"", Frame())
    assert [one.code for one in got.refusals] == ["unknown_codec"]
    assert "'cbor'" in got.refusals[0].note


def test_a_bad_time_tells_how_many_readings_it_cost() -> None:
    got = decode("json", b'{"ts":"x","values":{"a":1,"b":2,"c":3}}', Frame())
    assert [one.readings for one in got.refusals] == [3]


def test_what_is_left_out_over_the_bound_is_counted() -> None:
    got = decode("json", b'{"a":1,"b":2,"c":3,"d":4}', Frame(max_readings=1))
    assert [one.readings for one in got.refusals] == [3]
