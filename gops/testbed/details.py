"""What an application says of itself beside its place in the calendar: a checked document.

::

    {"technology": [words], "region": code or null,
     "equipment": [{"kind", "count", "operator"}],          wanted of the site, with somebody who runs it or without
     "exemptions": [{"law", "need"}],                       from which rule, and why
     "funding": {"requested", "own", "other"},              KRW
     "maintenance": {"by", "plan"},                         who looks after it when the pilot has ended, and how
     "kpis": [{"name", "unit", "baseline", "target"}],      unit in UCUM; baseline before the pilot, or null
     "confidential": [names of the above]}                  not for municipalities; for operator and evaluators they are

Everything may be left out; a call asks for what it needs by its rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gops import units
from gops.accounts.checks import name, whole
from gops.sensors.texts import line, number, prose
from gops.testbed import call_rules, checks
from gops.testbed.checks import wrong
from gops.testbed.places.details import TAG

PARTS = ("technology", "equipment", "exemptions", "funding", "maintenance", "kpis")
CONFIDENTIAL = (*PARTS, "documents")
"""What may be confidential."""
LISTED_MAX = 20
COUNT_MAX = 10_000
FIELD = "details"
Details = dict[str, Any]


def read(given: Any) -> Details:
    """The document in full. Raises ``Invalid`` with the place of what is wrong."""
    checks.keys(given, (*PARTS, "region", "confidential"), FIELD)
    region = given.get("region")
    return {
        "technology": _rows(given, "technology", lambda row, field: name(row, field)),
        "region": None if region is None else call_rules.region(region, f"{FIELD}.region"),
        "equipment": _rows(given, "equipment", _equipment),
        "exemptions": _rows(given, "exemptions", _exemption),
        "funding": _funding(given.get("funding", {})),
        "maintenance": _maintenance(given.get("maintenance", {})),
        "kpis": _rows(given, "kpis", _kpi),
        "confidential": checks.some_of(given.get("confidential", []), CONFIDENTIAL, f"{FIELD}.confidential"),
    }


def of(kept: Details | None) -> Details:
    """What was kept with an application; empty for one that was written before there were details."""
    return read({}) if kept is None else kept


def without_confidential(document: Details) -> Details:
    """As municipalities see it."""
    hidden = set(document["confidential"])
    return {part: value for part, value in document.items() if part not in hidden}


def verdicts_shown(document: Details, verdicts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Without those that repeat what is confidential. Of the documents that are missing nothing is said either."""
    hidden = {*document["confidential"]} & {"documents"} | {f"{FIELD}.{part}" for part in document["confidential"]}
    return [dict(one) for one in verdicts if ".".join(one["field"].split(".")[:2]) not in hidden]


def cost(document: Details) -> int:
    """KRW in all."""
    return sum(document["funding"].values())


def _rows(given: Mapping[str, Any], part: str, check: Callable[[Any, str], Any]) -> list[Any]:
    field, rows = f"{FIELD}.{part}", given.get(part, [])
    if not isinstance(rows, Sequence) or isinstance(rows, str) or len(rows) > LISTED_MAX:
        raise wrong("invalid_value", field, rows, f"a list of at most {LISTED_MAX}")
    return [check(row, f"{field}[{index}]") for index, row in enumerate(rows)]


def _equipment(row: Any, field: str) -> dict[str, Any]:
    checks.keys(row, ("kind", "count", "operator"), field)
    operator = row.get("operator", False)
    if not isinstance(operator, bool):
        raise wrong("invalid_value", f"{field}.operator", operator, "true or false")
    count = whole(row.get("count", 1), 1, COUNT_MAX, f"{field}.count")
    kind = row.get("kind")
    if not isinstance(kind, str) or not TAG.fullmatch(kind):
        raise wrong("invalid_value", f"{field}.kind", kind, "one word, as sites name their equipment")
    return {"kind": kind, "count": count, "operator": operator}


def _exemption(row: Any, field: str) -> dict[str, Any]:
    checks.keys(row, ("law", "need"), field)
    return {"law": name(row.get("law"), f"{field}.law"), "need": prose(row.get("need", ""), f"{field}.need")}


def _funding(given: Any) -> dict[str, int]:
    field, parts = f"{FIELD}.funding", ("requested", "own", "other")
    checks.keys(given, parts, field)
    return {part: whole(given.get(part, 0), 0, checks.WON_MAX, f"{field}.{part}") for part in parts}


def _maintenance(given: Any) -> dict[str, str]:
    field = f"{FIELD}.maintenance"
    checks.keys(given, ("by", "plan"), field)
    return {"by": line(given.get("by", ""), f"{field}.by"), "plan": prose(given.get("plan", ""), f"{field}.plan")}


def _kpi(row: Any, field: str) -> dict[str, Any]:
    checks.keys(row, ("name", "unit", "baseline", "target"), field)
    baseline = row.get("baseline")
    return {
        "name": name(row.get("name"), f"{field}.name"),
        "unit": units.parse(row.get("unit"), f"{field}.unit").code,
        "baseline": None if baseline is None else number(baseline, f"{field}.baseline"),
        "target": number(row.get("target"), f"{field}.target"),
    }
