"""Pulled feeds over HTTP: declared, watched, asked to run. The portal stands on loopback."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from gops.ingest.feeds.runner import FeedRunner
from gops.outbound import Outbound
from tests.api.conftest import World, problem
from tests.unit.feeds.portal import KEY, Portal, failure, page, row


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


@pytest.fixture
def inside(world_with: Callable[..., World]) -> World:
    """A world that may ask loopback."""
    return world_with(outbound_allow=(ip_network("127.0.0.0/8"),), feed_retry_seconds=0)


def declaration(portal: Portal, **given: Any) -> dict[str, Any]:
    config = {"provinces": ["서울"], "url": portal.url}
    plain = {"organisation": "suwon", "slug": "suwon-air", "name": "대기질", "adapter": "airkorea"}
    return plain | {"config": config, "key": KEY} | given


def run(world: World) -> None:
    services = world.services
    outbound = Outbound.of(services.settings)
    runner = FeedRunner(
        world.database, world.clock, services.settings, outbound, services.store, services.refusals
    )  # fmt: skip
    feed = services.feeds.get(world.publisher, "suwon-air")
    assert runner.run(feed.id) is not None


def test_a_feed_is_declared_and_its_key_never_shown(inside: World, portal: Portal) -> None:
    answer = inside.post("/feeds", "publisher", declaration(portal))
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/feeds/suwon-air")
    shown = inside.get("/feeds/suwon-air", "publisher")
    assert shown.json == answer.json
    assert (shown.json["minutes"], shown.json["enabled"]) == ("15,35", True)
    for text in (answer.text, shown.text, inside.get("/feeds?organisation=suwon", "publisher").text):
        assert "DEF" not in text


def test_a_feed_brings_readings_a_draft_and_health(inside: World, portal: Portal) -> None:
    portal.replies = [page([row("강남구"), row("종로구", coValue="-", coFlag="통신장애")])]
    inside.post("/feeds", "publisher", declaration(portal))
    assert inside.get("/feeds/suwon-air/health", "publisher").json["state"] == "new"
    run(inside)
    health = inside.get("/feeds/suwon-air/health", "publisher").json
    assert (health["state"], health["lag_seconds"], health["calls_today"]) == ("ok", 0, 1)
    assert (health["breaker"], health["drift"]) == ("closed", {"absent": [], "added": [], "at": None})
    assert health["next_run_at"] == "2026-05-01T09:15:00+09:00"
    assert (health["last_run"]["rows"], health["last_run"]["readings"]) == (2, 12)
    (only,) = inside.get("/feeds/suwon-air/runs", "publisher").json
    assert (only["outcome"], only["inserted"], only["registered"]) == ("ok", 12, 12)


def test_a_failing_feed_says_why(inside: World, portal: Portal) -> None:
    portal.replies = [failure("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR")]
    inside.post("/feeds", "publisher", declaration(portal))
    run(inside)
    health = inside.get("/feeds/suwon-air/health", "publisher").json
    assert (health["state"], health["errors"]) == ("failing", {"30": 1})
    assert health["last_run"]["note"] == "30 SERVICE_KEY_IS_NOT_REGISTERED_ERROR"


def test_a_feed_is_changed_and_asked_to_run(inside: World, portal: Portal) -> None:
    inside.post("/feeds", "publisher", declaration(portal))
    changed = inside.call("PATCH", "/feeds/suwon-air", "publisher", json={"minutes": "5", "key": "other"})
    assert (changed.status_code, changed.json["minutes"]) == (200, "5")
    assert inside.post("/feeds/suwon-air/runs", "publisher").status_code == 202
    inside.call("PATCH", "/feeds/suwon-air", "publisher", json={"enabled": False})
    problem(inside.post("/feeds/suwon-air/runs", "publisher"), 409, "feed_off")


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"slug": "direct"}, "invalid_value", "slug"),
        ({"adapter": "busan"}, "invalid_value", "adapter"),
        ({"config": {"provinces": ["Seoul"]}}, "invalid_value", "config.provinces[0]"),
        ({"config": {}}, "invalid_value", "config.provinces"),
        ({"minutes": "61"}, "bad_minutes", "minutes"),
        ({"calls_per_day": 0}, "invalid_value", "calls_per_day"),
        ({"key": "a b"}, "invalid_value", "key"),
        ({"keys": "x"}, "unknown_field", "keys"),
    ],
)
def test_a_wrong_declaration_is_named(
    inside: World, portal: Portal, given: dict[str, Any], code: str, field: str
) -> None:
    problem(inside.post("/feeds", "publisher", declaration(portal, **given)), 422, code, field=field)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]/"]
)
def test_an_address_inside_is_refused(world: World, url: str) -> None:
    body = {
        "organisation": "suwon", "slug": "suwon-air", "name": "대기질", "adapter": "airkorea", "key": KEY,
        "config": {"provinces": ["서울"], "url": url},
    }  # fmt: skip
    problem(world.post("/feeds", "publisher", body), 422, "address_refused", field="url")


def test_a_slug_is_taken_once(inside: World, portal: Portal) -> None:
    inside.post("/feeds", "publisher", declaration(portal))
    problem(inside.post("/feeds", "publisher", declaration(portal)), 409, "slug_taken", field="slug")


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("viewer", 403), ("other", 403), ("operator", 403)])
def test_only_publishers_declare_and_list(inside: World, portal: Portal, who: str | None, status: int) -> None:
    code = "unauthenticated" if status == 401 else "forbidden"
    problem(inside.post("/feeds", who, declaration(portal)), status, code)
    problem(inside.get("/feeds?organisation=suwon", who), status, code)


@pytest.mark.parametrize("who", [None, "viewer", "other", "operator"])
def test_a_foreign_feed_is_not_found(inside: World, portal: Portal, who: str | None) -> None:
    inside.post("/feeds", "publisher", declaration(portal))
    for method, path, body in (
        ("GET", "/feeds/suwon-air", None),
        ("GET", "/feeds/suwon-air/health", None),
        ("GET", "/feeds/suwon-air/runs", None),
        ("POST", "/feeds/suwon-air/runs", None),
        ("PATCH", "/feeds/suwon-air", {"enabled": False}),
    ):
        answer = inside.call(method, path, who, json=body)
        if who is None and method == "GET":
            assert answer.status_code in (401, 404)
        else:
            problem(answer, 404, "not_found")


def test_another_config_is_tried_before_it_holds(inside: World, portal: Portal) -> None:
    inside.post("/feeds", "publisher", declaration(portal))
    given = {
        "base64": b64encode(page([row("강남구")])[1]).decode(),
        "config": {"provinces": ["경기"], "url": portal.url},
    }
    tried = inside.post("/feeds/suwon-air/try", "publisher", given)
    assert (tried.status_code, tried.json["topic"], len(tried.json["readings"])) == (200, "경기", 6)
    wrong = inside.post("/feeds/suwon-air/try", "publisher", given | {"config": {"provinces": "경기"}})
    problem(wrong, 422, "invalid_value", field="config.provinces")
    assert inside.get("/feeds/suwon-air", "publisher").json["config"]["provinces"] == ["서울"]


def test_a_feed_is_deleted_and_its_readings_stay(inside: World, portal: Portal) -> None:
    portal.replies = [page([row("강남구")])]
    inside.post("/feeds", "publisher", declaration(portal))
    run(inside)
    problem(inside.call("DELETE", "/feeds/suwon-air", "other"), 404, "not_found")
    problem(inside.call("DELETE", "/feeds/suwon-air", "viewer"), 404, "not_found")
    assert inside.call("DELETE", "/feeds/suwon-air", "publisher").status_code == 204
    problem(inside.get("/feeds/suwon-air", "publisher"), 404, "not_found")
    assert len(inside.get("/datastreams?organisation=suwon", "publisher").json["items"]) == 6
    assert inside.post("/feeds", "publisher", declaration(portal)).status_code == 201
