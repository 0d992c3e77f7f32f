"""The demand board over HTTP: from a draft to a merge that leads on, and what is refused."""

from __future__ import annotations

from tests.api.conftest import World, problem

DEMAND = {"organisation": "suwon", "title_ko": "골목 주차난 해소", "theme": "mobility"}


def stated(world: World, who: str = "publisher", **given: object) -> int:
    made = world.call("POST", "/demands", who, json=DEMAND | given)
    assert made.status_code == 201, made.text
    number = made.json["demand"]["id"]
    assert made.headers["Location"].endswith(f"/demands/{number}")
    opened = world.call("POST", f"/demands/{number}/state", who, json={"state": "open"})
    assert opened.status_code == 200, opened.text
    return int(number)


def test_a_demand_is_stated_supported_and_merged(world: World) -> None:
    target = stated(world)
    source = stated(world, "other", organisation="seongnam")
    assert world.get(f"/demands/similar?title_ko={DEMAND['title_ko']}").json["similar"][0]["likeness"] == 1
    supported = world.call("PUT", f"/demands/{source}/support", "viewer")
    assert supported.json == {"demand": source, "supports": 1, "supported": True}
    for who in ("other", "publisher"):
        merged = world.call("POST", f"/demands/{source}/merge", who, json={"into": target})
        assert merged.status_code == 200, merged.text
    moved = world.get(f"/demands/{source}")
    assert (moved.status_code, moved.headers["Location"].rsplit("/", 1)[1]) == (308, str(target))
    shown = world.get(f"/demands/{target}").json
    assert (shown["supports"], shown["state"]) == (1, "open")
    assert "person" not in str(shown)
    assert world.get(f"/demands/{target}/support", "viewer").json["supported"] is True
    assert world.call("DELETE", f"/demands/{target}/support", "viewer").json["supports"] == 0
    assert [row["id"] for row in world.get("/demands").json["items"]] == [target]


def test_what_is_wrong_or_not_allowed_is_said(world: World) -> None:
    made = stated(world)
    problem(world.call("POST", "/demands", "publisher", json=DEMAND | {"theme": "x"}), 422, "invalid_value")
    problem(world.call("PUT", f"/demands/{made}/support", None), 401, "unauthenticated")
    problem(world.call("PATCH", f"/demands/{made}", "other", json={"title_en": "x"}), 403, "forbidden")
    problem(world.call("POST", f"/demands/{made}/merge", "other", json={"into": made}), 403, "forbidden")
    problem(world.get("/demands/999"), 404, "not_found")
    problem(world.get("/demands?state=gone"), 422, "invalid_value")
