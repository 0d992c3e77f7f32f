"""The mechanism section of a call's terms: by which rule places are given, and what is asked beyond capacity.

::

    {"fairness": "none",                                     or "resource"; optimal alone
     "limits": [{"kind": "company", "key": "*", "least": 0, "most": 2}],   at least and at most so many placed
     "shares": [{"label": "first_timer", "places": 5, "by": "score"}],     kept for some; by "lot": drawn by the seed
     "budget": null,                                         won for all placed together
     "groups": false}                                        joint pilots, all or none of them; optimal alone

A limit is of a company or municipality (its slug), or of a theme; ``*`` stands for each of them, and sets no least.
What needs ``optimal`` and is asked of another mechanism is refused before a call is published: without one pilot
others may no longer be feasible, and neither turns nor cutoffs can answer for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gops.accounts.checks import one_of, shown, whole
from gops.errors import Invalid
from gops.testbed import checks
from gops.testbed.allocation.choice import FAIRNESS, NAMES
from gops.testbed.allocation.instance import (
    APPLICATIONS_MAX,
    COST_MAX,
    GROUP_MAX,
    KINDS,
    LIMITS_MAX,
    ORDERS,
    SHARES_MAX,
    Demands,
    Limit,
    Share,
)
from gops.testbed.checks import wrong

MECHANISMS = NAMES
EACH = "*"
FIELD = "terms.allocation"
LABEL = re.compile(r"[a-z][a-z0-9_]{0,31}")
KEY_LENGTH = 80
NOTHING: Mapping[str, Any] = {"fairness": "none", "limits": [], "shares": [], "budget": None, "groups": False}


def read(given: Any, mechanism: str) -> dict[str, Any]:
    """The section in full. Raises ``Invalid``; ``needs_optimal`` for what only that mechanism has,
    ``fairness_of_groups`` for fairness by resource beside joint pilots, of whom it could protect none."""
    checks.keys(given, tuple(NOTHING), FIELD)
    made = {
        "fairness": one_of(given.get("fairness", "none"), FAIRNESS, f"{FIELD}.fairness"),
        "limits": _limits(given.get("limits", [])),
        "shares": _shares(given.get("shares", [])),
        "budget": _optional(given.get("budget"), 0, COST_MAX, f"{FIELD}.budget"),
        "groups": given.get("groups", False),
    }
    if not isinstance(made["groups"], bool):
        raise wrong("invalid_value", f"{FIELD}.groups", made["groups"], "true or false")
    _refuse_mix(made, mechanism)
    return made


def section(terms: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a call's terms; of one older than this section that it asks for nothing more."""
    found: Mapping[str, Any] = terms.get("allocation", NOTHING)
    return found


def labels(terms: Mapping[str, Any]) -> list[str]:
    """What an application in the call may be labelled with."""
    return [row["label"] for row in section(terms)["shares"]]


def demands(asked: Mapping[str, Any], present: Mapping[str, Iterable[str]]) -> Demands:
    """Of a section. ``present``: the companies, municipalities and themes of the instance, by kind: what ``*`` is."""
    limits: dict[tuple[str, str], Limit] = {}
    for row in sorted(asked["limits"], key=lambda row: row["key"] == EACH):  # what is named holds before "each"
        for key in sorted(set(present[row["kind"]])) if row["key"] == EACH else [row["key"]]:
            limits.setdefault((row["kind"], key), Limit(row["kind"], key, row["least"], row["most"]))
    shares = tuple(Share(row["label"], row["places"], row["by"]) for row in asked["shares"])
    return Demands(tuple(limits.values()), shares, asked["budget"])


def flatten(groups: Mapping[str, Sequence[int | str]]) -> dict[int, str]:
    """The group of each application. A member is an application (its id) or another group (its name), which is then
    part of the larger one. Raises ``Invalid``: ``cyclic_group``, ``unknown_group``; ``bad_group`` for one that is
    empty, of one member, or shares one with another."""
    inner = {member for members in groups.values() for member in members if isinstance(member, str)}
    found: dict[int, str] = {}
    seen: set[str] = set()
    for name in sorted(groups.keys() - inner):
        members = list(_members(groups, name, ()))
        seen |= {name}
        if not 2 <= len(members) <= GROUP_MAX:
            raise wrong("bad_group", f"groups[{shown(name)}]", len(members), f"2 to {GROUP_MAX} applications")
        for member in members:
            if member in found:
                raise wrong("bad_group", f"groups[{shown(name)}]", member, "an application of one group alone")
            found[member] = name
    for name in sorted(inner & groups.keys()):
        list(_members(groups, name, ()))  # a circle that no group stands outside of
    return found


def _members(groups: Mapping[str, Sequence[int | str]], name: str, trail: tuple[str, ...]) -> Iterable[int]:
    place = f"groups[{shown(name)}]"
    if name in trail:
        raise wrong("cyclic_group", place, " > ".join((*trail, name)), "groups that do not hold themselves")
    if name not in groups:
        raise wrong("unknown_group", place, name, "a group of the same list")
    if not groups[name]:
        raise wrong("bad_group", place, 0, f"2 to {GROUP_MAX} applications")
    for member in groups[name]:
        if isinstance(member, str):
            yield from _members(groups, member, (*trail, name))
        elif isinstance(member, int) and not isinstance(member, bool):
            yield member
        else:
            raise wrong("bad_group", place, member, "ids of applications and names of groups")


def _refuse_mix(made: Mapping[str, Any], mechanism: str) -> None:
    if mechanism == "optimal":
        if made["groups"] and made["fairness"] != "none":
            raise Invalid("fairness by resource protects nobody of a group", code="fairness_of_groups",
                          field=f"{FIELD}.fairness", found=made["fairness"],
                          expected="none, or a call without joint pilots")  # fmt: skip
        return
    least = next((index for index, row in enumerate(made["limits"]) if row["least"]), None)
    asked = [
        (f"{FIELD}.groups", made["groups"], "joint pilots"),
        (f"{FIELD}.limits[{least}].least", least is not None, "lower quotas"),
        (f"{FIELD}.fairness", made["fairness"] != "none", "fairness by resource"),
    ]
    for field, is_asked, what in asked:
        if is_asked:
            raise Invalid(f"{mechanism} has no {what}", code="needs_optimal", field=field, found=mechanism,
                          expected=f"the mechanism optimal, or no {what}")  # fmt: skip


def _limits(given: Any) -> list[dict[str, Any]]:
    rows = _list(given, f"{FIELD}.limits", LIMITS_MAX)
    found: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        field = f"{FIELD}.limits[{index}]"
        checks.keys(row, ("kind", "key", "least", "most"), field)
        kind = one_of(row.get("kind"), KINDS, f"{field}.kind")
        key = row.get("key")
        if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH or not key.isprintable():
            raise wrong("invalid_value", f"{field}.key", key, "a slug or a theme, or * for each")
        least = whole(row.get("least", 0), 0, 0 if key == EACH else APPLICATIONS_MAX, f"{field}.least")
        most = _optional(row.get("most"), least, APPLICATIONS_MAX, f"{field}.most")
        if (kind, key) in [(other["kind"], other["key"]) for other in found]:
            raise wrong("invalid_value", field, key, "one limit of each kind and key")
        found.append({"kind": kind, "key": key, "least": least, "most": most})
    return found


def _shares(given: Any) -> list[dict[str, Any]]:
    rows = _list(given, f"{FIELD}.shares", SHARES_MAX)
    found: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        field = f"{FIELD}.shares[{index}]"
        checks.keys(row, ("label", "places", "by"), field)
        label = row.get("label")
        if not isinstance(label, str) or not LABEL.fullmatch(label) or label in [other["label"] for other in found]:
            raise wrong(
                "invalid_value", f"{field}.label", label, "another label: small letters, digits and _, at most 32"
            )
        places = whole(row.get("places"), 1, APPLICATIONS_MAX, f"{field}.places")
        found.append({"label": label, "places": places, "by": one_of(row.get("by", "score"), ORDERS, f"{field}.by")})
    return found


def _optional(value: Any, low: int, high: int, field: str) -> int | None:
    return None if value is None else whole(value, low, high, field)


def _list(value: Any, field: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise wrong("invalid_value", field, value, f"a list of at most {most}")
    return value
