"""Nothing is given twice to clients in several processes: SQLite and PostgreSQL keep order, not locks of ours."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select

from gops.testbed.clusters.model import Cluster
from gops.testbed.lifecycles import SLOTS_THAT_HOLD
from gops.testbed.model import Slot
from tests.contracts.testbed.processes import CLIENTS, SECONDS, Asked
from tests.contracts.testbed.test_answering import PLACED, Final
from tests.contracts.testbed.test_booking import left
from tests.unit.testbed.conftest import FIRST_WEEK, City

ROOT = Path(__file__).parents[3]


def test_32_clients_in_processes_accept_and_book_and_nothing_is_given_twice(either_city: City) -> None:
    """Eight answer each of four offers of 25 m2, some by declining, which lets others move up; then all 32 ask for
    30 of 100 m2 elsewhere. Each offer is answered once, exactly 100 m2 are held here, and 90 there."""
    city = either_city
    free, final = city.site(), Final(city)
    whose = {row.id: city.company if row.organisation_id == city.robots.id else city.rival
             for row in city.applications.list(city.operator)}  # fmt: skip
    given = [(whose[row.application_id], row.id) for row in final.offers]
    answers = [(*given[number % PLACED], "declined" if number % 3 else "accepted") for number in range(CLIENTS)]
    address = city.database.engine.url.render_as_string(hide_password=False)
    asked = Asked(address, city.clock.micros(), city.settings, city.planner, answers, free.id, FIRST_WEEK, 30)
    run = subprocess.run(
        [sys.executable, "-m", "tests.contracts.testbed.processes"],
        input=pickle.dumps(asked), capture_output=True, timeout=SECONDS, check=True, cwd=ROOT,
    )  # fmt: skip
    found = json.loads(run.stdout)
    assert all(isinstance(one, list) for one in found), found
    assert [sum(column) for column in zip(*found, strict=True)] == [PLACED, 3]
    assert (left(city, final.site.id), left(city, free.id)) == ([0], [10])
    with city.database.read() as session:
        holding = session.scalar(
            select(func.count()).select_from(Slot).where(Slot.site_id == final.site.id, Slot.state.in_(SLOTS_THAT_HOLD))
        )
        formed = session.scalar(select(func.count()).select_from(Cluster)) or 0
    accepted = [row for row in city.offers.list(city.operator) if row.state == "accepted"]
    assert (holding, formed) == (PLACED, len(accepted))
