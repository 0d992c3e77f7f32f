"""``gops testbed`` as a person on a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gops.cli import testbed as command
from gops.errors import Invalid, Malformed, NotFound
from gops.testbed.allocation.documents import instance_document
from gops.testbed.allocation.instance import Band
from tests.unit.testbed.instances import SEED, application, instance, site

ROWS = [
    application("a", [80, 500], "XY", 9000, duration=2, band="b920"),
    application("b", [50, 100], "X", 8000, duration=2),
    application("c", [10, 100], "X", 7000, band="b920"),
    application("d", [90, 900], "Y", 6000, duration=2),
]
MADE = instance(
    [site("X", 100, 1000), site("Y", 60, 1000)], ROWS, resources=("area_m2", "power_w"), bands=[Band("b920", 10)]
)
REQUEST: dict[str, Any] = {
    "instance": instance_document(MADE),
    "seed": {"operator_seed": SEED.operator_seed.hex(), "nonces": [nonce.hex() for nonce in SEED.nonces]},
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command.testbed, [str(argument) for argument in arguments])


@pytest.fixture
def round_path(tmp_path: Path) -> Path:
    (tmp_path / "instance.json").write_text(json.dumps(REQUEST))
    done = run("allocate", tmp_path / "instance.json", "-o", tmp_path / "round.json")
    assert (done.exit_code, done.output.split(", in ")[0]) == (0, "1 placed, 3 refused")
    return tmp_path / "round.json"


def test_a_round_that_was_computed_verifies(round_path: Path) -> None:
    done = run("verify", round_path)
    assert done.exit_code == 0
    assert done.output.splitlines()[0] == "ranked 1: 1 of 4 placed"
    assert done.output.splitlines()[-1] == "VERIFIED"


def test_a_changed_round_does_not_verify_and_the_place_is_told(round_path: Path) -> None:
    round_path.write_bytes(round_path.read_bytes().replace(b'"needs":[80,', b'"needs":[81,'))
    done = run("verify", round_path)
    assert done.exit_code == 1
    assert "WRONG  inputs.instance.applications[0]" in done.output
    assert "NOT VERIFIED" in done.output


def test_another_hash_than_the_published_one_does_not_verify(round_path: Path) -> None:
    assert run("verify", round_path, "--sha256", "00" * 32).exit_code == 1
    published = json.loads(run("verify", round_path, "--json").output)["sha256"]
    assert run("verify", round_path, "--sha256", published.upper()).exit_code == 0


def test_a_published_round_can_be_computed_again_to_the_byte(round_path: Path, tmp_path: Path) -> None:
    assert run("allocate", round_path, "-o", tmp_path / "again.json").exit_code == 0
    assert (tmp_path / "again.json").read_bytes() == round_path.read_bytes()


def test_a_refusal_is_explained_in_english_and_korean(round_path: Path) -> None:
    english = run("explain", round_path, "b").output.splitlines()
    assert english == [
        "Not placed. Why, site by site:",
        "  1. X: area was short 2027-01-04~2027-01-17; held by a, who came before",
        "Nearest change: a start 2 weeks later (at X on 2027-01-18)",
        "Another: another site, Y (on 2027-01-04)",
        "Another: 60 % less area (down to 20 m²; at X on 2027-01-04)",
    ]
    korean = run("explain", round_path, "b", "--language", "ko").output.splitlines()
    assert korean[1] == "  1순위 X: 2027-01-04~2027-01-17 면적 부족, 선순위 신청 a이(가) 사용"
    assert korean[2] == "가장 가까운 변경: 2주 늦은 시작 (X, 2027-01-18)"


def test_a_band_and_a_site_that_is_too_small_are_explained(round_path: Path) -> None:
    assert "the radio band was short 2027-01-04~2027-01-10; held by a" in run("explain", round_path, "c").output
    assert "area was short 2027-01-04~2027-01-17; the site itself has less" in run("explain", round_path, "d").output


def test_a_placement_is_explained(round_path: Path) -> None:
    assert run("explain", round_path, "a").output == "Placed at X (choice 1), 2027-01-04~2027-01-17\n"


def test_a_round_that_is_not_true_is_not_explained(round_path: Path) -> None:
    round_path.write_bytes(round_path.read_bytes().replace(b'"needs":[80,', b'"needs":[81,'))
    assert run("explain", round_path, "a").exit_code == 1


def test_an_application_of_another_round_is_not_found(round_path: Path) -> None:
    assert isinstance(run("explain", round_path, "z").exception, NotFound)


def _without(document: dict[str, Any], *path: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(document))
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed  # type: ignore[no-any-return]


def _with(value: Any, *path: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(REQUEST))
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed  # type: ignore[no-any-return]


FIRST = ("instance", "applications", 0)


@pytest.mark.parametrize(("document", "field", "code"), [
    ([], "", "malformed"),
    (_without(REQUEST, "seed"), "", "malformed"),
    (_with([], "call"), "call", "invalid_value"),
    (_with({"id": "optimal", "version": 1}, "mechanism"), "mechanism", "invalid_value"),
    (_with({"id": "optimal", "version": 1, "fairness": []}, "mechanism"), "mechanism", "invalid_value"),
    (_with({"id": "drawn", "version": 1}, "mechanism"), "mechanism", "invalid_value"),
    (_with([], "instance", "demands"), "instance.demands", "bad_instance"),
    (_with({"colour": 1}, "instance", "demands"), "instance.demands", "bad_instance"),
    (_with({"budget": -1}, "instance", "demands"), "budget", "bad_budget"),
    (_with({"limits": [{"kind": "week", "key": "x"}]}, "instance", "demands"), "limits[week,x]", "unknown_kind"),
    (_with({"limits": [{"kind": "theme", "key": "x", "least": 2, "most": 1}]}, "instance", "demands"),
     "limits[theme,x].most", "bad_limit"),
    (_with({"limits": [{"kind": "theme", "key": "x"}] * 2}, "instance", "demands"), "limits[theme,x]", "duplicate"),
    (_with({"shares": [{"label": "small", "places": 0}]}, "instance", "demands"), "shares[small].places", "bad_share"),
    (_with({"shares": [{"label": "small", "places": 1, "by": "x"}]}, "instance", "demands"), "shares[small].by",
     "unknown_order"),
    (_with("g", *FIRST, "group"), "groups[g]", "bad_group"),
    (_with(-1, *FIRST, "cost"), "applications[a].cost", "bad_cost"),
    (_with(["x", "x"], *FIRST, "labels"), "applications[a].labels", "duplicate"),
    (_with("", *FIRST, "company"), "applications[a].company", "bad_name"),
    (_with("xx", "seed", "operator_seed"), "seed.operator_seed", "invalid_value"),
    (_with([1], "seed", "nonces"), "seed.nonces[0]", "invalid_value"),
    (_with(3, "seed"), "seed", "invalid_value"),
    (_without(REQUEST, "instance", "weeks"), "instance.weeks", "bad_instance"),
    (_with(1, "instance", "colour"), "instance", "bad_instance"),
    (_with("soon", "instance", "first_week"), "instance.first_week", "bad_instance"),
    (_with("2027-01-05", "instance", "first_week"), "first_week", "not_a_monday"),
    (_with(0, "instance", "weeks"), "weeks", "bad_horizon"),
    (_with(-1, "instance", "shift_max"), "shift_max", "bad_shift"),
    (_with(["area_m2"], "instance", "resources"), "sites[X].capacity[0]", "bad_capacity"),
    (_with(["band", "x"], "instance", "resources"), "resources", "bad_name"),
    (_with(-1, "instance", "sites", 0, "capacity", 2, 1), "sites[X].capacity[2][power_w]", "bad_capacity"),
    (_with([[1, 1]], "instance", "sites", 0, "capacity"), "sites[X].capacity", "bad_capacity"),
    (_with(1.5, "instance", "sites", 0, "capacity", 0, 0), "sites[X].capacity[0][area_m2]", "bad_capacity"),
    (_with("Y", "instance", "sites", 0, "id"), "sites", "duplicate"),
    (_with("", "instance", "sites", 0, "id"), "sites", "bad_name"),
    (_with([["X", "X", 3]], "instance", "near"), "near[X,X]", "bad_pair"),
    (_with([["X", "Q", 3]], "instance", "near"), "near[Q,X].first", "unknown_site"),
    (_with([["X", "Y", -3]], "instance", "near"), "near[X,Y].distance_cm", "bad_distance"),
    (_with([["X", "Y", 1], ["Y", "X", 2]], "instance", "near"), "near[X,Y]", "bad_pair"),
    (_with([["X", "Y"]], "instance", "near"), "instance.near[0]", "bad_instance"),
    (_with(-5, "instance", "bands", 0, "separation_cm"), "bands[b920].separation_cm", "bad_separation"),
    (_with([0, 0], *FIRST, "needs"), "applications[a].needs", "bad_need"),
    (_with([-1, 5], *FIRST, "needs"), "applications[a].needs[area_m2]", "bad_need"),
    (_with([1], *FIRST, "needs"), "applications[a].needs", "bad_need"),
    (_with([True, 1], *FIRST, "needs"), "applications[a].needs[area_m2]", "bad_need"),
    (_with(0, *FIRST, "duration"), "applications[a].duration", "bad_duration"),
    (_with(5, *FIRST, "duration"), "applications[a].duration", "bad_duration"),
    (_with(-1, *FIRST, "first_start"), "applications[a].first_start", "window_outside"),
    (_with(3, *FIRST, "first_start"), "applications[a].first_start", "window_outside"),
    (_with(3, *FIRST, "last_start"), "applications[a].last_start", "window_outside"),
    (_with(-1, *FIRST, "last_start"), "applications[a].last_start", "window_reversed"),
    (_with([], *FIRST, "sites"), "applications[a].sites", "bad_ranks"),
    (_with(["X", "Q"], *FIRST, "sites"), "applications[a].sites[1]", "unknown_site"),
    (_with(["X", "X"], *FIRST, "sites"), "applications[a].sites", "bad_ranks"),
    (_with([1], *FIRST, "scores"), "applications[a].scores", "bad_score"),
    (_with([1, 10_001], *FIRST, "scores"), "applications[a].scores[1]", "bad_score"),
    (_with([1, -1], *FIRST, "scores"), "applications[a].scores[1]", "bad_score"),
    (_with("b433", *FIRST, "band"), "applications[a].band", "unknown_band"),
    (_with(7, *FIRST, "id"), "instance.applications[0].id", "bad_instance"),
])  # fmt: skip
def test_a_wrong_instance_is_refused_with_its_place(document: Any, field: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text(json.dumps(document))
    refused = run("allocate", tmp_path / "instance.json", "-o", tmp_path / "round.json").exception
    assert isinstance(refused, Invalid)
    assert (refused.field, refused.code) == (field, code)
    assert refused.expected
    assert not (tmp_path / "round.json").exists()


@pytest.mark.parametrize("mechanism", ["fair", "optimal"])
def test_the_other_mechanisms_are_computed_verified_and_computed_again(mechanism: str, tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text(json.dumps(REQUEST))
    made = tmp_path / "round.json"
    assert run("allocate", tmp_path / "instance.json", "--mechanism", mechanism, "-o", made).exit_code == 0
    done = run("verify", made)
    assert (done.exit_code, done.output.splitlines()[0].split(":")[0]) == (0, f"{mechanism} 1")
    assert ("optimal" in done.output.splitlines()[2]) == (mechanism == "optimal")
    assert run("allocate", made, "-o", tmp_path / "again.json").exit_code == 0
    assert (tmp_path / "again.json").read_bytes() == made.read_bytes()


@pytest.mark.parametrize(
    "arguments", [(), ("INSTANCE", "--call", "spring"), ("--call", "spring", "--mechanism", "fair")]
)
def test_a_file_or_a_call_is_allocated_and_a_calls_terms_name_the_mechanism(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(REQUEST))
    told = [str(path) if word == "INSTANCE" else word for word in arguments]
    assert isinstance(run("allocate", *told, "-o", tmp_path / "round.json").exception, Invalid)


def test_a_round_may_be_an_address_but_not_one_within(tmp_path: Path) -> None:
    refused = run("verify", "http://127.0.0.1:9/round.json").exception
    assert isinstance(refused, Invalid)
    assert refused.code == "address_refused"
    assert isinstance(run("verify", tmp_path / "none.json").exception, Invalid)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text("{'a': 1}")
    refused = run("allocate", tmp_path / "instance.json", "-o", tmp_path / "round.json").exception
    assert isinstance(refused, Malformed)


def test_the_instance_in_the_docs_is_allocated(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "testbed.md"
    (tmp_path / "instance.json").write_text(page.read_text().split("```json\n")[1].split("```")[0])
    assert run("allocate", tmp_path / "instance.json", "-o", tmp_path / "round.json").exit_code == 0
    assert run("verify", tmp_path / "round.json").exit_code == 0
