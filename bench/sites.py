"""Sites: suggestions over 10,000 of them, and the calendar of 330 for a year as the API answers it.

Seeded: 31 municipalities, two resources, bands and tags; one site in five has slots, one in ten is closed for some
weeks.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from bench._store import Figure, measure, show
from gops.accounts.model import Organisation
from gops.api.testbed.places import written
from gops.clock import SystemClock
from gops.geo import Point
from gops.permissions import ANONYMOUS
from gops.records import migrate
from gops.records.database import Database
from gops.settings import Settings, load
from gops.testbed import weeks
from gops.testbed.demands.board import COMPARED
from gops.testbed.demands.likeness import likely
from gops.testbed.model import Closure, Site, Slot
from gops.testbed.places.details import EMPTY
from gops.testbed.places.service import Asked, Places

MUNICIPALITIES, CALENDAR_SITES, YEAR = 31, 330, 52
SUGGEST_BAR_MS, CALENDAR_BAR_MS = 50.0, 30.0
SEED = 20260301


def fill(database: Database, count: int, first_week: int) -> None:
    draw = random.Random(SEED)
    with database.write() as session:
        homes = [
            Organisation(slug=f"city-{at}", kind="municipality", name_ko="시", name_en="City", created_at=0)
            for at in range(MUNICIPALITIES)
        ]
        session.add_all(homes)
        session.flush()
        session.execute(insert(Site), [_site(draw, at, homes[at % MUNICIPALITIES].id) for at in range(count)])
        ids = session.scalars(select(Site.id).order_by(Site.id)).all()
        slots, closures = [], []
        for site in ids:
            for _ in range(draw.randint(1, 3) if draw.random() < 0.2 else 0):
                first = first_week + draw.randint(-4, 48)
                slots.append(
                    {"site_id": site, "organisation_id": homes[0].id, "state": "reserved", "first_week": first,
                     "end_week": first + draw.randint(2, 12), "note": "", "created_at": 0,
                     "amounts": {"area_m2": draw.randint(5, 20), "power_w": draw.randint(0, 200)}}
                )  # fmt: skip
            if draw.random() < 0.1:
                first = first_week + draw.randint(0, 48)
                closures.append({"site_id": site, "first_week": first, "end_week": first + 2, "reason": ""})
        session.execute(insert(Slot), slots)
        session.execute(insert(Closure), closures)


def _site(draw: random.Random, at: int, home: int) -> dict[str, Any]:
    west, south = 126.5 + draw.random() * 1.3, 36.9 + draw.random() * 1.3
    east, north = west + 0.001, south + 0.001
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    tags = draw.sample(["drone", "robot", "quiet", "indoor", "water", "night"], draw.randint(0, 3))
    return {
        "organisation_id": home, "name_ko": f"부지 {at}", "name_en": f"Site {at}", "description": "",
        "kind": draw.choice(["street", "park", "building"]), "state": "offered",
        "geojson": {"type": "Polygon", "coordinates": [ring]}, "square_metres": 9_000.0,
        "longitude": (west + east) / 2, "latitude": (south + north) / 2,
        "west": west, "south": south, "east": east, "north": north,
        "capacity": {"area_m2": draw.randint(20, 400), "power_w": draw.randint(0, 5_000)},
        "details": {**EMPTY, "tags": tags, "bands": draw.sample(["b920", "lora", "wifi"], draw.randint(0, 2))},
        "created_at": 0, "revision": at + 1,
    }  # fmt: skip


def figures(settings: Settings, sites: int, repeats: int) -> list[Figure]:
    database = Database(settings.records_address)
    migrate.upgrade(database)
    clock = SystemClock()
    week = weeks.of(clock.micros(), settings.zone) + 4
    fill(database, sites, week)
    places = Places(database, clock, settings)
    needs = {"area_m2": 60, "power_w": 800}
    bare = Asked(needs, 6, week, week + 12)
    full = replace(bare, kind="park", band="b920", tags=("drone",), near=Point(127.03, 37.26), within_m=30_000)

    def suggest(asked: Asked) -> int:
        found = places.suggest(asked)
        return len(found.fits) + len(found.misses)

    def after_a_change() -> int:
        return len(Places(database, clock, settings).suggest(bare).fits)

    def year() -> int:
        return len(written(places.calendar(ANONYMOUS, week, YEAR, limit=CALENDAR_SITES), CALENDAR_SITES)) and (
            CALENDAR_SITES * YEAR
        )

    try:
        return [
            measure(f"suggestion, {sites:,} sites, 6 criteria", lambda: suggest(full), repeats, SUGGEST_BAR_MS),
            measure(f"suggestion, {sites:,} sites, needs alone", lambda: suggest(bare), repeats, SUGGEST_BAR_MS),
            measure("the first one after a site changed", after_a_change, 3),
            measure(f"likely duplicates among {COMPARED:,} demands", alike(), repeats),
            measure(f"calendar, {CALENDAR_SITES} sites, {YEAR} weeks, as JSON", year, repeats, CALENDAR_BAR_MS),
        ]
    finally:
        database.close()


def alike() -> Callable[[], int]:
    """Comparing a new demand's titles with those of all that are compared."""
    draw = random.Random(SEED)
    words = ["골목", "주차난", "해소", "심야", "버스", "확대", "미세먼지", "저감", "어르신", "돌봄", "빈 점포", "활용"]
    others = [(at, (" ".join(draw.sample(words, 4)), "Parking in narrow lanes")) for at in range(COMPARED)]
    return lambda: len(likely(["골목 주차난 해소", "Less parking trouble"], others, 5))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sites", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the same sizes, more repeats")
    parser.add_argument("--sites", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"GOPS_DATA": str(Path(folder) / "data")})
        settings.data.mkdir()
        met = show("Sites on SQLite", figures(settings, options.sites, 51 if options.full else 11))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
