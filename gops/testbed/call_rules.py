"""The eligibility rules of a call as data: the section ``rules`` of its terms, read strictly and judged by.

::

    {"organisation_kinds": [], "trl_min": null, "trl_max": null, "duration_max": null,
     "themes": [], "regions": [],                        codes of administrative districts, or how they begin
     "requested_max": null, "own_percent_min": null,     KRW; percent of the whole cost
     "consortium": {"least": null, "most": null, "kinds": []},   organisations, the applicant among them
     "documents": []}                                    kinds that every application brings

An empty list and null ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from gops.accounts.checks import whole
from gops.permissions import ORGANISATION_KINDS
from gops.sensors.texts import key
from gops.testbed import checks
from gops.testbed.checks import wrong
from gops.testbed.eligibility import Rules

MEMBERS_MAX = 20
LISTED_MAX = 50
REGION = re.compile(r"\d{2,10}", re.ASCII)
"""Of the administrative standard codes (행정표준코드): 41 is Gyeonggi-do, 41110 Suwon."""
_KEYS = ("organisation_kinds", "trl_min", "trl_max", "duration_max", "themes", "regions", "requested_max",
         "own_percent_min", "consortium", "documents")  # fmt: skip
FIELD = "terms.rules"
Amount = int | None


def read(given: Any, weeks: int) -> dict[str, Any]:
    """The section in full, of a call over so many weeks. Raises ``Invalid`` with the place of what is wrong."""
    checks.keys(given, _KEYS, FIELD)
    low, high = (_optional(given, name, *checks.TRL) for name in ("trl_min", "trl_max"))
    if low is not None and high is not None and low > high:
        raise wrong("invalid_value", f"{FIELD}.trl_max", high, f"at least trl_min, {low}")
    return {
        "organisation_kinds": checks.some_of(
            given.get("organisation_kinds", []), ORGANISATION_KINDS, f"{FIELD}.organisation_kinds"
        ),
        "trl_min": low,
        "trl_max": high,
        "duration_max": _optional(given, "duration_max", 1, weeks),
        "themes": checks.some_of(given.get("themes", []), checks.THEMES, f"{FIELD}.themes"),
        "regions": _each(given, "regions", region),
        "requested_max": _optional(given, "requested_max", 0, checks.WON_MAX),
        "own_percent_min": _optional(given, "own_percent_min", 0, 100),
        "consortium": _consortium(given.get("consortium", {})),
        "documents": _each(given, "documents", key),
    }


def rules(section: Mapping[str, Any]) -> Rules:
    """What is judged by. Calls published before a rule was thought of ask for nothing there."""
    consortium = section.get("consortium", {})
    return Rules(
        organisation_kinds=frozenset(section["organisation_kinds"]),
        trl_min=section["trl_min"],
        trl_max=section["trl_max"],
        duration_max=section["duration_max"],
        themes=frozenset(section.get("themes", ())),
        regions=tuple(section.get("regions", ())),
        requested_max=section.get("requested_max"),
        own_percent_min=section.get("own_percent_min"),
        members_min=consortium.get("least"),
        members_max=consortium.get("most"),
        member_kinds=tuple(consortium.get("kinds", ())),
        documents=tuple(section.get("documents", ())),
    )


def region(given: Any, field: str) -> str:
    if isinstance(given, str) and REGION.fullmatch(given):
        return given
    raise wrong("invalid_value", field, given, "2 to 10 digits of an administrative district's code, such as 41110")


def _consortium(given: Any) -> dict[str, Any]:
    field = f"{FIELD}.consortium"
    checks.keys(given, ("least", "most", "kinds"), field)
    least, most = (_bound(given.get(name), 1, MEMBERS_MAX, f"{field}.{name}") for name in ("least", "most"))
    kinds = checks.some_of(given.get("kinds", []), ORGANISATION_KINDS, f"{field}.kinds")
    if most is not None and most < max(least or 1, len(kinds)):
        raise wrong("invalid_value", f"{field}.most", most, f"at least {max(least or 1, len(kinds))}, as the rest asks")
    return {"least": least, "most": most, "kinds": kinds}


def _each(given: Mapping[str, Any], name: str, check: Any) -> list[str]:
    field, rows = f"{FIELD}.{name}", given.get(name, [])
    if not isinstance(rows, list) or len(rows) > LISTED_MAX:
        raise wrong("invalid_value", field, rows, f"a list of at most {LISTED_MAX}")
    found = [check(row, f"{field}[{index}]") for index, row in enumerate(rows)]
    _refuse_twice(found, field)
    return found


def _refuse_twice(found: Collection[str], field: str) -> None:
    if len(set(found)) != len(found):
        raise wrong("invalid_value", field, "one of them twice", "each once")


def _optional(given: Mapping[str, Any], name: str, low: int, high: int) -> Amount:
    return _bound(given.get(name), low, high, f"{FIELD}.{name}")


def _bound(value: Any, low: int, high: int, field: str) -> Amount:
    return None if value is None else whole(value, low, high, field)
