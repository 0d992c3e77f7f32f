"""Whom the limits of a call are of. Terms are frozen with slugs; an organisation that takes another keeps its limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gops.accounts.lookup import find_organisation
from gops.testbed import mechanisms
from gops.testbed.checks import THEMES, wrong

ORGANISATIONS = ("company", "municipality")
Rows = Sequence[Mapping[str, Any]]


def present(session: Session, limits: Rows) -> list[dict[str, Any]]:
    """The limits by the slugs that their organisations have now."""
    return [{**row, "key": _now(session, row)} for row in limits]


def refuse_unknown(session: Session, terms: Mapping[str, Any]) -> None:
    """At publication: a limit of nobody would never hold. Raises ``Invalid`` (``unknown_limit``, ``invalid_value``)."""
    seen = set()
    for index, row in enumerate(mechanisms.section(terms)["limits"]):
        field, kind = f"{mechanisms.FIELD}.limits[{index}].key", row["kind"]
        if row["key"] != mechanisms.EACH:
            _refuse(session, kind, row["key"], field)
        one = kind, _now(session, row)
        if one in seen:
            raise wrong("invalid_value", field, row["key"], "one limit of each organisation")
        seen.add(one)


def _refuse(session: Session, kind: str, key: str, field: str) -> None:
    if kind == "theme" and key not in THEMES:
        raise wrong("unknown_limit", field, key, "one of " + ", ".join(THEMES))
    if kind in ORGANISATIONS:
        home = find_organisation(session, key)
        if home is None or (kind == "municipality" and home.kind != kind):
            raise wrong("unknown_limit", field, key, f"the slug of an organisation that is a {kind}"
                        if kind == "municipality" else "the slug of an organisation")  # fmt: skip


def _now(session: Session, row: Mapping[str, Any]) -> str:
    key = str(row["key"])
    found = find_organisation(session, key) if row["kind"] in ORGANISATIONS and key != mechanisms.EACH else None
    return key if found is None else found.slug
