"""The demand board and the index of sites do the same on SQLite and on PostgreSQL, also when many come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gops.permissions import ANONYMOUS
from gops.testbed.demands.board import Demands
from gops.testbed.demands.joining import DemandJoins
from gops.testbed.places.importing import SiteFiles
from gops.testbed.places.service import Asked, Places
from tests.unit.testbed.conftest import FIRST_WEEK, City


def test_supports_that_come_at_once_are_counted_exactly_and_merged(either_city: City) -> None:
    city = either_city
    demands, joins = Demands(city.database, city.clock, city.settings), DemandJoins(city.database, city.clock)
    made = []
    for who, home in ((city.planner, "suwon"), (city.neighbour, "seongnam")):
        row, _ = demands.create(who, home, title_ko="골목 주차난 해소", theme="mobility")
        made.append(demands.move(who, row.id, "open").id)
    target, source = made
    fans = [city.people.actor(city.suwon, "viewer") for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda fan: joins.support(fan, target, True), fans))
        list(pool.map(lambda fan: joins.support(fan, source, True), fans[:6]))
        list(pool.map(lambda fan: joins.support(fan, target, False), fans[:3]))
    assert [demands.get(ANONYMOUS, one).supports for one in made] == [9, 6]
    joins.merge(city.neighbour, source, target)
    joins.merge(city.planner, source, target)
    assert demands.get(ANONYMOUS, target).supports == 12
    assert [row.id for row in demands.list(ANONYMOUS, words="주차난 100%")] == []
    assert [row.id for row in demands.list(ANONYMOUS, words="주차난")] == [target]


def test_imported_sites_are_suggested_at_once(either_city: City) -> None:
    city = either_city
    files, places = (
        SiteFiles(city.database, city.settings, city.sites),
        Places(city.database, city.clock, city.settings),
    )
    asked = Asked(needs={"area_m2": 60}, weeks=2, first_start=FIRST_WEEK, last_start=FIRST_WEEK)
    assert places.suggest(asked).fits == []
    site = city.site(reference="A-1", details={"tags": ["quiet"]})
    data = b"".join(files.write(city.planner, "csv", "suwon"))
    done = files.take(city.neighbour, "seongnam", "csv", data, offer=True)
    assert (done.created, done.refused) == (1, 0)
    again = files.take(city.neighbour, "seongnam", "csv", data.replace(b",quiet,", b",loud,"))
    assert (again.changed, again.refused) == (1, 0)
    city.slots.book(city.planner, site.id, "robots", FIRST_WEEK + 1, 1, {"area_m2": 50})
    found = places.suggest(asked)
    assert [int(found.index.ids[one.row]) for one in found.fits] != [site.id]
    assert sorted(found.index.tags) == ["loud", "quiet"]
    assert places.calendar(ANONYMOUS, FIRST_WEEK, 3).left[0, 0].tolist() == [100, 50, 100]
