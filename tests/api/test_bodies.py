"""A body that does not come holds nobody but who sends it."""

from __future__ import annotations

import io
import threading

import pytest

from gops.api.bodies import Body
from gops.errors import Unavailable


class Slow:
    """Gives nothing until ``gone``."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.gone = threading.Event()

    def read(self, _size: int, /) -> bytes:
        self.asked.set()
        self.gone.wait(10)
        return b""


class Broken:
    def read(self, _size: int, /) -> bytes:
        raise OSError("gone")


def turns(count: int = 1) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


def test_a_body_is_read_whole() -> None:
    whole = b"x" * 200_000
    assert Body(io.BytesIO(whole), turns(), 1_000_000).read() == whole


def test_a_body_is_read_to_where_it_shows_that_it_is_too_large() -> None:
    assert len(Body(io.BytesIO(b"x" * 50), turns(), 10).read()) == 12


def test_a_body_beyond_the_turns_is_refused_at_once_and_possible_again_when_one_ends() -> None:
    """Otherwise as many slow clients as there are threads would shut everybody out."""
    shared, slow = turns(1), Slow()
    waiting = threading.Thread(target=Body(slow, shared, 100).read)
    waiting.start()
    assert slow.asked.wait(5)
    with pytest.raises(Unavailable):
        Body(io.BytesIO(b"{}"), shared, 100).read()
    slow.gone.set()
    waiting.join(5)
    assert Body(io.BytesIO(b"{}"), shared, 100).read() == b"{}"


def test_a_connection_that_breaks_frees_its_turn() -> None:
    shared = turns(1)
    with pytest.raises(OSError, match="gone"):
        Body(Broken(), shared, 100).read()
    assert Body(io.BytesIO(b"{}"), shared, 100).read() == b"{}"
