"""Words of eight signs: the numbers that Python reads, and no others."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gops.ingest.push import words
from tests.examples import examples

CELLS = st.lists(st.one_of(st.text("0123456789.-e ", max_size=10), st.floats(-1e5, 1e5).map(lambda x: f"{x:.2f}")))
SPELLED = [
    "0",
    "-0",
    "-0.5",
    "00",
    "01",
    "-",
    "",
    ".5",
    "5.",
    "1.2.3",
    "12345678",
    "-1.23456",
    "123456789",
    "1e5",
    "1:",
]


def places(cells: Sequence[str]) -> tuple[words.Bytes, words.Words, np.ndarray, np.ndarray]:
    held = np.frombuffer("".join(f"{cell}," for cell in cells).encode() + bytes(80), np.uint8)
    length = np.array([len(cell) for cell in cells], np.int64)
    return held, words.at_every_place(held), np.cumsum(length + 1) - length - 1, length


@settings(max_examples=examples(100))
@example(SPELLED)
@given(CELLS)
def test_numbers_are_those_of_python(cells: list[str]) -> None:
    """Of eight signs at most, as JSON spells them, without exponent; to the last bit."""
    _, signs, at, length = places(cells)
    values, held = words.decimals(signs, at, length)
    numbers, whole = words.whole_numbers(signs, at, length)
    for cell, value, is_held, number, is_whole in zip(cells, values, held, numbers, whole, strict=True):
        short = len(cell) <= words.SIGNS
        assert is_held == (short and bool(re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", cell)))
        assert is_whole == (short and bool(re.fullmatch(r"[1-9]\d*", cell)))
        assert not is_held or str(value) == str(float(cell))
        assert not is_whole or number == int(cell)


@settings(max_examples=examples(50))
@given(st.lists(st.text("abc", max_size=70), min_size=1), st.integers(0, 64))
def test_the_next_sign_is_found(cells: list[str], likely: int) -> None:
    """As far as is looked; further away it is not found."""
    held, signs, at, length = places(cells)
    found = words.lengths(held, signs, at, ord(","), likely, 64)
    for place, is_length, far in zip(at.tolist(), length.tolist(), found.tolist(), strict=True):
        assert far == likely if held[place + likely] == ord(",") else far == (is_length if is_length < 64 else 0)


@settings(max_examples=examples(50))
@given(st.lists(st.text("ab", max_size=20), min_size=1), st.text("ab", min_size=1, max_size=18))
def test_texts_are_compared(cells: list[str], wanted: str) -> None:
    """Whole, however long they are."""
    held, signs, at, _ = places(cells)
    there = words.stands(signs, at, wanted.encode()).tolist()
    assert there == [held[place : place + len(wanted)].tobytes() == wanted.encode() for place in at.tolist()]
