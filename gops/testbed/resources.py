"""What can be held of a site week by week, and what a call allocates of it.

Every site has ``area_m2`` and ``power_w``, and further additive resources by names of its own (``visitors``,
``bandwidth_mbps``). Its equipment counts too: ``equipment.KIND`` is all of a kind, ``equipment.KIND.operator`` what
comes with somebody to run it. A call names what it allocates; what it does not name is nobody's to compete for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from gops.testbed.allocation.outcome import WORDS
from gops.testbed.checks import EQUIPMENT, RESOURCE, RESOURCES, RESOURCES_MAX, wrong
from gops.testbed.model import Amounts, Application, Call, Site

FIELD = "terms.resources"


def read(given: Any) -> list[str]:
    """The resources that a call allocates, ``area_m2`` first. Which of them there are is known at its publication.

    Raises ``Invalid``: ``unknown_resource``, ``invalid_value``.
    """
    if not isinstance(given, list) or not 0 < len(given) <= RESOURCES_MAX:
        raise wrong("invalid_value", FIELD, given, f"a list of 1 to {RESOURCES_MAX} names")
    for index, name in enumerate(given):
        field = f"{FIELD}[{index}]"
        if not isinstance(name, str) or not (RESOURCE.fullmatch(name) or EQUIPMENT.fullmatch(name)) or name in WORDS:
            raise wrong("unknown_resource", field, name, "the name of a resource of its sites, or equipment.KIND")
        if name in given[:index]:
            raise wrong("invalid_value", field, name, "each resource once")
    if RESOURCES[0] not in given:
        raise wrong("invalid_value", FIELD, ", ".join(given), f"{RESOURCES[0]} among them: every pilot needs area")
    return ordered(given)


def ordered(names: Iterable[str]) -> list[str]:
    """Those that every site has first, then by name."""
    there = set(names)
    return [*(name for name in RESOURCES if name in there), *sorted(there - set(RESOURCES))]


def stated(names: Iterable[str]) -> tuple[str, ...]:
    """Those whose need an application says by their names; what it needs of equipment stands in its details."""
    return tuple(name for name in names if not EQUIPMENT.fullmatch(name))


def refuse_unknown(names: Sequence[str], sites: Iterable[tuple[Amounts, Mapping[str, Any] | None]]) -> None:
    """``sites``: capacity and details of each. Raises ``Invalid`` (``unknown_resource``) with what they have."""
    known = set[str]().union(*(counted(capacity, details) for capacity, details in sites))
    for index, name in enumerate(names):
        if name not in known:
            raise wrong("unknown_resource", f"{FIELD}[{index}]", name,
                        "one of those of the call's sites: " + ", ".join(ordered(known)))  # fmt: skip


def of_site(site: Site) -> Amounts:
    """What it has in any week without closure."""
    return counted(site.capacity, site.details)


def counted(capacity: Amounts, details: Mapping[str, Any] | None) -> Amounts:
    """``capacity`` with the equipment of ``details`` beside it."""
    return {**capacity, **_pieces((details or {}).get("equipment", ()))}


def of_application(call: Call, application: Application) -> Amounts:
    """What it holds in every week of a place: what it needs of what its call allocates."""
    needs = {**application.needs, **_pieces((application.details or {}).get("equipment", ()))}
    return {name: needs[name] for name in call.terms["resources"] if name in needs}


def _pieces(rows: Collection[Mapping[str, Any]]) -> Amounts:
    found: Amounts = {}
    for row in rows:
        names = [f"equipment.{row['kind']}"] + [f"equipment.{row['kind']}.operator"] * row["operator"]
        for name in names:
            found[name] = found.get(name, 0) + row["count"]
    return found
