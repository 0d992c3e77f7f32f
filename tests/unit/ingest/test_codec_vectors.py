"""Every codec against its table of messages and what they give, ``tests/vectors/{codec}.json``.

A row has ``text`` or ``hex``, as needed ``options``, ``zone`` and ``bounds``, and what comes of it: ``readings`` as
[field, value, time, quality, resultTime] (short where the rest is none; a time that is a number is microseconds from
the arrival), ``refusals`` as [code, field, place], ``things``, ``units``, ``receipts``, ``keep``.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gops.clock import to_micros
from gops.ingest.decoded import CodecOptions
from gops.ingest.decoders import DECODERS, Decoded, Frame, decode
from gops.ingest.refused import CODES
from gops.quality import WORDS

VECTORS = Path(__file__).parents[2] / "vectors"
ROWS = [
    pytest.param(codec, row, id=f"{codec}: {row['name']}")
    for codec in sorted(DECODERS)
    for row in json.loads((VECTORS / f"{codec}.json").read_text())
]


def run(codec: str, row: dict[str, Any]) -> Decoded:
    payload = bytes.fromhex(row["hex"]) if "hex" in row else row["text"].encode()
    options = row.get("options", {})
    if "columns" in options:
        options = {**options, "columns": tuple(options["columns"])}
    zone = ZoneInfo(row["zone"]) if "zone" in row else None
    return decode(codec, payload, Frame(zone=zone, options=CodecOptions(**options), **row.get("bounds", {})))


def micros(written: str | int | None) -> int | None:
    return to_micros(datetime.fromisoformat(written)) if isinstance(written, str) else written


def expected(reading: list[Any]) -> tuple[Any, ...]:
    field, value, at, quality, result_time = [*reading, None, None, None][:5]
    code = None if quality is None else WORDS.index(quality)
    return field, type(value), value, micros(at), code, micros(result_time)


@pytest.mark.parametrize(("codec", "row"), ROWS)
def test_a_message_gives_the_readings_and_refusals_of_its_row(codec: str, row: dict[str, Any]) -> None:
    got = run(codec, row)
    columns = zip(got.fields, got.values, got.times, got.qualities, got.result_times, strict=True)
    assert [(field, type(value), value, *rest) for field, value, *rest in columns] == list(
        map(expected, row["readings"])
    )
    assert [[one.code, one.field, one.place] for one in got.refusals] == row["refusals"]
    assert (got.things, got.units) == (row.get("things"), row.get("units"))
    numbered = [index for index, reading in enumerate(row["readings"]) if isinstance([*reading, None][2], int)]
    assert (got.relative or []) == numbered
    assert got.receipts == row.get("receipts", [])
    assert got.keep is row.get("keep", False)


@pytest.mark.parametrize("codec", sorted(DECODERS))
def test_a_refusal_has_a_known_code_and_says_what_was_found(codec: str) -> None:
    refusals = [one for row in json.loads((VECTORS / f"{codec}.json").read_text()) for one in run(codec, row).refusals]
    assert refusals
    for one in refusals:
        assert one.code in CODES
        assert one.code != "internal"
        assert one.note
        assert one.note.isprintable()


def test_every_codec_has_a_vector_file_and_every_file_a_codec() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == set(DECODERS)


@pytest.mark.parametrize("codec", sorted(DECODERS))
def test_a_payload_over_the_bound_is_not_even_parsed(codec: str) -> None:
    got = decode(codec, b"[" * 20_000_000, Frame())
    assert [one.code for one in got.refusals] == ["too_large"]
    assert "GOPS_MESSAGE_BYTES" in got.refusals[0].note


def test_an_unknown_codec_is_refused_by_name() -> None:
    got = decode("cbor", b"", Frame())
    assert [one.code for one in got.refusals] == ["unknown_codec"]
    assert "'cbor'" in got.refusals[0].note
