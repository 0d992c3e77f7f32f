"""Retention over HTTP: saying rules, and what readers see of what was thinned."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gops.clock import DAY, HOUR
from gops.sensors.ageing import Ageing
from tests.api.conftest import MINUTE, World, problem

TODAY = 1_777_561_200_000_000  # 2026-05-01T00:00+09:00


def put(world: World, path: str, who: str | None = "owner", **rule: Any) -> Any:
    return world.call("PUT", f"{path}/retention", who, json=rule)


def age(world: World) -> None:
    services = world.services
    Ageing(world.database, world.clock, services.settings, services.store, threading.Event()).run()


def test_a_rule_is_said_shown_and_taken_back(world: World) -> None:
    one = world.stream()
    path = f"/datastreams/{one.id}"
    nothing = {"retention": None, "thin_after": None, "thin_every": None}
    facts = {"thinned_until": None, "thinned_every": None}
    assert world.get(f"{path}/retention").json == {"said": nothing, **nothing, **facts}
    rule = {"retention": "P365D", "thin_after": "P30D", "thin_every": "1h"}
    assert put(world, path, **rule).json == {"said": rule, **rule, **facts}
    assert world.get(f"{path}/retention").json == {"said": rule, **rule, **facts}
    assert put(world, path).json == {"said": nothing, **nothing, **facts}


def test_the_rule_of_an_organisation_holds_for_what_says_nothing(world: World) -> None:
    one = world.stream()
    assert put(world, "/organisations/suwon", retention="P100D").json["retention"] == "P100D"
    assert world.get("/organisations/suwon/retention").json["said"]["retention"] == "P100D"
    found = world.get(f"/datastreams/{one.id}/retention").json
    assert (found["retention"], found["said"]["retention"]) == ("P100D", None)
    assert put(world, f"/datastreams/{one.id}", retention="none").json["retention"] is None


def test_the_rule_of_a_dataset_is_said_for_each_of_its_datastreams(world: World) -> None:
    inside, outside = world.stream(name="a"), world.stream(name="b")
    world.services.datasets.create(world.publisher, "suwon", "air", datastreams=[inside.id])
    assert put(world, "/datasets/air", retention="P100D").json == {"datastreams": 1}
    assert world.get(f"/datastreams/{inside.id}/retention").json["said"]["retention"] == "P100D"
    assert world.get(f"/datastreams/{outside.id}/retention").json["said"]["retention"] is None


@pytest.mark.parametrize("who", [None, "viewer", "publisher", "other", "operator"])
def test_rules_are_said_by_owners_alone(world: World, who: str | None) -> None:
    one = world.stream()
    for path in (f"/datastreams/{one.id}", "/organisations/suwon"):
        status, code = (401, "unauthenticated") if who is None else (403, "forbidden")
        problem(put(world, path, who, retention="P1D"), status, code)


def test_a_rule_of_what_is_hidden_is_not_shown(world: World) -> None:
    hidden = world.stream(public=False)
    problem(world.get(f"/datastreams/{hidden.id}/retention"), 404, "not_found")
    problem(put(world, f"/datastreams/{hidden.id}", "other", retention="P1D"), 404, "not_found")


def test_a_wrong_part_is_named(world: World) -> None:
    path = f"/datastreams/{world.stream().id}"
    problem(put(world, path, retention="P1Y"), 422, "bad_duration", field="retention", expected="PT1H")
    problem(put(world, path, thin_after="P2D"), 422, "invalid_value", field="thin_every")
    problem(
        put(world, path, retention="P1D", thin_after="P2D", thin_every="1h"), 422, "bad_retention", field="thin_after"
    )
    problem(put(world, path, thin_every="2h"), 422, "invalid_value", field="thin_every")


@pytest.fixture
def thinned(world: World) -> Any:
    """A Datastream with a reading every 30 minutes of four days, of which the first two were thinned to hours."""
    one = world.stream(period="PT30M")
    world.write(one, [float(number % 2) for number in range(4 * 48)], TODAY - 4 * DAY, 30 * MINUTE)
    put(world, f"/datastreams/{one.id}", thin_after="P2D", thin_every="1h")
    age(world)
    return one


def test_what_was_thinned_says_so(world: World, thinned: Any) -> None:
    found = world.get(f"/datastreams/{thinned.id}").json
    assert (found["thinned_until"], found["thinned_every"]) == ("2026-04-29T00:00:00+09:00", "1h")
    answer = world.get(f"/datastreams/{thinned.id}/observations?limit=2")
    (facts,) = answer.json["datastreams"]
    assert (facts["thinned_until"], facts["thinned_every"]) == ("2026-04-29T00:00:00+09:00", "1h")
    assert [row["value"] for row in answer.json["observations"]] == [0.5, 0.5]
    csv = world.get(f"/datastreams/{thinned.id}/observations?format=csv&limit=2")
    assert csv.headers["GOPS-Thinned"] == "2026-04-29T00:00:00+09:00; every=1h"
    assert "GOPS-Thinned" not in world.get(f"/datastreams/{world.stream(name='b').id}/observations").headers


@pytest.mark.parametrize("form", ["json", "csv"])
def test_coverage_is_not_made_up_where_readings_were_thinned(world: World, thinned: Any, form: str) -> None:
    path = f"/datastreams/{thinned.id}/observations?every=1d&format={form}"
    if form == "json":
        windows = world.get(path).json["windows"]
        assert [one["coverage"] for one in windows] == [None, None, 1.0, 1.0]
        assert [one["good"] for one in windows] == [24, 24, 48, 48]
        assert [one["mean"] for one in windows] == [0.5] * 4
    else:
        lines = world.get(path).text.splitlines()
        place = lines[0].split(",").index("coverage")
        assert [line.split(",")[place] for line in lines[1:]] == ["", "", "1", "1"]


def test_an_answer_is_another_once_readings_were_thinned(world: World) -> None:
    one = world.stream(period="PT2H")
    world.write(one, [1.0], TODAY - 4 * DAY, HOUR)
    path = f"/datastreams/{one.id}/observations?every=1d"
    etag = world.get(path).headers["ETag"]
    world.write(one, [1.0, 2.0], TODAY - 5 * DAY, HOUR)
    put(world, f"/datastreams/{one.id}", thin_after="P2D", thin_every="3h")
    age(world)
    assert world.get(path, headers={"If-None-Match": etag}).status_code == 200
