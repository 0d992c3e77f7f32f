"""Seats of ingest processes on a shared subscription."""

from __future__ import annotations

import pytest

from gops.errors import Unavailable
from gops.ingest.seats import COURTESY_SECONDS, LOOK_SECONDS, Seats
from gops.records.database import Database
from gops.records.leases import EXPIRES_SECONDS, FENCE_SECONDS, Leases


class Sitter:
    def __init__(self, seat: int) -> None:
        self.seat = seat
        self.running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


class Hall:
    """Processes that look at the same leases, each when ``pass_`` lets time go by."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._now = 0.0
        self._living: list[Seats] = []

    def enter(self, name: str, count: int = 4) -> Seats:
        made = Seats(Leases(self._database, name, lambda: self._now), Sitter, count, lambda: self._now)
        self._living.append(made)
        made.step()
        return made

    def kill(self, seats: Seats) -> None:
        self._living.remove(seats)

    def pass_(self, seconds: float) -> None:
        end = self._now + seconds
        while self._now < end:
            self._now += LOOK_SECONDS
            for one in self._living:
                one.step()


@pytest.fixture
def hall(database: Database) -> Hall:
    return Hall(database)


def test_each_process_takes_the_first_free_seat(hall: Hall) -> None:
    assert [list(hall.enter(name).sitters) for name in ("a", "b", "c")] == [[1], [2], [3]]


def test_nobody_sits_on_seats_that_were_never_taken(hall: Hall) -> None:
    alone = hall.enter("a")
    hall.pass_(3 * EXPIRES_SECONDS)
    assert list(alone.sitters) == [1]


def test_a_process_too_many_stands_by_and_takes_over_within_ten_seconds(hall: Hall) -> None:
    first, second = hall.enter("a", 2), hall.enter("b", 2)
    third = hall.enter("c", 2)
    assert third.sitters == {}
    hall.pass_(20)
    hall.kill(first)
    hall.pass_(EXPIRES_SECONDS + LOOK_SECONDS)
    assert (list(second.sitters), list(third.sitters)) == ([2], [1])
    assert EXPIRES_SECONDS + LOOK_SECONDS < 10


def test_without_a_spare_one_who_has_a_seat_takes_the_lost_one_too(hall: Hall) -> None:
    first, second = hall.enter("a"), hall.enter("b")
    hall.pass_(1)
    hall.kill(first)
    hall.pass_(EXPIRES_SECONDS + COURTESY_SECONDS + LOOK_SECONDS)
    assert sorted(second.sitters) == [1, 2]
    assert EXPIRES_SECONDS + COURTESY_SECONDS + LOOK_SECONDS < 10


def test_seats_given_back_are_taken_at_once(hall: Hall) -> None:
    first, second = hall.enter("a"), hall.enter("b")
    hall.pass_(1)
    hall.kill(first)
    first.stop()
    hall.pass_(COURTESY_SECONDS + 2 * LOOK_SECONDS)
    assert sorted(second.sitters) == [1, 2]


def test_who_was_taken_for_gone_learns_it_and_ends(hall: Hall) -> None:
    """A process that stood still for long, stopped by a debugger or a full machine."""
    first, spare = hall.enter("a", 1), hall.enter("b", 1)
    hall.kill(first)
    hall.pass_(EXPIRES_SECONDS + LOOK_SECONDS)
    assert list(spare.sitters) == [1]
    with pytest.raises(Unavailable) as caught:
        first.step()
    assert caught.value.code == "seat_lost"


def test_records_that_are_away_are_waited_for_until_another_may_have_the_seat(hall: Hall) -> None:
    first = hall.enter("a")

    def away(*_arguments: object) -> object:
        raise Unavailable("the records are away")

    first._leases.look = away  # type: ignore[method-assign,assignment]
    first._leases._change = away  # type: ignore[method-assign,assignment]
    hall.pass_(FENCE_SECONDS)
    assert list(first.sitters) == [1]
    with pytest.raises(Unavailable) as caught:
        hall.pass_(EXPIRES_SECONDS - FENCE_SECONDS)
    assert caught.value.code == "seat_lost"
