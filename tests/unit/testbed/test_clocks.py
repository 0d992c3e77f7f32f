"""Clocks act when they are due, announce themselves 7, 3 and 1 days before, and do not keep each other waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gops.clock import DAY
from gops.errors import Unavailable
from gops.records import events
from gops.settings import Settings
from gops.testbed.clock_table import clock_table
from gops.testbed.clocks import NEAR, Clocks, TestbedClock
from gops.testbed.model import Call
from tests.unit.testbed.conftest import City


def clocks(city: City) -> Clocks:
    return Clocks(city.database, city.clock, clock_table(city.settings))


def told(city: City, clock: str) -> list[tuple[int, int]]:
    """(subject, days) of every announcement, in their order."""
    with city.database.read() as session:
        found = [event.payload for event in events.since(session, 0) if event.kind == NEAR]
    return [(row["subject"], row["days"]) for row in found if row["clock"] == clock]


def test_a_call_opens_and_closes_by_its_clocks(city: City) -> None:
    city.site()
    call = city.call()
    running = clocks(city)
    assert running.advance() == 0
    for moment, state in (("2026-06-01T09:00", "open"), ("2026-06-30T18:00", "closed")):
        city.to(moment)
        assert (running.advance(), running.advance()) == (1, 0)
        with city.database.read() as session:
            assert session.get_one(Call, call.id).state == state


@pytest.mark.parametrize(("moment", "days"), [
    ("2026-06-23T17:59", []), ("2026-06-23T18:00", [7]), ("2026-06-28T12:00", [3]), ("2026-06-30T17:59", [1]),
    ("2026-06-30T18:00", []),
])  # fmt: skip
def test_what_is_near_is_announced_once(city: City, moment: str, days: list[int]) -> None:
    city.site()
    call = city.call()
    city.to(moment)
    clocks(city).advance()
    clocks(city).advance()
    assert told(city, "call.closes") == [(call.id, one) for one in days]


@pytest.mark.parametrize(("name", "moment"), [
    ("call.opens", "2026-05-31T10:00"), ("call.questions", "2026-06-22T19:00"), ("call.answers", "2026-06-25T19:00"),
    ("call.review", "2026-07-28T19:00"),
])  # fmt: skip
def test_deadlines_of_people_announce_themselves_and_change_nothing(city: City, name: str, moment: str) -> None:
    city.site()
    call = city.call()
    city.to(moment)
    clocks(city).advance()
    assert told(city, name) == [(call.id, 1)]
    assert clocks(city).advance() == 0


def test_all_three_announcements_come_as_time_passes(city: City) -> None:
    city.site()
    call = city.call()
    for day in range(20, 31):
        city.to(f"2026-06-{day}T12:00")
        clocks(city).advance()
    assert told(city, "call.closes") == [(call.id, 7), (call.id, 3), (call.id, 1)]


def test_another_moment_is_announced_anew(city: City) -> None:
    city.site()
    call = city.call()
    city.to("2026-06-29T09:00")
    clocks(city).advance()
    with city.database.write() as session:
        session.get_one(Call, call.id).closes_at += 4 * DAY
    clocks(city).advance()
    assert told(city, "call.closes") == [(call.id, 3), (call.id, 7)]  # 1.4 days before, then 5.4


def test_a_clock_that_fails_keeps_no_other_waiting(city: City) -> None:
    city.site()
    call = city.call()
    city.to("2026-06-10T09:00")

    def waiting() -> Select[Any]:
        return select(Call.id.label("subject"), Call.opens_at.label("due_at"))

    def fails(session: Session, subject: int, now: int) -> bool:
        raise Unavailable("not now")

    broken = TestbedClock("call.breaks", "call", waiting, "", "", fails)
    with pytest.raises(Unavailable):
        Clocks(city.database, city.clock, (broken, *clock_table(city.settings))).advance()
    with city.database.read() as session:
        assert session.get_one(Call, call.id).state == "open"


def test_every_clock_stands_in_the_documentation(settings: Settings) -> None:
    text = Path("docs/testbed-calls.md").read_text()
    table = clock_table(settings)
    assert len({one.name for one in table}) == len(table)
    for one in table:
        assert f"`{one.name}`" in text, one.name
