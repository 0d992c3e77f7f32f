"""A thread that reads the next pieces of a push while the one before is settled.

numpy and Arrow let go of the interpreter while they work, so two cores share a push; the writer's thread is a third.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gops.errors import GopsError
from gops.ingest.push.blocks import BLOCK_BYTES, Block

ALONE_BYTES = BLOCK_BYTES // 4  # a shorter block costs less than to hand it over
PIECES = 2  # that are read, or wait to be, while one is settled

Piece = TypeVar("Piece")


def ahead(read: Callable[[Block], Piece], blocks: Iterator[Block]) -> Iterator[Piece]:
    """``read`` of each block in their order. ``blocks`` are taken in the caller's thread; what they raise is raised
    when the blocks before it were given."""
    begun: deque[Future[Piece]] = deque()
    trouble: list[GopsError] = []
    with ThreadPoolExecutor(1, "push-reader") as pool:
        for block in _ended(blocks, trouble):
            if not begun and len(block.data) < ALONE_BYTES:
                yield read(block)
                continue
            begun.append(pool.submit(read, block))
            if len(begun) == PIECES:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    for error in trouble:
        raise error


def _ended(blocks: Iterator[Block], trouble: list[GopsError]) -> Iterator[Block]:
    """The blocks until one fails, whose error is put into ``trouble``."""
    try:
        yield from blocks
    except GopsError as error:
        trouble.append(error)
