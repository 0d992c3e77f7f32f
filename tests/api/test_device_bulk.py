"""Many devices at once over HTTP, and those that have fallen silent."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import World, problem

BULK = "/organisations/suwon/devices/bulk"


def bulk(world: World, text: str | bytes, query: str = "", who: str = "publisher", kind: str = "text/csv") -> Any:
    return world.call("POST", BULK + query, who, data=text, headers={"Content-Type": kind})


def names(world: World, query: str) -> list[str]:
    return [one["name"] for one in world.get(f"/organisations/suwon/devices{query}", "publisher").json["items"]]


def test_each_line_is_registered_or_refused_by_itself(world: World) -> None:
    text = "\ufeffname,description\nair-1,시청 앞\nair 2,\nair-1,\nair-3,\n".encode()
    dry = bulk(world, text, "?dry_run=true").json
    assert ((dry["done"], dry["refused"]), names(world, "")) == ((2, 2), [])
    made = bulk(world, text).json
    assert (made["done"], made["refused"]) == (2, 2)
    told = [(one["line"], one["address"], one["code"]) for one in made["items"]]
    assert told == [
        (2, "suwon/air-1", None),
        (3, "suwon/'air 2'", "invalid_value"),
        (4, "suwon/'air-1'", "name_taken"),
        (5, "suwon/air-3", None),
    ]
    assert world.services.devices.authenticate("suwon/air-3", made["items"][3]["secret"])
    assert (made["items"][1]["secret"], names(world, "")) == (None, ["air-1", "air-3"])


def test_they_are_rotated_and_revoked_by_name(world: World) -> None:
    first = bulk(world, "name\na\nb\n").json["items"]
    turned = bulk(world, "name\na\nx\n", "?action=rotate").json
    assert [(one["address"], one["code"]) for one in turned["items"]] == [("suwon/a", None), ("suwon/x", "not_found")]
    devices = world.services.devices
    assert devices.authenticate("suwon/a", first[0]["secret"]) is None
    assert devices.authenticate("suwon/a", turned["items"][0]["secret"])
    problem(bulk(world, "name\na\n", "?action=revoke"), 422, "invalid_value", field="reason")
    assert bulk(world, "name\na\n", "?action=revoke&reason=replaced").json["done"] == 1
    assert devices.known("suwon/a") == "revoked"
    problem(bulk(world, "name\nb\n", "?action=rotate&dry_run=true"), 422, "invalid_value", field="dry_run")


def test_what_is_no_list_of_devices_is_refused_whole(world: World) -> None:
    problem(bulk(world, "id,secret\n1,2\n"), 422, "invalid_value", field="body")
    problem(bulk(world, "name\na,b\n"), 422, "bad_csv", field="body")
    problem(bulk(world, b"name\n\xff\n"), 400, "bad_utf8", field="body")
    problem(bulk(world, "[]", kind="application/json"), 415, "unsupported_media_type", field="Content-Type")
    problem(bulk(world, "name\na\n", who="other"), 403, "forbidden")
    problem(bulk(world, "name\n" + "a\n" * 20_001), 422, "too_many_devices", field="devices")
    assert names(world, "") == []


def test_silent_devices_are_listed_page_by_page_with_when_they_were_heard(world: World) -> None:
    bulk(world, "name\na\nb\nc\n")
    assert names(world, "?silent=true") == []
    world.clock.move(hours=25)
    ids = {one["name"]: one["id"] for one in world.get("/organisations/suwon/devices", "publisher").json["items"]}
    world.services.device_status.seen([ids["b"]], world.clock.micros())
    world.services.device_status.flush()
    world.clock.move(hours=3)
    assert names(world, "?silent=true") == ["a", "c"]
    assert names(world, "?silent_for=PT2H") == ["a", "b", "c"]
    first = world.get("/organisations/suwon/devices?silent=true&limit=1", "publisher").json
    assert [one["name"] for one in first["items"]] == ["a"]
    assert first["next"].endswith(f"silent=true&limit=1&after={ids['a']}")
    assert names(world, f"?silent=true&after={ids['a']}") == ["c"]
    seen = world.get("/organisations/suwon/devices?silent_for=PT2H", "publisher").json["items"][1]["last_seen"]
    assert seen.startswith("2026-05-02T10:00:00")
    problem(
        world.get("/organisations/suwon/devices?silent_for=soon", "publisher"), 422, "bad_duration", field="silent_for"
    )
