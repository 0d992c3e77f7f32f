"""What a site has beside place and capacity: zone, rules, consent, tags, bands, equipment, opening, short slots.

Kept as one JSON document with every key, so that a reader of any age finds each. ``read`` is the only way in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gops.accounts.checks import one_of, whole
from gops.sensors.texts import line, prose
from gops.testbed import checks
from gops.testbed.checks import wrong

ZONES = (
    "none", "regulatory_sandbox", "regulation_free_zone", "smart_city_pilot", "autonomous_driving", "drone",
    "urban_regeneration", "other",
)  # fmt: skip
"""Zones with rules of their own; the legal basis says which law."""
CONSENTS = ("unknown", "not_needed", "asked", "given", "refused")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BANDS_MAX, TAGS_MAX, EXEMPTIONS_MAX, EQUIPMENT_MAX, OPENING_MAX = 16, 32, 32, 64, 14
MICRO_WEEKS = (1, 13)
TAG = re.compile(r"[^\W_][\w-]{0,39}")
"""One word of letters, digits, _ and -, in any script."""
BAND = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)
EMPTY: Mapping[str, Any] = {
    "zone": "none",
    "legal_basis": "",
    "exemptions": [],
    "local_rules": "",
    "consent": "unknown",
    "consent_note": "",
    "tags": [],
    "bands": [],
    "equipment": [],
    "opening": [],
    "micro": None,
}


def of(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Every key, also those that a site of old has not."""
    return {**EMPTY, **(stored or {})}


def read(given: Any, stored: Mapping[str, Any] | None = None, field: str = "details") -> dict[str, Any]:
    """``stored`` with what is ``given`` in its place. Raises ``Invalid`` with the place of what is wrong."""
    if not isinstance(given, Mapping):
        raise wrong("invalid_value", field, given, "an object of " + ", ".join(EMPTY))
    for name in given:
        if name not in EMPTY:
            raise wrong("unknown_field", f"{field}.{name}", name, "one of " + ", ".join(EMPTY))
    clean = {name: _READERS[name](value, f"{field}.{name}") for name, value in given.items()}
    return of(stored) | clean


def _zone(value: Any, field: str) -> str:
    return one_of(value, ZONES, field)


def _consent(value: Any, field: str) -> str:
    return one_of(value, CONSENTS, field)


def _texts(value: Any, field: str) -> list[str]:
    rows = _rows(value, EXEMPTIONS_MAX, field)
    return [line(row, f"{field}[{index}]") for index, row in enumerate(rows)]


def _words(pattern: re.Pattern[str], most: int, expected: str) -> Callable[[Any, str], list[str]]:
    def words(value: Any, field: str) -> list[str]:
        for index, row in enumerate(_rows(value, most, field)):
            if not isinstance(row, str) or not pattern.fullmatch(row):
                raise wrong("invalid_value", f"{field}[{index}]", row, expected)
        return list(dict.fromkeys(value))

    return words


def _equipment(value: Any, field: str) -> list[dict[str, Any]]:
    return [_piece(row, f"{field}[{index}]") for index, row in enumerate(_rows(value, EQUIPMENT_MAX, field))]


def _piece(row: Any, field: str) -> dict[str, Any]:
    keys = _keys(row, ("kind", "count", "operator", "note"), field)
    operator = keys.get("operator", False)
    if not isinstance(operator, bool):
        raise wrong("invalid_value", f"{field}.operator", operator, "true where somebody comes with it to run it")
    kind = keys.get("kind")
    if not isinstance(kind, str) or not TAG.fullmatch(kind):
        raise wrong("invalid_value", f"{field}.kind", kind, "one word of at most 40 letters, digits, _ and -")
    return {
        "kind": kind,
        "count": whole(keys.get("count", 1), 1, 10_000, f"{field}.count"),
        "operator": operator,
        "note": line(keys.get("note", ""), f"{field}.note"),
    }


def _opening(value: Any, field: str) -> list[dict[str, Any]]:
    return [_window(row, f"{field}[{index}]") for index, row in enumerate(_rows(value, OPENING_MAX, field))]


def _window(row: Any, field: str) -> dict[str, Any]:
    keys = _keys(row, ("days", "from", "until"), field)
    for name in ("from", "until"):
        if not isinstance(keys.get(name), str) or not TIME.fullmatch(keys[name]):
            raise wrong("invalid_value", f"{field}.{name}", keys.get(name), "a time of day, 00:00 to 24:00")
    if keys["from"] >= keys["until"]:
        raise wrong("invalid_value", f"{field}.until", keys["until"], f"a time after {keys['from']}")
    days = checks.some_of(keys.get("days"), DAYS, f"{field}.days")
    if not days:
        raise wrong("invalid_value", f"{field}.days", [], "at least one of " + ", ".join(DAYS))
    return {"days": days, "from": keys["from"], "until": keys["until"]}


def _micro(value: Any, field: str) -> dict[str, Any] | None:
    """``keep``: what stays free in every week of a micro-slot; ``weeks``: the longest one. None: there are none."""
    if value is None:
        return None
    keys = _keys(value, ("keep", "weeks"), field)
    keep = checks.amounts(keys.get("keep", {}), f"{field}.keep")
    return {
        "keep": {name: whole(amount, 0, checks.AMOUNT_MAX, f"{field}.keep.{name}") for name, amount in keep.items()},
        "weeks": whole(keys.get("weeks", 2), *MICRO_WEEKS, f"{field}.weeks"),
    }


def _rows(value: Any, most: int, field: str) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise wrong("invalid_value", field, value if not isinstance(value, list) else f"{len(value)} rows",
                    f"a list of at most {most}")  # fmt: skip
    return value


def _keys(row: Any, known: Sequence[str], field: str) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise wrong("invalid_value", field, row, "an object of " + ", ".join(known))
    for name in row:
        if name not in known:
            raise wrong("unknown_field", f"{field}.{name}", name, "one of " + ", ".join(known))
    return row


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "zone": _zone,
    "legal_basis": lambda value, field: line(value, field, 500),
    "exemptions": _texts,
    "local_rules": prose,
    "consent": _consent,
    "consent_note": lambda value, field: line(value, field, 500),
    "tags": _words(TAG, TAGS_MAX, "one word of at most 40 letters, digits, _ and -"),
    "bands": _words(BAND, BANDS_MAX, "a band, such as b920: at most 32 small letters, digits, . _ and -"),
    "equipment": _equipment,
    "opening": _opening,
    "micro": _micro,
}
