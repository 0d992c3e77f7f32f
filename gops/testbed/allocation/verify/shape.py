"""The shape of a round file: every key there, no other, every value of its kind and within its bounds."""

from __future__ import annotations

import datetime as dt
from typing import Any

from gops.testbed.allocation.verify import demanding
from gops.testbed.allocation.verify.finding import Findings

FORMATS = ("gops-round/1", "gops-round/2")
RANKED = {"id": "ranked", "version": 1}
MECHANISMS = [RANKED, {"id": "fair", "version": 1}] + [
    {"fairness": fairness, "id": "optimal", "version": 1} for fairness in ("none", "resource")
]
STAGES = ("quotas", "scores", "placed", "ranks", "starts")
AMOUNT = 1_000_000_000
SCORE = 10_000
WEEKS = 520
DISTANCE = 100_000_000
HEX = set("0123456789abcdef")


def check(document: Any, findings: Findings) -> bool:
    """True when what follows may read the inputs without looking whether a key is there."""
    before = findings.count
    second = type(document) is dict and document.get("format") == FORMATS[1]
    parts = ("findings",) * second + ("inputs", "marks", "outcome", "refusals")
    if _keys(document, ("format", "hashes", *parts), "round", findings):
        if document["format"] not in FORMATS:
            findings.add("format", "format", document["format"], " or ".join(FORMATS))
        _keys(document["hashes"], parts, "hashes", findings)
        _marks(document["marks"], findings)
        _inputs(document["inputs"], findings, second)
        if second and findings.count == before:
            _findings(document["findings"], document["inputs"]["mechanism"]["id"] == "optimal", findings)
        for part in ("outcome", "refusals"):
            _is(document[part], list, part, findings)
    return findings.count == before


def _marks(value: Any, findings: Findings) -> None:
    parts = ("applications", "near", "outcome", "refusals", "sites")
    if _keys(value, parts, "marks", findings):
        for part in parts:
            _is(value[part], list, f"marks.{part}", findings)


def _findings(value: Any, proven: bool, findings: Findings) -> None:
    if not _keys(value, ("guaranteed", "proof"), "findings", findings):
        return
    for index, row in enumerate(value["guaranteed"] if type(value["guaranteed"]) is list else [None]):
        if type(row) is not list or len(row) != 2 or set(map(type, row)) != {str}:
            findings.add("guaranteed", f"findings.guaranteed[{index}]", row, "a label and an application")
    if proven:
        _proof(value["proof"], findings)
    elif value["proof"] is not None:
        findings.add("proof", "findings.proof", value["proof"], "null: this mechanism states no bound")


def _proof(proof: Any, findings: Findings) -> None:
    if not _keys(proof, ("price", "stages"), "findings.proof", findings, frozenset({"limited_by"})):
        return
    if proof.get("limited_by", "clock") != "clock":
        findings.add("proof", "findings.proof.limited_by", proof["limited_by"], "clock, or nothing")
    if proof["price"] is not None and type(proof["price"]) is not int:
        findings.add("proof", "findings.proof.price", proof["price"], "a whole number or null")
    for index, row in enumerate(proof["stages"] if type(proof["stages"]) is list else [None]):
        place = f"findings.proof.stages[{index}]"
        if _keys(row, ("bound", "name", "value"), place, findings) and not (
            row["name"] in STAGES and type(row["value"]) is int and type(row["bound"]) in (int, type(None))
        ):
            findings.add("proof", place, row, f"one of {', '.join(STAGES)}, a value and a bound or null")


def _inputs(inputs: Any, findings: Findings, second: bool) -> None:
    if not _keys(inputs, ("call", "instance", "mechanism", "seed"), "inputs", findings):
        return
    _is(inputs["call"], dict, "inputs.call", findings)
    known = MECHANISMS if second else [RANKED]
    if inputs["mechanism"] not in known or any(type(value) is bool for value in inputs["mechanism"].values()):
        findings.add("mechanism", "inputs.mechanism", inputs["mechanism"], " or ".join(map(str, known)))
    seed = inputs["seed"]
    if _keys(seed, ("nonces", "operator_seed", "operator_seed_sha256", "seed"), "inputs.seed", findings):
        for key in ("operator_seed", "operator_seed_sha256", "seed"):
            _hex(seed[key], f"inputs.seed.{key}", findings)
        if _is(seed["nonces"], list, "inputs.seed.nonces", findings):
            for index, nonce in enumerate(seed["nonces"]):
                _hex(nonce, f"inputs.seed.nonces[{index}]", findings)
    _instance(inputs["instance"], findings, second, inputs["mechanism"] == RANKED)


def _instance(value: Any, findings: Findings, second: bool, one_score: bool) -> None:
    place = "inputs.instance"
    keys = ("applications", "bands", "first_week", "near", "resources", "shift_max", "sites", "weeks")
    more = demanding.KEYS if second else demanding.NONE
    if not _keys(value, keys, place, findings, more.instance):
        return
    before = findings.count
    _monday(value["first_week"], findings)
    _whole(value["weeks"], 1, WEEKS, f"{place}.weeks", findings)
    _whole(value["shift_max"], 0, WEEKS, f"{place}.shift_max", findings)
    for key in ("applications", "bands", "near", "resources", "sites"):
        _is(value[key], list, f"{place}.{key}", findings)
    if findings.count > before:
        return
    _names(value["resources"], f"{place}.resources", findings, ascending=False)
    _bands(value["bands"], findings)
    _sites(value, findings, more.site)
    if findings.count == before:
        _near(value, findings)
        _applications(value, findings, more.application, one_score)
    if findings.count == before:
        demanding.check(value, findings)


def _bands(bands: list[Any], findings: Findings) -> None:
    for index, band in enumerate(bands):
        place = f"inputs.instance.bands[{index}]"
        if _keys(band, ("id", "separation_cm"), place, findings):
            _whole(band["separation_cm"], 0, DISTANCE, f"{place}.separation_cm", findings)
    _ids(bands, "inputs.instance.bands", findings)


def _sites(instance: Any, findings: Findings, more: frozenset[str]) -> None:
    """All sites have one shape, so most are settled by one comparison."""
    weeks, resources = instance["weeks"], len(instance["resources"])
    for index, site in enumerate(instance["sites"]):
        place = f"inputs.instance.sites[{index}]"
        if not _keys(site, ("capacity", "id"), place, findings, more):
            continue
        capacity = site["capacity"]
        if not _is(capacity, list, f"{place}.capacity", findings) or len(capacity) != weeks:
            findings.add("capacity", f"{place}.capacity", "another number of weeks", weeks)
            continue
        for week, amounts in enumerate(capacity):
            if type(amounts) is not list or len(amounts) != resources:
                findings.add("capacity", f"{place}.capacity[{week}]", amounts, f"{resources} amounts")
            elif any(type(amount) is not int or not 0 <= amount <= AMOUNT for amount in amounts):
                findings.add("capacity", f"{place}.capacity[{week}]", amounts, f"whole numbers to {AMOUNT}")
    _ids(instance["sites"], "inputs.instance.sites", findings)


def _near(instance: Any, findings: Findings) -> None:
    sites = {site["id"] for site in instance["sites"]}
    last = ("", "")
    for index, pair in enumerate(instance["near"]):
        place = f"inputs.instance.near[{index}]"
        if type(pair) is not list or len(pair) != 3 or not all(type(name) is str for name in pair[:2]):
            findings.add("near", place, pair, "two sites and a distance")
            continue
        _whole(pair[2], 0, DISTANCE, place, findings)
        named = (pair[0], pair[1])
        if not (pair[0] in sites and pair[1] in sites and pair[0] < pair[1] and last < named):
            findings.add("near", place, pair, "two sites of the instance in order, each pair once, ascending")
        last = named


def _applications(instance: Any, findings: Findings, more: frozenset[str], one_score: bool) -> None:
    keys = ("band", "duration", "first_start", "id", "last_start", "needs", "scores", "sites")
    sites = {site["id"] for site in instance["sites"]}
    bands = {band["id"] for band in instance["bands"]} | {None}
    for index, row in enumerate(instance["applications"]):
        place = f"inputs.instance.applications[{index}]"
        if not _keys(row, keys, place, findings, more):
            continue
        wrong = (
            _window(row, instance["weeks"])
            or _amounts(row, len(instance["resources"]))
            or _ranks(row, sites, one_score)
        )
        if wrong:
            findings.add("application", f"{place}.{wrong[0]}", row[wrong[0]], wrong[1])
        elif not isinstance(row["band"], str | None) or row["band"] not in bands:
            findings.add("application", f"{place}.band", row["band"], "a band of the instance or null")
    _ids(instance["applications"], "inputs.instance.applications", findings)


def _window(row: Any, weeks: int) -> tuple[str, str] | None:
    duration, first, last = row["duration"], row["first_start"], row["last_start"]
    if type(duration) is not int or not 1 <= duration <= weeks:
        return "duration", f"1 to {weeks} weeks"
    if type(first) is not int or not 0 <= first <= weeks - duration:
        return "first_start", f"a week from 0 to {weeks - duration}"
    if type(last) is not int or not first <= last <= weeks - duration:
        return "last_start", f"a week from {first} to {weeks - duration}"
    return None


def _amounts(row: Any, resources: int) -> tuple[str, str] | None:
    needs = row["needs"]
    if type(needs) is not list or len(needs) != resources or set(map(type, needs)) != {int}:
        return "needs", f"{resources} whole numbers"
    if min(needs) < 0 or max(needs) > AMOUNT or not any(needs):
        return "needs", f"amounts from 0 to {AMOUNT}, one above 0"
    return None


def _ranks(row: Any, sites: set[str], one_score: bool) -> tuple[str, str] | None:
    ranked, scores = row["sites"], row["scores"]
    if type(ranked) is not list or not ranked or set(map(type, ranked)) != {str}:
        return "sites", "names of sites"
    if not sites.issuperset(ranked) or len(set(ranked)) != len(ranked):
        return "sites", "sites of the instance, each once"
    if type(scores) is not list or len(scores) != len(ranked) or set(map(type, scores)) != {int}:
        return "scores", "one whole number for each ranked site"
    if min(scores) < 0 or max(scores) > SCORE:
        return "scores", f"scores from 0 to {SCORE}"
    if one_score and len(set(scores)) != 1:
        return "scores", f"one score from 0 to {SCORE} at every site"
    return None


def _keys(
    value: Any, keys: tuple[str, ...], place: str, findings: Findings, more: frozenset[str] = frozenset()
) -> bool:
    """Exactly the keys, and none but ``more`` beside them."""
    whole = type(value) is dict and all(key in value for key in keys)
    if whole and (len(value) == len(keys) or value.keys() - set(keys) <= more):
        return True
    found = sorted(map(str, value)) if isinstance(value, dict) else type(value).__name__
    findings.add("shape", place, found, f"an object of {', '.join(keys)}")
    return False


def _is(value: Any, kind: type, place: str, findings: Findings) -> bool:
    if type(value) is kind:
        return True
    findings.add("shape", place, type(value).__name__, kind.__name__)
    return False


def _whole(value: Any, low: int, high: int, place: str, findings: Findings) -> None:
    if type(value) is not int or not low <= value <= high:
        findings.add("number", place, value, f"a whole number from {low} to {high}")


def _hex(value: Any, place: str, findings: Findings) -> None:
    if type(value) is not str or len(value) % 2 or not HEX.issuperset(value):
        findings.add("hex", place, value, "bytes in small hex digits")


def _monday(value: Any, findings: Findings) -> None:
    try:
        good = dt.date.fromisoformat(value).weekday() == 0
    except (TypeError, ValueError):
        good = False
    if not good:
        findings.add("first_week", "inputs.instance.first_week", value, "the date of a Monday")


def _ids(rows: list[Any], place: str, findings: Findings) -> None:
    if all(type(row) is dict and "id" in row for row in rows):
        _names([row["id"] for row in rows], place, findings, ascending=True)


def _names(names: list[Any], place: str, findings: Findings, *, ascending: bool) -> None:
    for index, name in enumerate(names):
        if type(name) is not str or not name:
            findings.add("name", f"{place}[{index}]", name, "a name")
            return
        if ascending and index and not names[index - 1] < name:
            findings.add("order", f"{place}[{index}]", name, f"an id after {names[index - 1]}")
            return
    if len(set(names)) != len(names):
        findings.add("name", place, "a name twice", "every name once")
