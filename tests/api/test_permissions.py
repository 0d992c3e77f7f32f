"""Who may do what, through HTTP: a row for each act, a column for each person, deny by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gops.ingest.refusals import Report
from gops.ingest.refused import Refused
from tests.api.conftest import World, problem

PEOPLE = (None, "viewer", "publisher", "owner", "other", "operator", "auditor")
"""Columns. ``None`` is anonymous; ``other`` a publisher of another organisation; the rest but the last two of Suwon."""


def refuse_something(world: World) -> int:
    """A refusal of Suwon; its id."""
    refused = Refused("unknown_field", "pm1", "pm1", "no mapping for pm1")
    world.services.refusals.record(
        [Report("direct", "suwon/air-1", world.suwon.id, "gops/v1/x", b'{"pm1": 1}', refused)]
    )
    (shown,) = world.services.refusals.list(world.publisher, world.suwon.id)
    return int(shown.id)


def device(world: World) -> str:
    world.services.devices.register(world.publisher, "suwon", "air-1")
    return "suwon/air-1"


Act = Callable[[World], tuple[str, str, Any]]
"""Makes what the act needs and gives method, path and body."""

PRIVATE: dict[str, Act] = {
    "datastream": lambda w: ("GET", f"/datastreams/{w.stream(public=False).id}", None),
    "readings": lambda w: ("GET", f"/datastreams/{w.stream(public=False).id}/observations", None),
    "readings as csv": lambda w: ("GET", f"/observations?datastream={w.stream(public=False).id}&format=csv", None),
    "windows": lambda w: ("GET", f"/datastreams/{w.stream(public=False).id}/observations?every=1h", None),
    "newest": lambda w: ("GET", f"/latest?datastream={w.stream(public=False).id}", None),
    "thing": lambda w: ("GET", f"/things/{w.stream(public=False).thing_id}", None),
    "locations": lambda w: ("GET", f"/things/{w.stream(public=False).thing_id}/locations", None),
    "sensor": lambda w: ("GET", f"/sensors/{w.stream(public=False).sensor_id}", None),
    "device": lambda w: ("GET", f"/devices/{device(w)}", None),
    "mapping": lambda w: ("GET", f"/devices/{device(w)}/mapping", None),
    "refusal": lambda w: ("GET", f"/refusals/{refuse_something(w)}", None),
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("what", PRIVATE)
def test_what_is_private_is_shown_to_its_publishers_alone(world: World, what: str, who: str | None) -> None:
    method, path, body = PRIVATE[what](world)
    answer = world.call(method, path, who, json=body)
    if who in ("publisher", "owner"):
        assert answer.status_code == 200, answer.text
    else:
        problem(answer, 404, "not_found")


CHANGES: dict[str, Act] = {
    "register a device": lambda w: ("POST", "/organisations/suwon/devices", {"name": "new"}),
    "create a thing": lambda w: ("POST", "/things", {"organisation": "suwon", "name": "new"}),
    "create a sensor": lambda w: ("POST", "/sensors", {"organisation": "suwon", "name": "new"}),
    "edit a public datastream": lambda w: ("PATCH", f"/datastreams/{w.stream().id}", {"name": "new"}),
    "withdraw a datastream": lambda w: ("POST", f"/datastreams/{w.stream().id}/publication", {"public": False}),
    "end a datastream": lambda w: ("POST", f"/datastreams/{w.stream().id}/end", {"reason": "over"}),
    "move a thing": lambda w: ("POST", f"/things/{w.stream().thing_id}/locations", {"longitude": 127, "latitude": 37}),
    "decommission a thing": lambda w: ("POST", f"/things/{w.stream().thing_id}/decommission", {"reason": "over"}),
    "read refusals": lambda w: ("GET", "/refusals?organisation=suwon", None),
    "list devices": lambda w: ("GET", "/organisations/suwon/devices", None),
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("what", CHANGES)
def test_changes_are_for_publishers_of_the_organisation(world: World, what: str, who: str | None) -> None:
    method, path, body = CHANGES[what](world)
    answer = world.call(method, path, who, json=body)
    if who in ("publisher", "owner"):
        assert answer.status_code in (200, 201), answer.text
    elif who is None:
        problem(answer, 401, "unauthenticated")
    else:
        problem(answer, 403, "forbidden")


HIDDEN_CHANGES: dict[str, Act] = {
    "rotate a secret": lambda w: ("POST", f"/devices/{device(w)}/secret", None),
    "revoke a device": lambda w: ("DELETE", f"/devices/{device(w)}?reason=lost", None),
    "put a mapping": lambda w: ("PUT", f"/devices/{device(w)}/mapping", {"fields": []}),
    "edit a private datastream": lambda w: ("PATCH", f"/datastreams/{w.stream(public=False).id}", {"name": "new"}),
    "publish a datastream": lambda w: (
        "POST",
        f"/datastreams/{w.stream(public=False).id}/publication",
        {"public": True},
    ),
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("what", HIDDEN_CHANGES)
def test_changes_of_what_is_hidden_do_not_tell_that_it_is_there(world: World, what: str, who: str | None) -> None:
    method, path, body = HIDDEN_CHANGES[what](world)
    answer = world.call(method, path, who, json=body)
    if who in ("publisher", "owner"):
        assert answer.status_code in (200, 204), answer.text
    else:
        problem(answer, 404, "not_found")


ADMINISTRATION: dict[str, tuple[Act, tuple[str, ...]]] = {
    "create an organisation": (
        lambda w: (
            "POST",
            "/organisations",
            {"slug": "ansan", "kind": "municipality", "name_ko": "안산", "name_en": "Ansan"},
        ),
        ("operator",),
    ),
    "rename an organisation": (
        lambda w: ("PATCH", "/organisations/suwon", {"name_en": "Suwon"}),
        ("owner", "operator"),
    ),
    "list members": (
        lambda w: ("GET", "/organisations/suwon/members", None),
        ("publisher", "owner", "operator", "auditor"),
    ),
    "add a member": (
        lambda w: ("POST", "/organisations/suwon/members", {"email": "a@example.org", "name": "A", "role": "viewer"}),
        ("owner", "operator"),
    ),
    "read the audit of an organisation": (
        lambda w: ("GET", "/audit?organisation=suwon", None),
        ("owner", "operator", "auditor"),
    ),
    "read the audit of all": (lambda w: ("GET", "/audit", None), ("operator", "auditor")),
    "count refusals of an organisation": (
        lambda w: ("GET", "/refusals/counts?organisation=suwon", None),
        ("publisher", "owner", "operator", "auditor"),
    ),
    "count refusals of all": (lambda w: ("GET", "/refusals/counts", None), ("operator", "auditor")),
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("what", ADMINISTRATION)
def test_administration_is_for_owners_and_the_platforms_roles(world: World, what: str, who: str | None) -> None:
    act, allowed = ADMINISTRATION[what]
    method, path, body = act(world)
    answer = world.call(method, path, who, json=body)
    if who in allowed:
        assert answer.status_code in (200, 201), answer.text
    elif who is None:
        problem(answer, 401, "unauthenticated")
    else:
        problem(answer, 403, "forbidden")


PUBLIC = (
    "", "/problems", "/organisations", "/organisations/suwon", "/observed-properties", "/observed-properties/pm10",
    "/things", "/sensors", "/datastreams", "/latest", "/health/live", "/health/ready", "/openapi.json",
)  # fmt: skip


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("path", PUBLIC)
def test_what_is_public_is_for_all(world: World, path: str, who: str | None) -> None:
    world.stream()
    assert world.get(path, who).status_code == 200


@pytest.mark.parametrize("who", PEOPLE)
def test_lists_hold_what_the_reader_may_see(world: World, who: str | None) -> None:
    world.write(world.stream(name="shown"), [1])
    world.write(world.stream(name="hidden", public=False), [1])
    expected = 2 if who in ("publisher", "owner") else 1
    assert len(world.get("/datastreams", who).json["items"]) == expected
    assert len(world.get("/things", who).json["items"]) == expected
    assert len(world.get("/latest", who).json["latest"]) == expected


def test_a_withdrawn_datastream_is_gone_at_once_for_others(world: World) -> None:
    stream = world.stream()
    world.post(f"/datastreams/{stream.id}/publication", "publisher", {"public": False})
    problem(world.get(f"/datastreams/{stream.id}/observations"), 404, "not_found")


def test_one_hidden_datastream_hides_the_answer_of_many(world: World) -> None:
    shown, hidden = world.stream(name="a"), world.stream(name="b", public=False)
    problem(world.get(f"/observations?datastream={shown.id},{hidden.id}"), 404, "not_found", found=hidden.id)


def test_a_key_without_the_scope_may_not_though_its_person_may(world: World) -> None:
    world.keys["reader"] = world.key(world.suwon, "publisher", scopes=["data:read"])
    problem(world.post("/organisations/suwon/devices", "reader", {"name": "new"}), 403, "forbidden")
