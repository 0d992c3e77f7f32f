"""The shape of what an instance asks beyond capacity: limits, shares, a budget, groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from gops.testbed.allocation.verify.finding import Findings

COST = 1_000_000_000_000
COUNT = 100_000
KINDS = ("company", "municipality", "theme")
PLACE = "inputs.instance.demands"


@dataclass(frozen=True)
class Keys:
    """What may stand in an instance, a site and an application beside what must."""

    instance: frozenset[str] = frozenset()
    site: frozenset[str] = frozenset()
    application: frozenset[str] = frozenset()


NONE = Keys()
KEYS = Keys(
    frozenset({"demands"}), frozenset({"municipality"}), frozenset({"company", "cost", "group", "labels", "theme"})
)


def check(instance: Any, findings: Findings) -> None:
    """Everything but the demands is known to have its shape."""
    for index, site in enumerate(instance["sites"]):
        if "municipality" in site and not _is_name(site["municipality"]):
            findings.add("name", f"inputs.instance.sites[{index}].municipality", site["municipality"], "a name")
    for index, row in enumerate(instance["applications"]):
        _application(row, f"inputs.instance.applications[{index}]", findings)
    sizes = Counter(row["group"] for row in instance["applications"] if type(row.get("group")) is str)
    for group, size in sizes.items():
        if size < 2:
            findings.add("group", "inputs.instance.applications", f"{group} has {size}", "two members or more")
    if "demands" in instance:
        _demands(instance["demands"], findings)


def _application(row: Any, place: str, findings: Findings) -> None:
    for key in ("company", "group", "theme"):
        if key in row and not _is_name(row[key]):
            findings.add("name", f"{place}.{key}", row[key], "a name")
    if "cost" in row and not _is_count(row["cost"], 1, COST):
        findings.add("number", f"{place}.cost", row["cost"], f"a whole number from 1 to {COST}")
    labels = row.get("labels", ["x"])
    if type(labels) is not list or not labels or not all(map(_is_name, labels)) or labels != sorted(set(labels)):
        findings.add("labels", f"{place}.labels", labels, "names, ascending, each once")


def _demands(value: Any, findings: Findings) -> None:
    if type(value) is not dict or value.keys() != {"budget", "limits", "shares"}:
        findings.add("shape", PLACE, value, "an object of budget, limits, shares")
        return
    if value["budget"] is not None and not _is_count(value["budget"], 0, COST):
        findings.add("number", f"{PLACE}.budget", value["budget"], f"null or a whole number from 0 to {COST}")
    for name, good in (("limits", _is_limit), ("shares", _is_share)):
        rows = value[name] if type(value[name]) is list else [value[name]]
        for index, row in enumerate(rows):
            if type(value[name]) is not list or not good(row):
                findings.add(name, f"{PLACE}.{name}[{index}]", row, f"one of the {name} of a call")
    if not findings.count:
        keys = [(row["kind"], row["key"]) for row in value["limits"]]
        labels = [row["label"] for row in value["shares"]]
        if keys != sorted(set(keys)) or len(set(labels)) != len(labels):
            findings.add("order", PLACE, "a limit or share twice, or limits in another order", "each once, ascending")


def _is_limit(row: Any) -> bool:
    return (
        type(row) is dict
        and row.keys() == {"key", "kind", "least", "most"}
        and _is_name(row["key"])
        and row["kind"] in KINDS
        and _is_count(row["least"], 0, COUNT)
        and (row["most"] is None or _is_count(row["most"], row["least"], COUNT))
    )


def _is_share(row: Any) -> bool:
    return (
        type(row) is dict
        and row.keys() == {"by", "label", "places"}
        and _is_name(row["label"])
        and row["by"] in ("lot", "score")
        and _is_count(row["places"], 1, COUNT)
    )


def _is_name(value: Any) -> bool:
    return type(value) is str and bool(value)


def _is_count(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high
