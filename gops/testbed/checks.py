"""What amounts, spans of weeks and rules of the testbed may be. Each check gives the clean value or ``Invalid``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from gops.accounts.checks import one_of, shown, whole
from gops.errors import Invalid
from gops.sensors.texts import line
from gops.testbed import weeks
from gops.testbed.lifecycles import Lifecycle

RESOURCES = ("area_m2", "power_w")
"""Additive resources that every site has, in the order of every round's arrays. A site may have further ones."""
RESOURCE = re.compile(r"[a-z][a-z0-9_]{0,31}")
EQUIPMENT = re.compile(r"equipment\.[^\W_][\w-]{0,39}(\.operator)?")
"""Equipment of a kind, as a resource: what details count, and no capacity says."""
RESOURCES_MAX = 16
AMOUNT_MAX = 1_000_000_000
TRL = (1, 9)
WON_MAX = 10**15
THEMES = (
    "mobility", "energy", "environment", "safety", "care", "health", "housing", "culture", "commerce", "administration",
    "other",
)  # fmt: skip
"""What demands, calls and applications are about."""


def capacity(given: Any, field: str = "capacity") -> dict[str, int]:
    """An amount of every resource, in each week; area above 0. Further resources come after those of all sites."""
    named = amounts(given, field)
    for name in named:
        if EQUIPMENT.fullmatch(name):
            raise wrong("unknown_resource", f"{field}.{name}", name, "equipment in details.equipment")
    return {
        name: whole(named.get(name, 0), 1 if name == "area_m2" else 0, AMOUNT_MAX, f"{field}.{name}")
        for name in (*RESOURCES, *(name for name in sorted(named) if name not in RESOURCES))
    }


def needs(given: Any, field: str = "needs", known: Collection[str] = RESOURCES) -> dict[str, int]:
    """What is needed in each week, above 0. Area always; of another resource that is not needed nothing is said."""
    named = amounts(given, field)
    for name in named:
        if name not in known:
            raise wrong("unknown_resource", f"{field}.{name}", name, "one of " + ", ".join(known))
    if "area_m2" not in named:
        raise wrong("bad_need", f"{field}.area_m2", None, f"a whole number from 1 to {AMOUNT_MAX}")
    return {name: _need(named[name], f"{field}.{name}") for name in known if name in named}


def _need(value: Any, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= AMOUNT_MAX:
        raise wrong("bad_need", field, value, f"a whole number from 1 to {AMOUNT_MAX}; leave out what is not needed")
    return value


def amounts(given: Any, field: str) -> Mapping[str, Any]:
    """Amounts of at most 16 resources, by names that could be ones; the amounts are whoever asks to check."""
    if not isinstance(given, Mapping) or len(given) > RESOURCES_MAX:
        raise wrong("invalid_value", field, given, f"an object of amounts by resource, at most {RESOURCES_MAX}")
    for name in given:
        if not isinstance(name, str) or not (RESOURCE.fullmatch(name) or EQUIPMENT.fullmatch(name)):
            raise wrong("unknown_resource", f"{field}.{shown(name)}", name, "area_m2, power_w, equipment.KIND, "
                        "or a name of small letters, digits and _, at most 32")  # fmt: skip
    return given


def reference(given: Any) -> str:
    """What a municipality calls a site in its own files: one line of 1 to 100 characters."""
    text = line(given, "reference", 100)
    if not text:
        raise wrong("invalid_value", "reference", given, "one line of 1 to 100 characters")
    return text


def span(first_week: int, length: int, now_week: int, ahead_max: int, length_max: int, field: str) -> tuple[int, int]:
    """Weeks [first, end) that are not longer than ``length_max`` nor further ahead than ``ahead_max``."""
    whole(length, 1, length_max, f"{field}.weeks")
    if not now_week - ahead_max <= first_week <= now_week + ahead_max:
        low, high = weeks.name(now_week - ahead_max), weeks.name(now_week + ahead_max)
        raise wrong("bad_week", f"{field}.first_week", weeks.name(first_week),
                    f"a Monday from {low} to {high} (GOPS_TESTBED_AHEAD_WEEKS)")  # fmt: skip
    return first_week, first_week + length


def whole_weeks(length: int, most: int) -> int:
    """How many weeks of a calendar one answer may have."""
    return whole(length, 1, most, "weeks", "GOPS_CALENDAR_WEEKS")


def state(lifecycle: Lifecycle, given: Any) -> str:
    return one_of(given, lifecycle.states, "state")


def some_of(given: Any, words: Collection[str], field: str) -> list[str]:
    """Some of ``words``, each once, in their order."""
    if not isinstance(given, list | tuple | set | frozenset) or not set(map(str, given)) <= set(words):
        raise wrong("invalid_value", field, given, "some of " + ", ".join(words))
    return [word for word in words if word in given]


def keys(given: Any, known: Collection[str], field: str) -> Mapping[str, Any]:
    """An object with no other keys."""
    if not isinstance(given, Mapping) or not set(given) <= set(known):
        raise wrong("invalid_value", field, given, "an object of " + ", ".join(known))
    return given


def wrong(code: str, field: str, value: Any, expected: str) -> Invalid:
    found = value if isinstance(value, int) and not isinstance(value, bool) else shown(value)
    return Invalid(f"{field} is {found}, expected {expected}", code=code, field=field, found=found, expected=expected)
