"""Runs of the allocation, comparisons and marks over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import World, problem
from tests.api.test_testbed import CALL, Town

TERMS: Any = CALL["terms"]


@pytest.fixture
def town(world: World) -> Town:
    return Town(world)


def closed(town: Town, mechanism: str, **allocation: Any) -> tuple[int, int]:
    """A call whose two applications want one place."""
    site = town.site()
    town.call(terms=TERMS | {"mechanism": mechanism, "allocation": allocation})
    town.later(5)
    first, second = town.apply(site), town.apply(site, "drones")
    town.later(30)
    return first, second


def test_a_round_of_optimal_is_ordered_watched_and_published(town: Town) -> None:
    first, second = closed(town, "optimal")
    town.score(**{f"a{first}": 7000, f"a{second}": 9000})
    problem(town.send("POST", "/calls/spring/rounds", "operator"), 409, "runs_long")
    ordered = town.send("POST", "/calls/spring/runs", "operator", {"seconds": 20})
    assert (ordered.status_code, ordered.json["state"]) == (202, "waiting")
    problem(town.send("POST", "/calls/spring/rounds/compare", "operator", {}), 409, "run_open")
    assert town.world.services.round_jobs.run() == 1
    done = town.get(ordered.headers["Location"].removeprefix("/api/v1"), "operator").json
    assert (done["state"], done["revision"], done["progress"]["curve"][-1][1:]) == ("done", 1, [9000, 9000])
    assert town.get("/calls/spring/runs", "operator").json["items"] == [done]
    town.made("POST", "/calls/spring/rounds/1/state", "operator", {"state": "published"}, 200)
    shown = town.get("/calls/spring/rounds/1").json
    assert (shown["mechanism"], shown["report"]["stages"][0]) == ("optimal 1", ["scores", 9000, 9000])
    assert shown["report"]["waste"] == 0


def test_a_comparison_is_the_operators_and_a_run_can_be_cancelled(town: Town) -> None:
    first, second = closed(town, "ranked")
    town.score(**{f"a{first}": 7000, f"a{second}": 9000})
    problem(town.get("/calls/spring/rounds/compare", "operator"), 404, "not_found")
    town.made("POST", "/calls/spring/rounds/compare", "operator", {"seconds": 20}, 202)
    town.world.services.round_jobs.run()
    rows = town.get("/calls/spring/rounds/compare", "operator").json["result"]["rows"]
    assert [(row["mechanism"], row["placed"], row["price"]) for row in rows] == [
        ("ranked", 1, 0), ("fair", 1, 0), ("optimal", 1, 0), ("optimal", 1, 0)
    ]  # fmt: skip
    made = town.made("POST", "/calls/spring/runs", "operator", {}, 202)
    path = f"/calls/spring/runs/{made['id']}/state"
    assert town.made("POST", path, "operator", {"state": "cancelled"}, 200)["state"] == "cancelled"
    problem(town.send("POST", path, "operator", {"state": "cancelled"}), 409, "illegal_move")
    for who in ("publisher", "robots", "auditor"):
        problem(town.send("POST", "/calls/spring/runs", who, {}), 403, "forbidden")
        problem(town.get("/calls/spring/rounds/compare", who), 403, "forbidden")


def test_marks_are_the_call_owners(town: Town) -> None:
    first, second = closed(town, "optimal", groups=True, shares=[{"label": "small", "places": 1}])
    marks = {"marks": [{"application": first, "labels": ["small"]}],
             "groups": [{"name": "joint", "members": [first, second]}]}  # fmt: skip
    made = town.made("PUT", "/calls/spring/marks", "publisher", marks, 200)
    assert made["marks"] == [
        {"application": first, "labels": ["small"], "group": "joint"},
        {"application": second, "labels": [], "group": "joint"},
    ]
    assert town.get("/calls/spring/marks", "publisher").json == made
    for groups, code in (
        ([{"name": "a", "members": []}], "bad_group"),
        ([{"name": "a", "members": ["a", first]}], "cyclic_group"),
        ([{"name": "a", "members": ["b", first]}], "unknown_group"),
    ):
        problem(town.send("PUT", "/calls/spring/marks", "publisher", {"groups": groups}), 422, code)
    for who, status in (("other", 404), ("robots", 404), (None, 401)):
        assert town.send("PUT", "/calls/spring/marks", who, marks).status_code in (status, 403)
