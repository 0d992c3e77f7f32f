"""Blocks of a push that are read in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gops.errors import Malformed
from gops.ingest.push.ahead import ALONE_BYTES, ahead
from gops.ingest.push.blocks import Block


def blocks(count: int, size: int = ALONE_BYTES, *, broken: bool = False) -> Iterator[Block]:
    for number in range(count):
        yield Block(b"x" * size, number)
    if broken:
        raise Malformed("the body broke off", field="body")


def test_blocks_are_given_in_their_order() -> None:
    """Each is read once, the last one too."""
    assert list(ahead(lambda block: block.first, blocks(7))) == list(range(7))


def test_what_stands_before_an_error_is_given_first() -> None:
    """An error of the body is told after the blocks that came whole."""
    found = ahead(lambda block: block.first, blocks(3, broken=True))
    assert [next(found), next(found), next(found)] == [0, 1, 2]
    with pytest.raises(Malformed):
        next(found)


def test_an_error_of_reading_is_told_in_its_turn() -> None:
    """The blocks before are given, those after it are not."""

    def read(block: Block) -> int:
        return 10 // (2 - block.first)

    found = ahead(read, blocks(5))
    assert [next(found), next(found)] == [5, 10]
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_a_short_body_starts_no_thread() -> None:
    """Its block is read by whoever asks; a long one elsewhere."""

    def reader(_block: Block) -> str:
        return threading.current_thread().name

    here = threading.current_thread().name
    assert list(ahead(reader, blocks(1, 10))) == [here]
    assert here not in ahead(reader, blocks(2))


def test_no_thread_stays_when_nobody_asks_any_more() -> None:
    """A push that fails midway leaves nothing behind."""
    found = ahead(lambda block: threading.current_thread(), blocks(9))
    reader = next(found)
    found.close()  # type: ignore[attr-defined]
    assert not reader.is_alive()
