"""What the clock gives a call: its state, and the deadlines that follow from its close in working days.

The lengths stand in its terms (``timetable``), frozen with them; the moments move when an erratum extends the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case

from gops.accounts.checks import whole
from gops.settings import Settings
from gops.testbed import checks, workdays
from gops.testbed.checks import wrong
from gops.testbed.model import Call

LONGEST = 365  # working days
FIELD = "terms.timetable"


def _defaults(settings: Settings) -> dict[str, int]:
    """Working days: questions and answers end so many before the close, reviews so many after it; an offer lapses and
    the window for appeals closes so many after they begin."""
    return {"questions": 5, "answers": 2, "review": 20, "offers": settings.offer_days, "appeals": settings.appeal_days}


def read(given: Any, settings: Settings) -> dict[str, int]:
    """The section of the terms in full. Raises ``Invalid``."""
    defaults = _defaults(settings)
    checks.keys(given, tuple(defaults), FIELD)
    found = {
        name: whole(given.get(name, default), 1 if name == "offers" else 0, LONGEST, f"{FIELD}.{name}")
        for name, default in defaults.items()
    }
    if found["questions"] < found["answers"]:
        raise wrong("bad_timetable", f"{FIELD}.questions", found["questions"],
                    f"at least answers, {found['answers']}: what is asked last is answered too")  # fmt: skip
    return found


def lengths(terms: Mapping[str, Any], settings: Settings) -> Mapping[str, int]:
    """The working days of a call; the defaults for one that was published without them."""
    return {**_defaults(settings), **terms.get("timetable", {})}


def set_deadlines(call: Call, settings: Settings) -> None:
    """Anew from ``closes_at``; what would end before the call opens ends with its opening."""
    days = lengths(call.terms, settings)
    call.questions_until = max(call.opens_at, _from_close(call, -days["questions"], settings))
    call.answers_until = max(call.opens_at, _from_close(call, -days["answers"], settings))
    call.review_until = _from_close(call, days["review"], settings)


def _from_close(call: Call, count: int, settings: Settings) -> int:
    return workdays.from_moment(call.closes_at, count, settings) if count else call.closes_at


def state_at(call: Call, now: int) -> str:
    """The state that the clock gives a call."""
    if call.state in ("published", "open"):
        return "published" if now < call.opens_at else "open" if now < call.closes_at else "closed"
    return call.state


def state_column(now: int) -> ColumnElement[str]:
    """The same in SQL."""
    timed = Call.state.in_(("published", "open"))
    return case(
        (and_(timed, Call.closes_at <= now), "closed"), (and_(timed, Call.opens_at <= now), "open"), else_=Call.state
    )
