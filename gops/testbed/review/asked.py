"""The review section of a call's terms.

::

    {"scoring": "panel",      evaluators, one score for all sites; "municipal": each municipality for its own sites
     "reviews": 3}            submitted reviews that an application needs

Scores of their own for the sites of each municipality mean something under ``fair`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gops.accounts.checks import one_of, whole
from gops.errors import Invalid
from gops.testbed import checks

SCORING = ("panel", "municipal")
LEAST, MOST = 3, 20
FIELD = "terms.review"
DEFAULT: Mapping[str, Any] = {"scoring": "panel", "reviews": LEAST}


def read(given: Any, mechanism: str) -> dict[str, Any]:
    """The section in full. Raises ``Invalid``; ``needs_fair`` for municipal scores under another mechanism."""
    checks.keys(given, tuple(DEFAULT), FIELD)
    scoring = one_of(given.get("scoring", "panel"), SCORING, f"{FIELD}.scoring")
    if scoring == "municipal" and mechanism != "fair":
        raise Invalid("municipal scores need the mechanism fair", code="needs_fair", field=f"{FIELD}.scoring",
                      found=mechanism, expected="the mechanism fair, or scoring panel")  # fmt: skip
    return {"scoring": scoring, "reviews": whole(given.get("reviews", LEAST), LEAST, MOST, f"{FIELD}.reviews")}


def section(terms: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a call's terms; the default for one that was published without it."""
    return {**DEFAULT, **terms.get("review", {})}


def is_municipal(terms: Mapping[str, Any]) -> bool:
    return bool(section(terms)["scoring"] == "municipal")
