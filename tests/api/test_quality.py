"""Quality rules over HTTP: saying them, what they flagged, and trying them on what is stored."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from gops.clock import HOUR
from gops.ingest.rules.ruling import rules_over
from gops.store.port import READINGS
from tests.api.conftest import MINUTE, World, problem, reading

RANGE = "from=2026-05-01T00:00:00Z&to=2026-05-02T00:00:00Z"
CLOCKS = ["skew", "late", "future"]


def put(world: World, one: int, who: str | None = "publisher", **rules: Any) -> Any:
    return world.call("PUT", f"/datastreams/{one}/quality", who, json=rules)


def attempt(world: World, one: int, who: str | None = "publisher", **wanted: Any) -> Any:
    return world.post(f"/datastreams/{one}/quality/try?{RANGE}", who, wanted)


def test_rules_are_said_shown_and_taken_back(world: World) -> None:
    one = world.stream(kind="gauge", period="PT1M").id
    said = {"step": 5.0, "frozen": "PT90M", "frozen_except": [0.0], "late": "P2D"}
    answer = put(world, one, **said, rate=None)
    assert answer.json["rules"] == {**said, "frozen": "PT1H30M"}
    assert world.get(f"/datastreams/{one}/quality").json == answer.json
    assert put(world, one).json["rules"] == {}


def test_what_was_flagged_is_shown_by_day_and_rule(world: World) -> None:
    stream = world.stream(range_high=50.0)
    put(world, stream.id, step=5.0)
    services = world.services
    rules = rules_over(services.store, world.database, world.clock, services.settings)
    now = world.clock.micros()
    rows = [reading(stream.id, now + at * MINUTE, *row) for at, row in enumerate([(20.0, 0), (30.0, 0), (99.0, 2)])]
    rules.store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    rules.counts.flush()
    shown = world.get(f"/datastreams/{stream.id}/quality").json
    assert [(one["day"], one["rule"], one["readings"]) for one in shown["flagged"]] == [
        ("2026-05-01", "range", 1),
        ("2026-05-01", "step", 1),
    ]
    assert shown["last"]["rule"] == "range"
    assert (shown["last"]["last_t"], shown["last"]["last_value"]) == ("2026-05-01T09:02:00+09:00", 99.0)
    assert world.get(f"/datastreams/{stream.id}/observations").json["observations"][1]["quality"] == "suspect"


@pytest.mark.parametrize(
    ("rules", "code", "field", "expected"),
    [
        ({"step": 0}, "bad_quality_rule", "step", "greater than 0"),
        ({"rate": -1}, "bad_quality_rule", "rate", "greater than 0"),
        ({"frozen": "PT1M"}, "bad_quality_rule", "frozen", "longer than the period"),
        ({"frozen": "P32D"}, "bad_quality_rule", "frozen", "at most P31D"),
        ({"frozen_except": [0]}, "bad_quality_rule", "frozen_except", "a time in frozen"),
        ({"skew": "PT2M", "future": "PT1M"}, "bad_quality_rule", "skew", "less than future"),
        ({"late": "P1M"}, "bad_duration", "late", "weeks"),
        ({"step": "wide"}, "invalid_value", "step", "number"),
        ({"spread": 1}, "unknown_field", "spread", "step"),
    ],
)
def test_a_rule_that_tells_nothing_is_refused(
    world: World, rules: dict[str, Any], code: str, field: str, expected: str
) -> None:
    answer = put(world, world.stream(period="PT1M").id, **rules)
    found = problem(answer, 422, code, field=field)
    assert expected in found["expected"]


@pytest.mark.parametrize(
    ("kind", "prop", "rules", "applies"),
    [
        ("state", "parking_occupied", {"step": 1}, CLOCKS),
        ("amount", "rainfall", {"rate": 1}, ["step", "frozen", "frozen_except", *CLOCKS]),
    ],
)
def test_a_rule_of_another_kind_is_refused_by_those_that_apply(
    world: World, kind: str, prop: str, rules: dict[str, Any], applies: list[str]
) -> None:
    one = world.stream(kind=kind, observed_property=prop).id
    assert world.get(f"/datastreams/{one}/quality").json["applies"] == applies
    assert problem(put(world, one, **rules), 422, "rule_of_kind")["expected"] == "one of " + ", ".join(applies)


def test_rules_follow_the_unit_and_stop_a_kind_that_they_do_not_suit(world: World) -> None:
    stream = world.stream()
    put(world, stream.id, step=5.0, frozen="PT1H", frozen_except=[0])
    path = f"/datastreams/{stream.id}"
    assert world.call("PATCH", path, "publisher", json={"unit": "[degF]"}).status_code == 200
    rules = world.get(f"{path}/quality").json["rules"]
    assert (rules["step"], rules["frozen_except"], rules["frozen"]) == (
        pytest.approx(9.0),
        [pytest.approx(32.0)],
        "PT1H",
    )
    answer = world.call("PATCH", path, "publisher", json={"period": "PT2H"})
    assert problem(answer, 409, "rules_misfit")["field"] == "period"
    body = {"sensor": "another", "unit": "Cel", "reason": "new"}
    new = world.post(f"{path}/replace-sensor", "publisher", body).json["id"]
    assert world.get(f"/datastreams/{new}/quality").json["rules"]["step"] == pytest.approx(5.0)
    assert problem(put(world, stream.id, step=1), 409, "ended_datastream")


def test_rules_are_tried_on_what_is_stored_and_nothing_is_changed(world: World) -> None:
    stream = world.stream()
    world.write(stream, [20.0, 20.0, 40.0, 41.0, 41.0, None, 41.0], step=HOUR)
    put(world, stream.id, step=10.0)
    version = world.services.store.version([stream.id])
    own = attempt(world, stream.id).json
    assert (own["readings"], own["compared"], own["flagged"]) == (7, 6, 1)
    other = attempt(world, stream.id, rules={"frozen": "PT3H", "skew": "PT1M"}, range_high=40.5).json
    assert other["by_rule"] == {"range": 3, "step": 0, "rate": 0, "frozen": 0}
    assert other["untried"] == ["skew"]
    frozen = attempt(world, stream.id, rules={"frozen": "PT3H", "step": 10.0}).json
    assert (frozen["by_rule"]["frozen"], frozen["flagged"]) == (1, 2)
    assert frozen["examples"][0] == {"t": "2026-05-01T11:00:00+09:00", "value": 40.0, "rules": ["step"]}
    assert world.get(f"/datastreams/{stream.id}/quality").json["rules"] == {"step": 10.0}
    assert world.services.store.version([stream.id]) == version


def test_a_range_for_a_trial_has_both_ends_and_a_bounded_number_of_readings(world: World) -> None:
    stream = world.stream()
    path = f"/datastreams/{stream.id}/quality/try"
    assert problem(world.post(f"{path}?from=2026-05-01", "publisher", {}), 422, "required", field="to")
    world.write(stream, [1.0, 2.0])
    object.__setattr__(world.services.settings, "quality_try_rows", 1)
    found = problem(attempt(world, stream.id), 413, "too_large")
    assert "GOPS_QUALITY_TRY_ROWS" in found["expected"]


@pytest.mark.parametrize("who", [None, "viewer", "other", "operator"])
def test_rules_are_said_and_tried_by_publishers_alone(world: World, who: str | None) -> None:
    one = world.stream().id
    status, code = (401, "unauthenticated") if who is None else (403, "forbidden")
    problem(put(world, one, who, step=1), status, code)
    problem(attempt(world, one, who), status, code)
    assert world.get(f"/datastreams/{one}/quality", who).status_code == 200
    private = world.stream(public=False, name="b").id
    if who != "viewer":
        problem(world.get(f"/datastreams/{private}/quality", who), 404, "not_found")
        problem(put(world, private, who, step=1), 404, "not_found")
