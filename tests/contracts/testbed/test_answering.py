"""Many answer offers at once: each is answered once, and what moves up never takes more than there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import func, select

from gops.permissions import ANONYMOUS
from gops.records.database import Database
from gops.testbed.lifecycles import SLOTS_THAT_HOLD
from gops.testbed.model import Application, Call, Site, Slot
from gops.testbed.offers.model import Offer
from gops.testbed.offers.service import Offers, lapse
from gops.testbed.slots import Slots
from tests.contracts.testbed.test_booking import left, together
from tests.unit.testbed.conftest import FIRST_WEEK, City

PLACED, WAITING = 4, 6


class Final:
    """A site of 100 m2 in one week: four of 25 m2 are offered it, six more wait."""

    def __init__(self, city: City, waiting: int = WAITING) -> None:
        self.site: Site = city.site()
        self.call: Call = city.call(terms={"sites": [self.site.id]})
        city.to("2026-06-02T09:00")
        rows = [
            city.apply(
                self.call, [self.site], (city.company, city.rival)[number % 2], needs={"area_m2": 25}, duration=1
            )
            for number in range(PLACED + waiting)
        ]
        city.scored(self.call, {row.id: 9000 - rank for rank, row in enumerate(rows)})
        city.final(self.call)
        self.offers: list[Offer] = list(city.offers.list(city.operator))


@pytest.fixture
def other_database(either_city: City) -> Iterator[Database]:
    """Connections of their own, as another process has: here only the database itself keeps order."""
    with closing(Database(either_city.database.engine.url.render_as_string(hide_password=False))) as opened:
        yield opened


def test_an_offer_is_accepted_once(either_city: City, other_database: Database) -> None:
    final = Final(either_city, 1)
    apart = Offers(other_database, either_city.clock, either_city.settings)
    done = together(
        lambda number: (apart if number % 2 else either_city.offers).answer(
            either_city.company, final.offers[0].id, "declined" if number % 3 else "accepted"
        ),
        "illegal_move",
    )
    assert sum(done) == 1
    assert left(either_city, final.site.id) == [0], "accepted, or given to the next"


def test_the_reserve_moves_up_while_others_book_and_nothing_is_given_twice(
    either_city: City, other_database: Database
) -> None:
    """Eight decline each of four offers while as many ask for the same 25 m2 by hand: exactly 100 m2 are held."""
    final = Final(either_city)
    offers = Offers(other_database, either_city.clock, either_city.settings)
    slots = Slots(other_database, either_city.clock, either_city.settings)

    def act(number: int) -> None:
        offer = final.offers[number % PLACED]
        who = either_city.company if number % 2 == 0 else either_city.rival
        if number % 3 == 0:
            slots.book(either_city.planner, final.site.id, "drones", FIRST_WEEK, 1, {"area_m2": 25})
        else:
            (offers if number % 5 else either_city.offers).answer(who, offer.id, "declined")

    together(act, "illegal_move", "no_capacity")
    assert left(either_city, final.site.id) == [0]
    with either_city.database.read() as session:
        holding = select(func.count()).select_from(Slot).where(Slot.state.in_(SLOTS_THAT_HOLD))
        assert session.scalar(holding) == PLACED
        declined = session.scalars(select(Application.state).where(Application.call_id == final.call.id)).all()
    assert declined.count("declined") == PLACED
    assert declined.count("offered") + len(_by_hand(either_city)) == PLACED


def _by_hand(city: City) -> list[Slot]:
    return [slot for slot in city.slots.list(city.planner) if slot.application_id is None]


def test_places_that_lapse_at_one_moment_go_to_as_many_others(either_city: City) -> None:
    final = Final(either_city)
    either_city.clock.move(microseconds=final.offers[0].lapses_at - either_city.clock.micros())
    now = either_city.clock.micros()

    def act(number: int) -> None:
        with either_city.database.write() as session:
            lapse(session, final.offers[number % PLACED].id, now, either_city.settings)

    together(act)
    states = [row.state for row in either_city.applications.list(either_city.operator)]
    assert (states.count("lapsed"), states.count("offered"), states.count("reserve")) == (4, 4, 2)
    assert either_city.slots.remaining(ANONYMOUS, [final.site.id], FIRST_WEEK, 1)[0].left["area_m2"] == [0]
