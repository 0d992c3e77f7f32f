"""Sites: the list with what is left week by week, one with its calendar and sensors, and suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from gops.errors import Invalid
from gops.permissions import ANONYMOUS
from gops.portal import drawing
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
    map: drawing.Map | None
    given: Mapping[str, str]
    following: str
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
    near: Sequence[Any]


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
    wrong: Invalid | None
    fits: Sequence[Suggestion]
    misses: Sequence[Suggestion]
    kinds: Sequence[str]
    week: str


def this_week(sources: Sources) -> int:
    return weeks.of(sources.clock.micros(), sources.settings.zone)


def index(sources: Sources, args: Mapping[str, str], language: str) -> SitesPage:
    """Raises ``Invalid`` for a kind that there is not, ``NotFound`` for such a municipality."""
    given = {name: value for name in ("kind", "organisation") if (value := args.get(name, "").strip())}
    found = sources.sites.list(
        ANONYMOUS, given.get("organisation"), kind=given.get("kind"), after=after(args), limit=A_PAGE + 1
    )
    shown = found[:A_PAGE]
    first = this_week(sources)
    left = sources.slots.remaining(ANONYMOUS, [site.id for site in shown], first, WEEKS) if shown else []
    strips = {one.site: _strip(one, capacity) for one, capacity in zip(left, _areas(shown), strict=True)}
    homes = {home.id: home for home in sources.views.homes([site.organisation_id for site in shown])}
    following = {**given, "after": str(shown[-1].id), "lang": language} if len(found) > len(shown) else {}
    return SitesPage(
        rows=[Shown(site, homes[site.organisation_id], strips[site.id]) for site in shown],
        map=drawing.chart([(site.longitude, site.latitude) for site in shown]),
        given=given,
        following=f"/sites?{urlencode(following)}" if following else "",
        homes=[home for home in sources.organisations.list(limit=1000) if home.kind == "municipality"],
        kinds=KINDS,
        first=weeks.name(first),
    )


def after(args: Mapping[str, str]) -> int:
    """The last id that was shown. Raises ``Invalid``."""
    text = args.get("after", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Invalid("not a place in the list", field="after", found=text[:40], expected="the id of a row")
    return int(text)


def gather(sources: Sources, site_id: int) -> SitePage:
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
        near=sources.places.neighbours(ANONYMOUS, site_id, NEAR_M)[:NEAR],
    )


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
    wrong = None
    if given:
        try:
            fits, misses = _suggested(sources.places.suggest(_asked(given)))
        except Invalid as error:
            wrong = error
    week = weeks.name(this_week(sources) + 4)
    return SuggestionsPage(given, bool(given), wrong, fits, misses, KINDS, week)


def _asked(given: Mapping[str, str]) -> Asked:
    first = weeks.parse(given.get("first_start", ""), "first_start")
    last = weeks.parse(given["last_start"], "last_start") if "last_start" in given else first
    needs = {name: _number(given[name], name) for name in ("area_m2", "power_w") if name in given}
    return Asked(needs, _number(given.get("weeks", ""), "weeks"), first, last, given.get("kind"))


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid(f"{field} is no number", field=field, found=text, expected="a whole number above 0")
    return int(text)


def _suggested(found: Suggested) -> tuple[list[Suggestion], list[Suggestion]]:
    def named(row: int, why: Sequence[Reason]) -> Suggestion:
        return Suggestion(int(found.index.ids[row]), found.index.names[row], why)

    fits = [named(one.row, reasons(one, found.asked)) for one in found.fits]
    return fits, [named(one.row, [against(lack) for lack in one.lacks]) for one in found.misses]
