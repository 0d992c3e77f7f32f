"""The independent verifier: it believes a true round, and says where any other is not."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

import gops.testbed.allocation.verify as verifier
from gops.testbed.allocation import roundfile
from gops.testbed.allocation.instance import Band, Near
from gops.testbed.allocation.verify import Report, verify
from tests.unit.testbed.instances import application, instance, site, written

ROWS = [
    application("a", [6, 5], "XY", 9000, duration=2, last=1, band="b920"),
    application("b", [5, 5], "XY", 8000, last=1, band="b920"),
    application("c", [6, 1], "X", 7000, duration=2, last=1),
    application("d", [6, 9], "XZ", 6000, duration=3, first=1, last=1),
    application("e", [1, 2], "YX", 5000, duration=4, band="b920"),
]
ROUND = written(
    instance(
        [site("X", 10, 12), site("Y", 5, 8, closed=[3]), site("Z", 4, 4)],
        ROWS,
        resources=("area_m2", "power_w"),
        bands=[Band("b920", 50_000)],
        near=[Near("X", "Y", 40_000)],
    )
)


def document() -> Any:
    return orjson.loads(ROUND)


def resealed(changed: Any) -> bytes:
    """The changed round with hashes and marks that fit it: only the replay can tell."""
    made = changed["inputs"]["instance"]
    lists = {name: made[name] for name in ("applications", "near", "sites")}
    lists |= {name: changed[name] for name in ("outcome", "refusals")}
    changed["marks"] = {name: [roundfile.digest(row)[:8] for row in rows] for name, rows in lists.items()}
    changed["hashes"] = {part: roundfile.digest(changed[part]) for part in ("inputs", "marks", "outcome", "refusals")}
    return roundfile.canonical(changed)


def places(report: Report) -> set[str]:
    return {finding.where for finding in report.findings}


def test_a_true_round_is_believed() -> None:
    report = verify(ROUND)
    assert report.is_true, [str(finding) for finding in report.findings]
    assert (report.applications, report.mechanism) == (5, "ranked 1")
    assert report.sha256 == hashlib.sha256(ROUND).hexdigest()


def test_a_round_has_placed_and_refused_so_that_these_tests_mean_something() -> None:
    rounds = document()
    assert 1 < len(rounds["refusals"]) < 5
    assert {lack["what"] for row in rounds["refusals"] for why in row["sites"] for lack in why["lacks"]} == {
        "area_m2", "power_w", "band"
    }  # fmt: skip
    assert {change["kind"] for row in rounds["refusals"] for change in row["changes"]} == {"start", "site", "less"}


def test_resealing_an_unchanged_round_changes_nothing() -> None:
    assert resealed(document()) == ROUND


def test_it_shares_no_code_with_what_makes_a_round() -> None:
    folder = Path(verifier.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                own = name.startswith("gops.testbed.allocation.verify")
                assert own or not name.startswith("gops"), f"{path.name} imports {name}"


def test_any_one_changed_byte_is_found_and_placed() -> None:
    """A digit becomes another digit, a letter another letter, a sign a blank."""
    for at in range(len(ROUND)):
        old = ROUND[at : at + 1]
        new = b"7" if old.isdigit() and old != b"7" else b"1" if old.isdigit() else b"q" if old.isalpha() else b" "
        if new == old:
            continue
        report = verify(ROUND[:at] + new + ROUND[at + 1 :])
        assert not report.is_true, f"byte {at}: {old!r} became {new!r}"
        assert all(finding.where and finding.expected for finding in report.findings)


def test_a_byte_that_breaks_json_is_placed_by_its_number() -> None:
    at = ROUND.index(b'"outcome":[[')
    assert places(verify(ROUND[:at] + b"x" + ROUND[at + 1 :])) == {f"byte {at} (line 1, column {at + 1})"}


def test_a_blank_more_is_not_canonical() -> None:
    at = ROUND.index(b'"inputs":') + 9
    assert places(verify(ROUND[:at] + b" " + ROUND[at:])) == {f"byte {at}"}


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b'"x"', b"\xff\xfe", b"[" * 3000, b'{"format":"other/9"}',
                                  b"1e999", b'{"a":1,"a":1}'])  # fmt: skip
def test_what_is_no_round_at_all_is_told_without_an_exception(data: bytes) -> None:
    assert not verify(data).is_true


def _capacity(changed: Any) -> None:
    changed["inputs"]["instance"]["sites"][0]["capacity"][1][0] = 11


def _score(changed: Any) -> None:
    changed["inputs"]["instance"]["applications"][1]["scores"] = [8001, 8001]


def _holder(changed: Any) -> None:
    changed["refusals"][0]["sites"][0]["lacks"][0]["holders"].append("e")


def _outcome(changed: Any) -> None:
    changed["outcome"][0][2] = 1


@pytest.mark.parametrize(("change", "place"), [
    (_capacity, "inputs.instance.sites[0]"),
    (_score, "inputs.instance.applications[1]"),
    (_holder, "refusals[0]"),
    (_outcome, "outcome[0]"),
])  # fmt: skip
def test_a_changed_value_is_found_by_the_mark_of_its_item(change: Callable[[Any], None], place: str) -> None:
    changed = document()
    change(changed)
    report = verify(roundfile.canonical(changed))
    assert place in {finding.where for finding in report.findings if finding.code == "mark"}


def test_a_changed_hash_is_told_apart_from_a_changed_part() -> None:
    changed = document()
    changed["hashes"]["outcome"] = "0" * 64
    report = verify(roundfile.canonical(changed))
    assert places(report) == {"hashes.outcome"}


def test_a_worse_contract_than_was_free_is_found_even_with_new_hashes() -> None:
    changed = document()
    changed["outcome"][0][2] = 1
    report = verify(resealed(changed))
    assert "better_free" in {finding.code for finding in report.findings if finding.where == "outcome[0]"}


def test_a_refused_application_that_had_room_is_found() -> None:
    changed = document()
    changed["outcome"][0] = ["a", None, None]
    report = verify(resealed(changed))
    assert ("better_free", "outcome[0]") in {(finding.code, finding.where) for finding in report.findings}


def test_a_contract_that_does_not_fit_is_found() -> None:
    changed = document()
    refused = changed["refusals"].pop()
    index = [row[0] for row in changed["outcome"]].index(refused["application"])
    row = next(row for row in changed["inputs"]["instance"]["applications"] if row["id"] == refused["application"])
    changed["outcome"][index] = [row["id"], row["sites"][0], row["first_start"]]
    report = verify(resealed(changed))
    assert ("infeasible", f"outcome[{index}]") in {(finding.code, finding.where) for finding in report.findings}


@pytest.mark.parametrize(("site_name", "start"), [("Z", 0), ("X", 3), ("nowhere", 0), ("X", "0"), ("X", True), (1, 1)])
def test_a_contract_that_was_never_asked_for_is_found(site_name: Any, start: Any) -> None:
    changed = document()
    changed["outcome"][0] = ["a", site_name, start]
    assert "outcome[0]" in places(verify(resealed(changed)))


def test_an_application_left_out_of_the_outcome_is_found() -> None:
    changed = document()
    del changed["outcome"][2]
    assert "outcome" in places(verify(resealed(changed)))


def test_a_refusal_left_out_is_found() -> None:
    changed = document()
    gone = changed["refusals"].pop()
    report = verify(resealed(changed))
    assert [finding.found for finding in report.findings] == [f"none of {gone['application']}"]


def test_a_refusal_of_a_placed_application_is_found() -> None:
    changed = document()
    changed["refusals"].insert(0, {**copy.deepcopy(changed["refusals"][0]), "application": "a"})
    assert "refusals[0]" in places(verify(resealed(changed)))


def test_a_seed_that_does_not_follow_from_its_parts_is_found() -> None:
    changed = document()
    changed["inputs"]["seed"]["nonces"][0] = "00" * 16
    assert "inputs.seed.seed" in places(verify(resealed(changed)))


def test_an_operators_seed_that_was_not_the_published_one_is_found() -> None:
    changed = document()
    seed = changed["inputs"]["seed"]
    seed["operator_seed"] = "00" * 32
    nonces = b"".join(map(bytes.fromhex, seed["nonces"]))
    seed["seed"] = hashlib.sha256(bytes(32) + nonces).hexdigest()
    assert "inputs.seed.operator_seed" in places(verify(resealed(changed)))


def test_a_round_of_several_scores_is_not_ranked() -> None:
    changed = document()
    changed["inputs"]["instance"]["applications"][0]["scores"] = [9000, 8999]
    assert places(verify(resealed(changed))) == {"inputs.instance.applications[0].scores"}


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _leaves(value[key], (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [path]


def test_every_value_of_a_reason_is_checked_also_under_new_hashes() -> None:
    for path in [path for path in _leaves(document()) if path[0] == "refusals"]:
        changed = document()
        inner = _inner(changed, path)
        inner[path[-1]] = inner[path[-1]] + 1 if isinstance(inner[path[-1]], int) else "X" + inner[path[-1]]
        assert any(place.startswith("refusals") for place in places(verify(resealed(changed)))), path


@pytest.mark.parametrize("junk", [None, True, -1, 1.5, "x", [], {}, [[]], 10**18], ids=ascii)
def test_junk_anywhere_is_found_without_an_exception(junk: Any) -> None:
    leaves = _leaves(document())
    for path in sorted({leaf[:size] for leaf in leaves for size in range(1, len(leaf) + 1)}, key=str)[::3]:
        changed = document()
        inner = _inner(changed, path)
        if inner[path[-1]] == junk and type(inner[path[-1]]) is type(junk):
            continue
        inner[path[-1]] = junk
        assert not verify(orjson.dumps(changed, option=orjson.OPT_SORT_KEYS)).is_true, path


def _inner(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


def test_the_report_counts_envy() -> None:
    """Under ranked a small pilot may get the site that a better, larger one did not fit: p envies q."""
    rows = [
        application("a", [6], "X", 9000),
        application("b", [6], "X", 8000),
        application("c", [4], "X", 7000),
    ]
    report = verify(written(instance([site("X", 10)], rows)))
    assert (report.placed, report.envy_pairs) == (2, 1)


def test_a_round_of_names_in_any_script_is_what_rfc_8785_writes() -> None:
    names = ['수원 "1"', "back\\slash/é", "\U0001f6a6"]
    rows = [application(name, [6], "X", 9000 - at) for at, name in enumerate(names)]
    data = written(instance([site("X", 10)], rows))
    assert roundfile.canonical(orjson.loads(data)) == data


def test_a_site_that_holds_more_than_it_has_is_found_beside_a_need_of_nothing() -> None:
    """The refused needs no power, of which less than none is left in all weeks: no amount to divide a cut by."""
    rows = [application("a", [2, 5], "X", 9000), application("c", [9, 0], "X", 8000)]
    made = instance([site("X", 10, 8, weeks=1)], rows, weeks=1, resources=("area_m2", "power_w"), shift_max=0)
    changed = orjson.loads(written(made))
    changed["inputs"]["instance"]["sites"][0]["capacity"][0] = [20, 3]
    assert places(verify(resealed(changed))) == {
        "outcome[0]", "refusals[0].changes", "refusals[0].sites[0].lacks[0].what"
    }  # fmt: skip
