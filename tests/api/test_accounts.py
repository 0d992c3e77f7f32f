"""Organisations, members, keys, sign-up and the audit over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.conftest import World, problem

ANSAN = {"slug": "ansan", "kind": "municipality", "name_ko": "안산시", "name_en": "Ansan"}


def test_an_organisation_is_created_and_shown(world: World) -> None:
    made = world.post("/organisations", "operator", ANSAN)
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/organisations/ansan")
    shown = world.get("/organisations/ansan").json
    assert {name: shown[name] for name in ANSAN} == ANSAN
    assert shown["created_at"] == "2026-05-01T09:00:00+09:00"
    problem(world.post("/organisations", "operator", ANSAN), 409, "slug_taken", field="slug")


@pytest.mark.parametrize("slug", ["Ansan", "a", "-ansan", "an_san", "안산", "a" * 64, "an san"])
def test_a_slug_that_is_none_is_refused(world: World, slug: str) -> None:
    problem(
        world.post("/organisations", "operator", {**ANSAN, "slug": slug}),
        422,
        "invalid_value",
        field="slug",
        found=slug,
    )


def test_a_former_slug_sends_readers_on_and_writes_to_the_same(world: World) -> None:
    assert (
        world.call("PATCH", "/organisations/suwon", "owner", json={"slug": "suwon-city"}).json["slug"] == "suwon-city"
    )
    for path in ("", "/members", "/devices"):
        answer = world.get(f"/organisations/suwon{path}?limit=5" if path else "/organisations/suwon", "owner")
        assert answer.status_code == 308
        assert answer.headers["Location"].split("?")[0].endswith(f"/api/v1/organisations/suwon-city{path}")
        assert ("limit=5" in answer.headers["Location"]) is bool(path)
    made = world.post("/organisations/suwon/devices", "publisher", {"name": "air-1"})
    assert (made.status_code, made.json["address"]) == (201, "suwon-city/air-1")
    answer = world.get("/devices/suwon/air-1", "publisher")
    assert (answer.status_code, answer.headers["Location"].endswith("/devices/suwon-city/air-1")) == (308, True)
    assert world.http.get(answer.headers["Location"], headers={"X-API-Key": world.keys["publisher"]}).status_code == 200


def test_members_come_and_go_and_the_last_owner_stays(world: World) -> None:
    body = {"email": "new@example.org", "name": "New", "role": "publisher"}
    added = world.post("/organisations/suwon/members", "owner", body)
    assert (added.status_code, added.json["email"], added.json["role"]) == (201, "new@example.org", "publisher")
    listed = world.get("/organisations/suwon/members", "owner").json["items"]
    assert sorted(one["role"] for one in listed) == ["owner", "publisher", "publisher", "viewer"]
    path = f"/organisations/suwon/members/{added.json['person_id']}?role=publisher"
    assert world.call("DELETE", path, "owner").status_code == 204
    problem(world.call("DELETE", path, "owner"), 404, "not_found")
    owner = next(one for one in listed if one["role"] == "owner")
    last = f"/organisations/suwon/members/{owner['person_id']}?role=owner"
    problem(world.call("DELETE", last, "owner"), 409, "last_owner")


def test_a_key_is_made_shown_once_listed_and_revoked(world: World) -> None:
    made = world.post("/keys", "publisher", {"label": "laptop", "scopes": ["data:read"], "days": 10})
    assert made.status_code == 201
    assert made.json["expires_at"] == "2026-05-11T09:00:00+09:00"
    world.keys["laptop"] = made.json["key"]
    listed = world.get("/keys", "laptop").json["items"]
    assert [one["label"] for one in listed] == ["test", "laptop"]
    assert made.json["key"] not in str(listed)
    assert world.call("DELETE", f"/keys/{made.json['id']}", "laptop").status_code == 204
    problem(world.get("/keys", "laptop"), 401, "key_revoked")


def test_a_key_gives_no_scope_that_it_has_not_and_lasts_no_longer_than_allowed(world: World) -> None:
    world.keys["reader"] = world.key(world.suwon, "publisher", scopes=["data:read"])
    problem(
        world.post("/keys", "reader", {"label": "x", "scopes": ["data:write"]}), 403, "scope_exceeds", field="scopes"
    )
    answer = world.post("/keys", "publisher", {"label": "x", "scopes": ["data:read"], "days": 100_000})
    problem(answer, 422, "invalid_value", field="days", expected="GOPS_KEY_DAYS_MAX")
    problem(
        world.post("/keys", "publisher", {"label": "x", "scopes": ["everything"]}),
        422,
        "invalid_value",
        field="scopes[0]",
    )


def test_a_foreign_key_is_not_there(world: World) -> None:
    (own,) = world.get("/keys", "owner").json["items"]
    for who in ("other", "viewer", "publisher"):
        problem(world.call("DELETE", f"/keys/{own['id']}", who), 404, "not_found")


def test_an_owner_makes_keys_for_members_and_sees_all(world: World) -> None:
    world.post("/organisations/suwon/members", "owner", {"email": "new@example.org", "name": "New", "role": "viewer"})
    wish = {"email": "new@example.org", "label": "first", "scopes": ["data:read"], "days": 5}
    made = world.post("/organisations/suwon/keys", "owner", wish)
    assert made.status_code == 201
    assert world.get("/keys", headers={"X-API-Key": made.json["key"]}).json["items"][0]["label"] == "first"
    assert len(world.get("/organisations/suwon/keys", "owner").json["items"]) == 4
    problem(world.post("/organisations/suwon/keys", "owner", {**wish, "email": "no@example.org"}), 404, "not_found")
    problem(world.post("/organisations/suwon/keys", "publisher", wish), 403, "forbidden")
    problem(world.get("/organisations/suwon/keys", "publisher"), 403, "forbidden")
    problem(world.get("/organisations/suwon/keys"), 401, "unauthenticated")


def test_an_expired_key_is_401(world: World) -> None:
    world.clock.move(days=31)
    problem(world.get("/organisations", "viewer"), 401, "key_expired")


def test_signing_up_gives_a_key_that_reads_at_once(world_with: Callable[..., World]) -> None:
    world = world_with()
    answer = world.post("/signup", body={"email": "me@example.org", "name": "Me"})
    assert answer.status_code == 201
    assert set(answer.json) == {"key"}
    assert answer.headers["Cache-Control"] == "no-store"
    world.keys["new"] = answer.json["key"]
    assert world.get("/organisations", "new").status_code == 200
    problem(world.post("/things", "new", {"organisation": "suwon", "name": "x"}), 403, "forbidden")
    assert world.letters.sent[0][0] == "me@example.org"


def test_signing_up_does_not_tell_whether_an_address_is_known(world_with: Callable[..., World]) -> None:
    world = world_with()
    answers = [world.post("/signup", body={"email": "me@example.org", "name": "Me"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [set(answer.json) for answer in answers] == [{"key"}, {"key"}]


def test_mistakes_at_signing_up_do_not_count(world_with: Callable[..., World]) -> None:
    world = world_with(signup_per_hour=1)
    for _ in range(3):
        problem(world.post("/signup", body={"email": "x", "name": "Me"}), 422, "invalid_value", field="email")
    assert world.post("/signup", body={"email": "me@example.org", "name": "Me"}).status_code == 201


def test_acts_are_in_the_audit(world: World) -> None:
    world.post("/organisations/suwon/devices", "publisher", {"name": "air-1"})
    acts = world.get("/audit?organisation=suwon&limit=100", "owner").json["items"]
    assert (acts[-1]["action"], acts[-1]["detail"]["name"]) == ("device.register", "air-1")
    assert acts[-1]["at"] == "2026-05-01T09:00:00+09:00"
    assert "secret" not in str(acts)
