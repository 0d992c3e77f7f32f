"""Many book at once: a site gives exactly what it has, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gops.errors import Conflict
from gops.permissions import ANONYMOUS
from gops.testbed import weeks
from gops.testbed.booking import Booking, book, lock_sites
from gops.testbed.places.micro import MicroSlots
from tests.unit.testbed.conftest import FIRST_WEEK, City

CLIENTS = 32


def served(act: Callable[[], Any], *codes: str) -> bool:
    """Was it done, or refused by ``Conflict`` with one of ``codes``? Anything else fails the test."""
    try:
        act()
    except Conflict as refused:
        if refused.code not in codes:
            raise
        return False
    return True


def together(act: Callable[[int], Any], *codes: str) -> list[bool]:
    """``act(number)`` by 32 clients that start at one moment; whether each was served."""
    gate = threading.Barrier(CLIENTS)

    def run(number: int) -> bool:
        gate.wait()
        return served(lambda: act(number), *(codes or ("no_capacity",)))

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(run, range(CLIENTS)))


def left(city: City, site: int, weeks: int = 1) -> list[int]:
    return list(city.slots.remaining(ANONYMOUS, [site], FIRST_WEEK, weeks)[0].left["area_m2"])


def test_32_clients_never_book_more_than_there_is(either_city: City) -> None:
    """100 m2 for 32 that ask 30 each: three are served and 10 stay."""
    site = either_city.site()
    done = together(
        lambda _: either_city.slots.book(either_city.planner, site.id, "robots", FIRST_WEEK, 1, {"area_m2": 30})
    )
    assert sum(done) == 3
    assert left(either_city, site.id) == [10]


def test_the_last_square_metre_is_given_once(either_city: City) -> None:
    site = either_city.site(capacity={"area_m2": 1})
    done = together(
        lambda _: either_city.slots.book(either_city.planner, site.id, "robots", FIRST_WEEK, 1, {"area_m2": 1})
    )
    assert (sum(done), left(either_city, site.id)) == (1, [0])


def test_overlapping_spans_never_add_up_to_more(either_city: City) -> None:
    """Two weeks each from a week of three: in no week more than 100."""
    site = either_city.site()
    together(
        lambda number: either_city.slots.book(
            either_city.planner, site.id, "robots", FIRST_WEEK + number % 3, 2, {"area_m2": 40}
        )
    )
    amounts = left(either_city, site.id, 4)
    assert min(amounts) >= 0
    assert any(amount < 40 for amount in amounts), "somebody was served"


def test_bookings_of_several_sites_in_any_order_do_not_wait_for_each_other(either_city: City) -> None:
    """Each unit takes three sites, half of them named in the other order: no deadlock, no site beyond its capacity."""
    sites = [either_city.site().id for _ in range(3)]

    def take(number: int) -> None:
        named = sites if number % 2 else sites[::-1]
        with either_city.database.write() as session:
            held = lock_sites(session, named)
            for site in named:
                asked = Booking(FIRST_WEEK, FIRST_WEEK + 1, {"area_m2": 20}, either_city.robots.id)
                book(session, held[site], asked, either_city.clock.micros())

    done = together(take)
    assert sum(done) == 5
    assert [left(either_city, site) for site in sites] == [[0], [0], [0]]


def test_a_slot_is_cancelled_once_and_its_place_given_once(either_city: City) -> None:
    site = either_city.site()
    slot = either_city.slots.book(either_city.planner, site.id, "robots", FIRST_WEEK, 1, {"area_m2": 100})
    cancelled = together(lambda _: either_city.slots.move(either_city.planner, slot.id, "cancelled"), "illegal_move")
    assert sum(cancelled) == 1
    done = together(
        lambda _: either_city.slots.book(either_city.planner, site.id, "drones", FIRST_WEEK, 1, {"area_m2": 100})
    )
    assert (sum(done), left(either_city, site.id)) == (1, [0])


def test_what_is_closed_while_others_book_is_never_booked(either_city: City) -> None:
    site = either_city.site()

    def act(number: int) -> None:
        if number == 7:
            either_city.sites.close_weeks(either_city.planner, site.id, [(FIRST_WEEK, 1, "")])
        else:
            either_city.slots.book(either_city.planner, site.id, "robots", FIRST_WEEK, 1, {"area_m2": 1})

    done = together(act, "site_booked", "site_closed")
    closed = bool(either_city.sites.closures(ANONYMOUS, site.id))
    assert sum(done) == (1 if closed else 31)
    assert left(either_city, site.id) == ([0] if closed else [69])


def test_a_company_that_asks_32_times_at_once_gets_one_micro_slot(either_city: City) -> None:
    city = either_city
    site = city.site(details={"micro": {"keep": {"area_m2": 10}, "weeks": 1}, "consent": "given"})
    micro = MicroSlots(city.database, city.clock, city.settings)
    week = weeks.of(city.clock.micros(), city.settings.zone) + 1
    done = together(lambda _: micro.take(city.company, site.id, "robots", week, 1, {"area_m2": 30}), "micro_slot_used")
    assert sum(done) == 1
    assert list(city.slots.remaining(ANONYMOUS, [site.id], week, 1)[0].left["area_m2"]) == [70]
