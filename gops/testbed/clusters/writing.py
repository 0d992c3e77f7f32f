"""What a cluster may say of itself: keys of goal and solution, a purpose, KPIs and milestones. Each row is small."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

from gops.accounts.checks import name, one_of
from gops.sensors.texts import line, number, prose
from gops.testbed.checks import wrong

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
ROWS_MAX = 50
WORDS_MAX = 8
MEMBERS_MAX = 100
Row = dict[str, Any]


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """The clean values of what is given. Raises ``Invalid`` with the place of what is wrong."""
    readers: Mapping[str, Callable[[Any], Any]] = {
        "title": lambda value: name(value, "title"),
        "goal": lambda value: key(value, "goal"),
        "solution": lambda value: key(value, "solution"),
        "purpose": lambda value: prose(value, "purpose"),
        "kpis": lambda value: _rows(value, "kpis", _kpi),
        "milestones": lambda value: _rows(value, "milestones", _milestone),
    }
    return {field: readers[field](value) for field, value in given.items() if value is not None}


def key(value: Any, field: str) -> str:
    """A short word that clusters share, such as ``clean-streets``."""
    if isinstance(value, str) and KEY.fullmatch(value):
        return value
    raise wrong("invalid_value", field, value, "1 to 64 small letters, digits, _ and -, such as clean-streets")


def _rows(given: Any, field: str, read_one: Callable[[Any, str], Row]) -> list[Row]:
    if not isinstance(given, list) or len(given) > ROWS_MAX:
        raise wrong("invalid_value", field, given, f"a list of at most {ROWS_MAX}")
    return [read_one(row, f"{field}[{index}]") for index, row in enumerate(given)]


def _kpi(row: Any, field: str) -> Row:
    """``baseline`` and ``target`` are numbers, or null where they are not known yet."""
    _keys(row, ("name", "unit", "baseline", "target"), field)
    numbers = {
        part: None if row.get(part) is None else number(row[part], f"{field}.{part}") for part in ("baseline", "target")
    }
    return {"name": name(row.get("name"), f"{field}.name"), "unit": line(row.get("unit", ""), f"{field}.unit", 32),
            **numbers}  # fmt: skip


def _milestone(row: Any, field: str) -> Row:
    _keys(row, ("title", "due", "state"), field)
    state = one_of(row.get("state", "planned"), ("planned", "reached", "missed"), f"{field}.state")
    return {"title": name(row.get("title"), f"{field}.title"), "due": _date(row.get("due"), f"{field}.due"),
            "state": state}  # fmt: skip


def _date(value: Any, field: str) -> str:
    try:
        return dt.date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise wrong("invalid_value", field, value, "a date, YYYY-MM-DD") from None


def _keys(row: Any, known: tuple[str, ...], field: str) -> None:
    if not isinstance(row, dict):
        raise wrong("invalid_value", field, row, "an object with " + ", ".join(known))
    for one in row:
        if one not in known:
            raise wrong("unknown_field", f"{field}.{one}", one, "one of " + ", ".join(known))
