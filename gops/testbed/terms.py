"""The terms of a call: everything that decides who gets what. A plain document, frozen and hashed at publication.

::

    {"mechanism": "ranked", "first_week": "2027-01-04", "weeks": 52, "shift_max": 8,
     "resources": ["area_m2", "power_w"],                  what it allocates: ``resources``
     "criteria": [{"name", "weight", "description"}],      weights are percent, 100 together
     "rules": {...},                                       who may apply with what: ``call_rules``
     "timetable": {...},                                   working days of each deadline: ``timetable``
     "allocation": {...},                                  what the mechanism heeds beyond capacity: ``mechanisms``
     "review": {...},                                      who scores, and how many review: ``review.asked``
     "bands": [{"id", "separation_m"}],
     "sites": [ids]}                                       empty in a draft: all that are offered at publication
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gops.accounts.checks import name, whole
from gops.records.database import MAX_ID
from gops.sensors.texts import prose
from gops.settings import Settings
from gops.testbed import call_rules, checks, mechanisms, resources, timetable, weeks
from gops.testbed.checks import wrong
from gops.testbed.eligibility import Rules
from gops.testbed.review import asked

SEPARATION_M = 500
SEPARATION_MAX_M = 100_000
SHIFT_MAX = 8
CRITERIA_MAX = 50
BANDS_MAX = 32
BAND_LENGTH = 32
Terms = dict[str, Any]


def read(given: Mapping[str, Any], settings: Settings, now_week: int) -> Terms:
    """The terms in full, defaults filled in. Raises ``Invalid`` with the place of what is wrong."""
    known = {"mechanism", "first_week", "weeks", "shift_max", "criteria", "rules", "timetable", "allocation", "review",
             "bands", "sites", "resources"}  # fmt: skip
    for key in given:
        if key not in known:
            raise wrong("unknown_field", f"terms.{key}", key, "one of " + ", ".join(sorted(known)))
    mechanism = given.get("mechanism", mechanisms.MECHANISMS[0])
    if mechanism not in mechanisms.MECHANISMS:
        raise wrong("unknown_mechanism", "terms.mechanism", mechanism, "one of " + ", ".join(mechanisms.MECHANISMS))
    length = whole(given.get("weeks"), 1, settings.call_weeks, "terms.weeks", "GOPS_CALL_WEEKS")
    first = weeks.parse(given.get("first_week", ""), "terms.first_week")
    checks.span(first, length, now_week, settings.testbed_ahead_weeks, settings.call_weeks, "terms")
    return {
        "mechanism": mechanism,
        "first_week": weeks.name(first),
        "weeks": length,
        "shift_max": whole(given.get("shift_max", SHIFT_MAX), 0, settings.call_weeks, "terms.shift_max"),
        "resources": resources.read(given.get("resources", list(checks.RESOURCES))),
        "criteria": _criteria(given.get("criteria", [])),
        "rules": call_rules.read(given.get("rules", {}), length),
        "timetable": timetable.read(given.get("timetable", {}), settings),
        "allocation": mechanisms.read(given.get("allocation", {}), mechanism),
        "review": asked.read(given.get("review", {}), mechanism),
        "bands": _bands(given.get("bands", [])),
        "sites": _sites(given.get("sites", [])),
    }


def rules(terms: Terms) -> Rules:
    return call_rules.rules(terms["rules"])


def first_week(terms: Terms) -> int:
    return weeks.parse(terms["first_week"])


def end_week(terms: Terms) -> int:
    """The first week after the call's calendar."""
    return first_week(terms) + int(terms["weeks"])


def _criteria(given: Any) -> list[dict[str, Any]]:
    rows = _list(given, "terms.criteria", CRITERIA_MAX)
    found = [_criterion(row, f"terms.criteria[{index}]") for index, row in enumerate(rows)]
    total = sum(row["weight"] for row in found)
    if not found or total != 100:
        raise wrong("bad_weights", "terms.criteria", f"weights of {total} together", "at least one, 100 percent in all")
    return found


def _criterion(row: Any, field: str) -> dict[str, Any]:
    checks.keys(row, ("name", "weight", "description"), field)
    return {
        "name": name(row.get("name"), f"{field}.name"),
        "weight": whole(row.get("weight"), 1, 100, f"{field}.weight"),
        "description": prose(row.get("description", ""), f"{field}.description"),
    }


def _bands(given: Any) -> list[dict[str, Any]]:
    rows = _list(given, "terms.bands", BANDS_MAX)
    found: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        field = f"terms.bands[{index}]"
        checks.keys(row, ("id", "separation_m"), field)
        band = name(row.get("id"), f"{field}.id")
        if len(band) > BAND_LENGTH or band in [other["id"] for other in found]:
            raise wrong("invalid_value", f"{field}.id", band, f"another name, of at most {BAND_LENGTH} characters")
        separation = whole(row.get("separation_m", SEPARATION_M), 0, SEPARATION_MAX_M, f"{field}.separation_m")
        found.append({"id": band, "separation_m": separation})
    return found


def _sites(given: Any) -> list[int]:
    rows = _list(given, "terms.sites", 20_000)
    ids = [whole(row, 1, MAX_ID, f"terms.sites[{index}]") for index, row in enumerate(rows)]
    if len(set(ids)) != len(ids):
        raise wrong("invalid_value", "terms.sites", "a site twice", "every site once")
    return sorted(ids)


def _list(value: Any, field: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise wrong("invalid_value", field, value, f"a list of at most {most}")
    return value
