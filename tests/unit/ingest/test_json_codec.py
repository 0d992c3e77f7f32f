"""The JSON codec beyond its table of messages: places, bounds on time, and what a refusal counts."""

from __future__ import annotations

import time

import pytest

from gops.ingest.decoders import Frame, decode


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
    begun = time.thread_time()
    got = decode("json", payload, Frame())
    assert time.thread_time() - begun < 1.0
    assert got.refusals[-1].code == code
    assert len(got.refusals) <= 10_001


def test_a_bad_time_tells_how_many_readings_it_cost() -> None:
    got = decode("json", b'{"ts":"x","values":{"a":1,"b":2,"c":3}}', Frame())
    assert [one.readings for one in got.refusals] == [3]


def test_what_is_left_out_over_the_bound_is_counted() -> None:
    got = decode("json", b'{"a":1,"b":2,"c":3,"d":4}', Frame(max_readings=1))
    assert [one.readings for one in got.refusals] == [3]
