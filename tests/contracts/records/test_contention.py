"""Many at once on one thing: the count is exact. With a driver's default transactions it is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gops.accounts.model import FormerSlug
from gops.errors import Conflict
from gops.records.database import Database, serialise
from tests.contracts.records import scratch

THREADS = 32


def together(act: Callable[[], bool]) -> list[bool]:
    """Run ``act`` in 32 threads that start at one moment."""
    gate = threading.Barrier(THREADS)

    def run(_number: int) -> bool:
        gate.wait()
        return act()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_nothing_is_lost_when_32_threads_count(either_database: Database) -> None:
    scratch.prepare(either_database)

    def count() -> bool:
        for _ in range(10):
            with either_database.write() as session:
                row = session.scalars(scratch.guarded()).one()
                row.left = row.left + 1
        return True

    assert all(together(count))
    assert scratch.left(either_database) == THREADS * 10


@pytest.mark.parametrize(("stock", "wanted", "served"), [(100, 7, 14), (1, 1, 1), (31, 1, 31)])
def test_what_there_is_is_given_away_once(either_database: Database, stock: int, wanted: int, served: int) -> None:
    scratch.prepare(either_database, stock)

    def take() -> bool:
        try:
            with either_database.write() as session:
                row = session.scalars(scratch.guarded()).one()
                row.left = row.left - wanted
                session.flush()
                if row.left < 0:
                    raise Conflict("there is not so much left")
        except Conflict:
            return False
        return True

    assert sum(together(take)) == served
    assert scratch.left(either_database) == stock - served * wanted


def test_a_named_lock_serves_where_there_is_no_row_to_lock_yet(either_database: Database) -> None:
    """32 look whether a row is there and make it if not: it is made once."""

    def make_if_none() -> bool:
        with either_database.write() as session:
            serialise(session, "only one")
            if session.query(FormerSlug).count():
                return False
            session.add(FormerSlug(noun="scratch", slug="only", record_id=1))
        return True

    assert sum(together(make_if_none)) == 1
