"""Sites: the list with what is left week by week, one with its calendar and sensors, and suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson

from gops.errors import Invalid, NotFound
from gops.permissions import ANONYMOUS
from gops.portal import drawing
from gops.portal.kept import Kept
from gops.portal.listing import Listing, listed
from gops.portal.outcomes import Placement, placements
from gops.portal.sources import Sources
from gops.testbed import weeks
from gops.testbed.places.service import Asked, Suggested
from gops.testbed.places.wording import Reason, against, reasons
from gops.testbed.sites import KINDS

A_PAGE = 20
WEEKS = 26
SENSORS = 50
NEAR_M = 1_000
NEAR = 10
LEAST_KM = 0.3
LOOKED_AT = 200  # calls of a state
CALLS = 3  # with a site, that are shown
ROWS = 50  # of a round at a site
HEATS = 4  # steps of what is left between nothing and all


@dataclass(frozen=True)
class Strip:
    """What is left of a site's area in each week, in steps from 0 (nothing) to ``HEATS`` (all); -1: closed."""

    heats: Sequence[int]
    free: int

    @property
    def weeks(self) -> int:
        return len(self.heats)


@dataclass(frozen=True)
class Shown:
    site: Any
    owner: Any
    strip: Strip


@dataclass(frozen=True)
class SitesPage:
    rows: Sequence[Shown]
    list: Listing
    map: drawing.Map | None
    homes: Sequence[Any]
    kinds: Sequence[str]
    first: str


@dataclass(frozen=True)
class Week:
    """``left`` in the order of the site's resources."""

    name: str
    left: Sequence[int]
    closed: bool
    heat: int


@dataclass(frozen=True)
class Placed:
    """What a published round gave of a site: its call, its state, and who by pseudonym in which weeks."""

    call: Any
    round: Any
    rows: Sequence[Placement]


@dataclass(frozen=True)
class SitePage:
    site: Any
    owner: Any
    map: drawing.Map
    names: Sequence[str]
    resources: Sequence[str]
    weeks: Sequence[Week]
    strip: Strip
    closures: Sequence[tuple[str, str, str]]
    sensors: Sequence[Any]
    properties: Mapping[str, tuple[str, str]]
    near: Sequence[Any]
    placed: Sequence[Placed]
    open_calls: Sequence[Any]


@dataclass(frozen=True)
class Suggestion:
    """``reasons`` speak for it, or against."""

    site: int
    names: tuple[str, str]
    reasons: Sequence[Reason]


@dataclass(frozen=True)
class SuggestionsPage:
    """``wrong`` says why there is no answer; ``asked`` whether something was asked for at all."""

    given: Mapping[str, str]
    asked: bool
    wrong: Sequence[Invalid]
    fits: Sequence[Suggestion]
    misses: Sequence[Suggestion]
    kinds: Sequence[str]
    week: str
    api: str


def this_week(sources: Sources) -> int:
    return weeks.of(sources.clock.micros(), sources.settings.zone)


def index(sources: Sources, args: Mapping[str, str], language: str) -> SitesPage:
    """What is wrong is left out, and said."""
    shown, around = listed(
        "/sites", args, ("kind", "organisation"), language, lambda given: _listed(sources, given), A_PAGE
    )
    first = this_week(sources)
    left = sources.slots.remaining(ANONYMOUS, [site.id for site in shown], first, WEEKS) if shown else []
    strips = {one.site: _strip(one, capacity) for one, capacity in zip(left, _areas(shown), strict=True)}
    homes = {home.id: home for home in sources.views.homes([site.organisation_id for site in shown])}
    return SitesPage(
        rows=[Shown(site, homes[site.organisation_id], strips[site.id]) for site in shown],
        list=around,
        map=drawing.chart([(site.longitude, site.latitude) for site in shown]),
        homes=[home for home in sources.organisations.list(limit=1000) if home.kind == "municipality"],
        kinds=KINDS,
        first=weeks.name(first),
    )


def _listed(sources: Sources, given: Mapping[str, str]) -> Sequence[Any]:
    """Raises ``Invalid``, also for a municipality that there is not."""
    home, kind = given.get("organisation"), given.get("kind")
    try:
        found: Sequence[Any] = sources.sites.list(ANONYMOUS, home, kind=kind, after=after(given), limit=A_PAGE + 1)
    except NotFound as error:
        raise Invalid("there is no such municipality", field="organisation", found=home) from error
    return found


def after(args: Mapping[str, str]) -> int:
    """The last id that was shown. Raises ``Invalid``."""
    text = args.get("after", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Invalid("not a place in the list", field="after", found=text[:40], expected="the id of a row")
    return int(text)


Placements = Kept[Mapping[str, Sequence[Placement]]]
"""By the hash of a round file, which never changes."""


def kept_placements() -> Placements:
    return Kept(600.0, 50)


def gather(sources: Sources, kept: Placements, site_id: int) -> SitePage:
    """Raises ``NotFound``."""
    site = sources.sites.get(ANONYMOUS, site_id)
    first = this_week(sources)
    (calendar,) = sources.slots.remaining(ANONYMOUS, [site_id], first, WEEKS)
    strip = _strip(calendar, site.capacity.get("area_m2", 0))
    sensors = sources.places.sensors(ANONYMOUS, site_id, limit=SENSORS)
    drawn = drawing.chart([(one.longitude, one.latitude) for one in sensors], [drawing.rings(site.geojson)], LEAST_KM)
    assert drawn is not None, "a site has an area"
    resources = list(calendar.left)
    return SitePage(
        site=site,
        owner=sources.views.homes([site.organisation_id])[0],
        map=drawn,
        names=[one.name for one in sensors],
        resources=resources,
        weeks=[
            Week(
                weeks.name(first + at),
                [max(0, calendar.left[name][at]) for name in resources],
                first + at in calendar.closed,
                strip.heats[at],
            )
            for at in range(WEEKS)
        ],
        strip=strip,
        closures=[
            (weeks.name(row.first_week), weeks.name(row.end_week - 1), row.reason)
            for row in sources.sites.closures(ANONYMOUS, site_id)
            if row.end_week > first
        ],
        sensors=sensors,
        properties=_properties(sources, sensors),
        near=sources.places.neighbours(ANONYMOUS, site_id, NEAR_M)[:NEAR],
        placed=_placed(sources, kept, site_id),
        open_calls=_calls_of(sources, site_id, ("open", "published")),
    )


def _calls_of(sources: Sources, site_id: int, states: Sequence[str]) -> list[Any]:
    """The newest calls in these states that have the site."""
    found = [one for state in states for one in sources.calls.list(ANONYMOUS, state=state, limit=LOOKED_AT)]
    with_it = [one for one in found if site_id in one.terms.get("sites", ())]
    return sorted(with_it, key=lambda one: -one.closes_at)[:CALLS]


def _placed(sources: Sources, kept: Placements, site_id: int) -> list[Placed]:
    """From round files alone, which are public; names are not, so that nobody's score is known by them."""
    found = []
    for call in _calls_of(sources, site_id, ("allocated", "final")):
        for last in sources.rounds.list(ANONYMOUS, call.slug)[-1:]:
            by_site = kept.of(last.file_hash, partial(_read, sources, call.slug, last.revision))
            rows = by_site.get(str(site_id), ())
            if rows:
                found.append(Placed(call, last, rows[:ROWS]))
    return found


def _read(sources: Sources, slug: str, revision: int) -> Mapping[str, Sequence[Placement]]:
    return placements(orjson.loads(sources.rounds.file(ANONYMOUS, slug, revision)))


def _properties(sources: Sources, things: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """Names in Korean and English, by key."""
    keys = {one.observed_property for thing in things for one in thing.datastreams}
    found = sources.properties.list(limit=1000) if keys else []
    return {one.key: (one.name_ko, one.name_en) for one in found if one.key in keys}


def _areas(sites: Sequence[Any]) -> list[int]:
    """In the order of their ids, as calendars come."""
    return [site.capacity.get("area_m2", 0) for site in sorted(sites, key=lambda one: int(one.id))]


def _strip(calendar: Any, capacity: int) -> Strip:
    left = [max(0, amount) for amount in calendar.left.get("area_m2", [0] * WEEKS)]
    heats = [
        -1 if calendar.first_week + at in calendar.closed else _heat(amount, capacity) for at, amount in enumerate(left)
    ]
    return Strip(heats, sum(heat == HEATS for heat in heats))


def _heat(left: int, capacity: int) -> int:
    if left <= 0 or capacity <= 0:
        return 0
    return HEATS if left >= capacity else 1 + left * (HEATS - 1) // capacity


def suggestions(sources: Sources, args: Mapping[str, str]) -> SuggestionsPage:
    names = ("area_m2", "power_w", "weeks", "first_start", "last_start", "kind")
    given = {name: value for name in names if (value := args.get(name, "").strip()[:40])}
    fits: Sequence[Suggestion] = ()
    misses: Sequence[Suggestion] = ()
    refused = _refused(given) if given else []
    if given and not refused:
        try:
            fits, misses = _suggested(sources.places.suggest(_asked(given)))
        except Invalid as error:
            refused = [error]
    week = weeks.name(this_week(sources) + 4)
    usual = {"area_m2": "60", "power_w": "500", "weeks": "8", "first_start": week}
    api = f"/api/v1/sites/suggestions?{urlencode(given if given and not refused else usual)}"
    return SuggestionsPage(given, bool(given), refused, fits, misses, KINDS, week, api)


def _asked(given: Mapping[str, str]) -> Asked:
    first = weeks.parse(given.get("first_start", ""), "first_start")
    last = weeks.parse(given["last_start"], "last_start") if "last_start" in given else first
    needs = {name: _number(given[name], name) for name in ("area_m2", "power_w") if name in given}
    return Asked(needs, _number(given.get("weeks", ""), "weeks"), first, last, given.get("kind"))


def _refused(given: Mapping[str, str]) -> list[Invalid]:
    """Every field that cannot be read, not the first alone."""
    wanted = {"weeks": _number, "first_start": weeks.parse} | {
        name: read
        for name, read in (("area_m2", _number), ("power_w", _number), ("last_start", weeks.parse))
        if name in given
    }
    found = []
    for name, read in wanted.items():
        try:
            read(given.get(name, ""), name)
        except Invalid as error:
            found.append(error)
    return found


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid(f"{field} is no number", field=field, found=text, expected="a whole number above 0")
    return int(text)


def _suggested(found: Suggested) -> tuple[list[Suggestion], list[Suggestion]]:
    def named(row: int, why: Sequence[Reason]) -> Suggestion:
        return Suggestion(int(found.index.ids[row]), found.index.names[row], why)

    fits = [named(one.row, reasons(one, found.asked)) for one in found.fits]
    return fits, [named(one.row, [against(lack) for lack in one.lacks]) for one in found.misses]
