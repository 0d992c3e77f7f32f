"""What an instance must hold before a mechanism may see it. Each breach is an ``Invalid`` that names its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from gops.errors import Invalid
from gops.testbed.allocation.instance import (
    AMOUNT_MAX,
    APPLICATIONS_MAX,
    COST_MAX,
    DISTANCE_MAX,
    GROUP_MAX,
    KINDS,
    LABELS_MAX,
    LIMITS_MAX,
    ORDERS,
    RANKS_MAX,
    RESOURCES_MAX,
    SCORE_MAX,
    SHARES_MAX,
    SITES_MAX,
    WEEKS_MAX,
    Application,
    Instance,
    Site,
)
from gops.testbed.allocation.outcome import WORDS

NAME_MAX = 80


def check(instance: Instance) -> Instance:
    """The instance itself, or ``Invalid`` with ``code``, ``field``, ``found`` and ``expected``."""
    _frame(instance)
    _distinct("resources", instance.resources)
    for word in WORDS:
        if word in instance.resources:
            raise _wrong("bad_name", "resources", word, "another name; reasons use this one for something else")
    _distinct("sites", [site.id for site in instance.sites])
    _distinct("bands", [band.id for band in instance.bands])
    _distinct("applications", [application.id for application in instance.applications])
    for site in instance.sites:
        _site(instance, site)
    for band in instance.bands:
        _within("bad_separation", f"bands[{band.id}].separation_cm", band.separation_cm, 0, DISTANCE_MAX)
    _near(instance)
    bands = {band.id for band in instance.bands}
    for application in instance.applications:
        _application(instance, application, bands)
    _limits(instance)
    _shares(instance)
    _groups(instance)
    return instance


def _frame(instance: Instance) -> None:
    if instance.first_week.weekday() != 0:
        raise _wrong("not_a_monday", "first_week", instance.first_week.isoformat(), "the date of a Monday")
    _within("bad_horizon", "weeks", instance.weeks, 1, WEEKS_MAX)
    _within("bad_shift", "shift_max", instance.shift_max, 0, WEEKS_MAX)
    _within("too_many", "resources", len(instance.resources), 1, RESOURCES_MAX)
    _within("too_many", "sites", len(instance.sites), 1, SITES_MAX)
    _within("too_many", "applications", len(instance.applications), 0, APPLICATIONS_MAX)


def _limits(instance: Instance) -> None:
    limits = instance.demands.limits
    _within("too_many", "limits", len(limits), 0, LIMITS_MAX)
    seen = set()
    for limit in limits:
        place = f"limits[{limit.kind},{limit.key}]"
        if limit.kind not in KINDS:
            raise _wrong("unknown_kind", place, limit.kind, "one of " + ", ".join(KINDS))
        _distinct(place, [limit.key])
        _within("bad_limit", f"{place}.least", limit.least, 0, APPLICATIONS_MAX)
        if limit.most is not None:
            _within("bad_limit", f"{place}.most", limit.most, limit.least, APPLICATIONS_MAX)
        if (limit.kind, limit.key) in seen:
            raise _wrong("duplicate", place, limit.key, "one limit of each kind and name")
        seen.add((limit.kind, limit.key))


def _shares(instance: Instance) -> None:
    shares, budget = instance.demands.shares, instance.demands.budget
    _within("too_many", "shares", len(shares), 0, SHARES_MAX)
    _distinct("shares", [share.label for share in shares])
    for share in shares:
        _within("bad_share", f"shares[{share.label}].places", share.places, 1, APPLICATIONS_MAX)
        if share.by not in ORDERS:
            raise _wrong("unknown_order", f"shares[{share.label}].by", share.by, "one of " + ", ".join(ORDERS))
    if budget is not None:
        _within("bad_budget", "budget", budget, 0, COST_MAX)


def _groups(instance: Instance) -> None:
    """A group of one is a mistake of whoever wrote it: the partner is missing."""
    members = Counter(row.group for row in instance.applications if row.group is not None)
    for group, count in sorted(members.items()):
        _within("bad_group", f"groups[{group}]", count, 2, GROUP_MAX)


def _site(instance: Instance, site: Site) -> None:
    if site.municipality is not None:
        _distinct(f"sites[{site.id}].municipality", [site.municipality])
    place = f"sites[{site.id}].capacity"
    if len(site.capacity) != instance.weeks:
        raise _wrong("bad_capacity", place, len(site.capacity), f"{instance.weeks} weeks")
    for week, amounts in enumerate(site.capacity):
        if len(amounts) != len(instance.resources):
            raise _wrong("bad_capacity", f"{place}[{week}]", len(amounts), f"{len(instance.resources)} amounts")
        for resource, amount in zip(instance.resources, amounts, strict=True):
            _within("bad_capacity", f"{place}[{week}][{resource}]", amount, 0, AMOUNT_MAX)


def _near(instance: Instance) -> None:
    seen = set()
    for pair in instance.near:
        place = f"near[{pair.first},{pair.second}]"
        _known(f"{place}.first", pair.first, instance.site_index, "site")
        _known(f"{place}.second", pair.second, instance.site_index, "site")
        _within("bad_distance", f"{place}.distance_cm", pair.distance_cm, 0, DISTANCE_MAX)
        if pair.first == pair.second or (pair.first, pair.second) in seen:
            raise _wrong("bad_pair", place, f"{pair.first},{pair.second}", "two different sites, each pair once")
        seen.add((pair.first, pair.second))


def _application(instance: Instance, application: Application, bands: Collection[str]) -> None:
    place = f"applications[{application.id}]"
    if len(application.needs) != len(instance.resources):
        raise _wrong("bad_need", f"{place}.needs", len(application.needs), f"{len(instance.resources)} amounts")
    for resource, need in zip(instance.resources, application.needs, strict=True):
        _within("bad_need", f"{place}.needs[{resource}]", need, 0, AMOUNT_MAX)
    if not any(application.needs):
        raise _wrong("bad_need", f"{place}.needs", 0, "a need above 0 of at least one resource")
    _window(instance, application, place)
    _ranks(instance, application, place)
    if application.band is not None:
        _known(f"{place}.band", application.band, bands, "band")
    _within("bad_cost", f"{place}.cost", application.cost, 0, COST_MAX)
    _within("too_many", f"{place}.labels", len(application.labels), 0, LABELS_MAX)
    _distinct(f"{place}.labels", application.labels)
    for key in ("company", "theme", "group"):
        value = getattr(application, key)
        if value is not None:
            _distinct(f"{place}.{key}", [value])


def _window(instance: Instance, application: Application, place: str) -> None:
    _within("bad_duration", f"{place}.duration", application.duration, 1, instance.weeks)
    last = instance.weeks - application.duration
    _within("window_outside", f"{place}.first_start", application.first_start, 0, last)
    if application.last_start < application.first_start:
        found, expected = application.last_start, f"a week not before the first start, {application.first_start}"
        raise _wrong("window_reversed", f"{place}.last_start", found, expected)
    _within("window_outside", f"{place}.last_start", application.last_start, application.first_start, last)


def _ranks(instance: Instance, application: Application, place: str) -> None:
    _within("bad_ranks", f"{place}.sites", len(application.sites), 1, RANKS_MAX)
    for rank, site in enumerate(application.sites):
        _known(f"{place}.sites[{rank}]", site, instance.site_index, "site")
    if len(set(application.sites)) != len(application.sites):
        raise _wrong("bad_ranks", f"{place}.sites", ",".join(application.sites), "every site once")
    if len(application.scores) != len(application.sites):
        raise _wrong("bad_score", f"{place}.scores", len(application.scores), "one score for each ranked site")
    for rank, score in enumerate(application.scores):
        _within("bad_score", f"{place}.scores[{rank}]", score, 0, SCORE_MAX)


def _distinct(place: str, ids: Sequence[str]) -> None:
    for name in ids:
        if not isinstance(name, str) or not 0 < len(name) <= NAME_MAX or not name.isprintable():
            raise _wrong("bad_name", place, ascii(name)[:NAME_MAX], f"printable names of 1 to {NAME_MAX} characters")
    if len(set(ids)) != len(ids):
        twice = next(name for name in ids if list(ids).count(name) > 1)
        raise _wrong("duplicate", place, twice, "every name once")


def _within(code: str, place: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(code, place, value, f"a whole number from {low} to {high}")


def _known(place: str, name: Any, names: Collection[str], noun: str) -> None:
    if name not in names:
        raise _wrong(f"unknown_{noun}", place, ascii(name)[:NAME_MAX], f"a {noun} of the instance")


def _wrong(code: str, place: str, found: Any, expected: str) -> Invalid:
    shown = found if isinstance(found, int) else str(found)[:NAME_MAX]
    return Invalid(f"{place} is {shown}, expected {expected}", code=code, field=place, found=shown, expected=expected)
