"""docs/ingest.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gops.ingest import csv_mapping
from gops.ingest.decoders import DECODERS, Frame, decode
from gops.ingest.refusal_reading import UNREADABLE
from gops.ingest.refused import CODES
from gops.quality import WORDS
from gops.settings import DECLARED

TEXT = (Path(__file__).parents[3] / "docs" / "ingest.md").read_text()
SAMPLES = [
    pytest.param(codec, sample, id=f"{codec} {number}")
    for number, (codec, sample) in enumerate(re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL))
    if codec in DECODERS
]


def test_the_table_of_codes_is_that_of_the_program() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", TEXT.partition("## What is refused")[2], re.MULTILINE)
    assert rows == [(name, code.ko, code.en) for name, code in [*UNREADABLE.items(), *CODES.items()]]


def test_there_are_samples_of_every_codec() -> None:
    assert len(SAMPLES) >= 12
    assert {sample.values[0] for sample in SAMPLES} == set(DECODERS)


@pytest.mark.parametrize(("codec", "sample"), SAMPLES)
def test_a_sample_is_read_without_a_refusal(codec: str, sample: str) -> None:
    got = decode(codec, sample.encode(), Frame())
    assert got.refusals == []
    assert got.fields


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`(GOPS_[A-Z_]+)`", TEXT))
    assert named <= {setting.env_name for setting in DECLARED}
    assert {"GOPS_MESSAGE_BYTES", "GOPS_MESSAGE_READINGS", "GOPS_MESSAGE_DEPTH", "GOPS_MESSAGE_TEXT"} <= named


def test_the_sample_mapping_is_one() -> None:
    (sample,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    mapping = csv_mapping.parse(sample)
    assert (mapping.numbers, mapping.texts) == ({"Temperature": "temperature"}, {"Seasons": "season"})
    assert set(csv_mapping.KNOWN) <= set(re.findall(r"^\[(\w+)\]$", sample, re.MULTILINE))


def test_every_quality_word_is_named() -> None:
    assert all(f"`{word}`" in TEXT for word in WORDS)
