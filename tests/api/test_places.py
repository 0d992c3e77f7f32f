"""Places over HTTP: neighbours, calendars, suggestions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import World, problem

SITE = {"organisation": "suwon", "name_ko": "부지", "name_en": "Lot", "kind": "park", "capacity": {"area_m2": 100}}


def square(west: float) -> dict[str, Any]:
    ring = [[west, 37.25], [west + 0.001, 37.25], [west + 0.001, 37.251], [west, 37.251], [west, 37.25]]
    return {"type": "Polygon", "coordinates": [ring]}


def offered(world: World, west: float, **given: Any) -> int:
    made = world.call("POST", "/sites", "publisher", json=SITE | {"area": square(west)} | given)
    assert made.status_code == 201, made.text
    world.call("POST", f"/sites/{made.json['id']}/state", "publisher", json={"state": "offered"})
    return int(made.json["id"])


def test_what_is_near_and_free_is_said(world: World) -> None:
    first, second = offered(world, 127.0), offered(world, 127.002, details={"bands": ["lora"]})
    near = world.get(f"/sites/{first}/neighbours?within_m=500").json["neighbours"]
    assert [(one["id"], one["distance_m"]) for one in near] == [(second, 88.72)]
    assert world.get(f"/sites/{first}/sensors").json["items"] == []
    page = world.get("/sites/calendar?first_week=2026-09-07&weeks=3&limit=1").json
    assert page["sites"] == [{"site": first, "closed": [], "left": {"area_m2": [100] * 3, "power_w": [0] * 3}}]
    assert world.get(page["next"].split("/api/v1")[1]).json["sites"][0]["site"] == second
    ics = world.get(f"/sites/{first}/calendar.ics")
    assert (ics.mimetype, ics.text.splitlines()[0]) == ("text/calendar", "BEGIN:VCALENDAR")
    wanted = "needs=area_m2:60&weeks=2&first_start=2026-09-07&band=lora&near=127.0,37.25"
    found = world.get(f"/sites/suggestions?{wanted}").json
    assert [one["site"] for one in found["sites"]] == [second]
    assert {one["code"] for one in found["sites"][0]["reasons"]} == {"near", "every_start", "spare"}
    (miss,) = found["near_misses"]
    assert (miss["site"], miss["change"]) == (first, {"field": "band", "to": None})
    assert [one["code"] for one in miss["fails"]] == ["band"]


@pytest.mark.parametrize(("query", "code"), [
    ("needs=area&weeks=1&first_start=2026-09-07", "bad_need"),
    ("needs=area_m2:0&weeks=1&first_start=2026-09-07", "bad_need"),
    ("needs=area_m2:1&weeks=1&first_start=2026-09-08", "bad_week"),
    ("needs=area_m2:1&weeks=1&first_start=2026-09-07&near=127", "bad_point"),
    ("needs=area_m2:1&weeks=1&first_start=2026-09-07&near=37.2,127", "bad_point"),
    ("needs=area_m2:1&weeks=1&first_start=2026-09-07&limit=51", "invalid_value"),
    ("needs=area_m2:1&weeks=1&first_start=2026-09-07&tags=a,,b", "invalid_value"),
    ("weeks=1&first_start=2026-09-07", "required"),
])  # fmt: skip
def test_a_wrong_requirement_is_a_problem(world: World, query: str, code: str) -> None:
    answer = world.get(f"/sites/suggestions?{query}")
    assert problem(answer, 422, answer.json["errors"][0]["code"] if "errors" in answer.json else code)
    assert code in answer.text


def test_sites_go_out_and_come_in_as_files(world: World) -> None:
    offered(world, 127.0, reference="A-1")
    out = world.get("/sites/export?format=csv&organisation=suwon")
    assert (out.mimetype, "attachment" in out.headers["Content-Disposition"]) == ("text/csv", True)
    path = "/sites/import?organisation=seongnam&offer=true"
    sent = world.call("POST", path, "other", data=out.data, headers={"Content-Type": "text/csv"})
    assert (sent.status_code, sent.json["created"], sent.json["refusals"]) == (200, 1, [])
    assert len(world.get("/sites/export").json["features"]) == 2
    again = world.call("POST", path + "&dry_run=true", "other", data=out.data, headers={"Content-Type": "text/csv"})
    assert again.json["unchanged"] == 1
    wrong = world.call("POST", path, "other", data=b"x", headers={"Content-Type": "text/html"})
    problem(wrong, 415, "unsupported_media_type", field="Content-Type")
    foreign = world.call("POST", path, "publisher", data=out.data, headers={"Content-Type": "text/csv"})
    problem(foreign, 403, "forbidden")
    problem(world.call("POST", path, "other", data=b"{", headers={"Content-Type": "application/json"}), 400, "bad_json")
