"""Leases: one holder at a time, whatever clocks do."""

from __future__ import annotations

import pytest

from gops.errors import Unavailable
from gops.records.database import Database
from gops.records.leases import EXPIRES_SECONDS, FENCE_SECONDS, RENEW_SECONDS, Leases


class Time:
    """Seconds of a process's own time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def one(either_database: Database, time: Time) -> Leases:
    return Leases(either_database, "one", time)


@pytest.fixture
def other(either_database: Database, time: Time) -> Leases:
    return Leases(either_database, "other", time)


def test_who_comes_first_has_it(one: Leases, other: Leases) -> None:
    assert one.take("seat 1")
    assert not other.take("seat 1")
    assert (one.held, other.held) == (("seat 1",), ())


def test_one_that_is_renewed_stays(one: Leases, other: Leases, time: Time) -> None:
    one.take("seat 1")
    for _ in range(10):
        assert not other.take("seat 1")
        time.now += RENEW_SECONDS
        assert one.renew() == ()


def test_one_that_is_not_renewed_is_taken_over_in_time(one: Leases, other: Leases, time: Time) -> None:
    one.take("seat 1")
    assert not other.take("seat 1")
    time.now += EXPIRES_SECONDS - 0.1
    assert not other.take("seat 1")
    time.now += 0.1
    assert other.take("seat 1")
    assert one.renew() == ("seat 1",)
    assert one.held == ()


def test_nothing_is_taken_at_first_sight(one: Leases, either_database: Database) -> None:
    """A clock that is wrong, or far ahead, takes nothing: only what was seen to stand still is taken."""
    one.take("seat 1")
    stranger = Leases(either_database, "stranger", lambda: 1e9)
    assert not stranger.take("seat 1")


def test_one_that_was_given_back_is_free_at_once(one: Leases, other: Leases) -> None:
    one.take("seat 1")
    one.give_back("seat 1")
    assert other.take("seat 1")


def test_of_two_that_take_over_one_succeeds(one: Leases, other: Leases, either_database: Database, time: Time) -> None:
    third = Leases(either_database, "third", time)
    one.take("seat 1")
    other.look("seat")
    third.look("seat")
    time.now += EXPIRES_SECONDS
    assert [other.take("seat 1"), third.take("seat 1")] == [True, False]


def test_a_holder_that_can_not_renew_stops_before_another_begins(one: Leases, time: Time) -> None:
    one.take("seat 1")

    def away(*_arguments: object) -> bool:
        raise Unavailable("the records are away")

    one._change = away  # type: ignore[method-assign]
    time.now += FENCE_SECONDS
    assert one.renew() == ()
    time.now += 0.1
    assert one.renew() == ("seat 1",)
    assert FENCE_SECONDS < EXPIRES_SECONDS
