"""How often one may ask: in a minute, and in a day; and what every answer says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from gops.api.limits import LIMITER
from gops.clock import DAY
from gops.settings import Settings
from gops.usage.quotas import FEW
from tests.api.conftest import World, problem

OUTSIDE = {"REMOTE_ADDR": "203.0.113.7"}
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.8"}


@pytest.fixture
def limited(world_of: Callable[..., World], settings: Settings, shared_app: Flask) -> Iterator[Callable[..., World]]:
    """A world with some settings changed."""
    shared_app.extensions[LIMITER].reset()
    yield lambda **changed: world_of(replace(settings, **changed), shared_app)
    shared_app.extensions[LIMITER].reset()


def get(world: World, path: str = "/organisations", who: str | None = None, **place: str) -> Any:
    return world.get(path, who, environ_overrides=OUTSIDE | place)


def test_an_address_has_so_many_requests_in_a_minute(limited: Callable[..., World]) -> None:
    world = limited(limit_address_minute=2)
    first = get(world)
    assert first.headers["RateLimit-Policy"] == '"minute";q=2;w=60, "day";q=50000;w=86400'
    assert first.headers["RateLimit"].startswith('"minute";r=1;t=')
    assert get(world).headers["RateLimit"].startswith('"minute";r=0;t=')
    answer = get(world)
    problem(answer, 429, "too_many_requests", expected="at most 2 a minute (GOPS_LIMIT_ADDRESS_MINUTE)")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit"].startswith('"minute";r=0;t=')
    assert get(world, REMOTE_ADDR="203.0.113.8").status_code == 200


def test_a_key_counts_for_itself_wherever_it_comes_from(limited: Callable[..., World]) -> None:
    world = limited(limit_address_minute=1, limit_key_minute=2)
    assert get(world).status_code == 200
    assert get(world, who="viewer").status_code == 200
    assert get(world, who="viewer", **ELSEWHERE).status_code == 200
    problem(get(world, who="viewer"), 429, "too_many_requests", expected="GOPS_LIMIT_KEY_MINUTE")
    assert get(world, who="owner").status_code == 200


def test_guessing_keys_and_addresses_counts_too(limited: Callable[..., World]) -> None:
    world = limited(limit_address_minute=2)
    bad = {"Authorization": "Bearer gops_aaaaaaaa_" + "x" * 43}
    answers = [world.get("/organisations", headers=bad, environ_overrides=OUTSIDE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    elsewhere = [get(world, "/nothing", **ELSEWHERE).status_code for _ in range(3)]
    assert elsewhere == [404, 404, 429]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_exempt_networks_have_no_limit_and_read_of_none(limited: Callable[..., World], address: str) -> None:
    world = limited(limit_address_minute=1, quota_address_day=1)
    for _ in range(3):
        answer = get(world, REMOTE_ADDR=address)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


def test_health_and_preflights_cost_nothing(limited: Callable[..., World]) -> None:
    world = limited(limit_address_minute=1)
    for _ in range(3):
        assert get(world, "/health/live").status_code == 200
        assert world.call("OPTIONS", "/organisations", environ_overrides=OUTSIDE).status_code == 200
    assert get(world).status_code == 200


def test_addresses_of_one_ipv6_customer_count_together(limited: Callable[..., World]) -> None:
    world = limited(limit_address_minute=1)
    places = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
    assert [get(world, REMOTE_ADDR=one).status_code for one in places] == [200, 429, 200]


def test_a_quota_of_the_day_ends_at_midnight_and_says_when(limited: Callable[..., World]) -> None:
    world = limited(quota_address_day=2)
    assert [get(world).status_code for _ in range(2)] == [200, 200]
    answer = get(world)
    problem(answer, 429, "quota_exceeded", expected="at most 2 a day (GOPS_QUOTA_ADDRESS_DAY)")
    seconds = int(answer.headers["Retry-After"])
    assert 0 < seconds <= 86_400
    world.clock.move(seconds=seconds)
    assert get(world).status_code == 200


def test_everybody_sees_what_is_left(limited: Callable[..., World]) -> None:
    world = limited(quota_address_day=5, quota_reader_day=9, quota_member_day=0)
    get(world)
    mine = get(world, "/me/usage").json
    assert (mine["tier"], mine["quota"], mine["used"], mine["remaining"]) == ("address", 5, 2, 3)
    assert mine["resets_at"].endswith("T00:00:00+09:00")
    assert get(world, "/me/usage", "viewer").json["tier"] == "reader"
    member = get(world, "/me/usage", "publisher").json
    assert (member["tier"], member["quota"], member["remaining"]) == ("member", None, None)
    assert world.get("/me/usage").json["tier"] == "exempt"


def test_quotas_stand_in_the_records_without_a_trace_of_the_address(limited: Callable[..., World]) -> None:
    """Another process, or the same one started anew, counts on."""
    world = limited(quota_address_day=FEW + 5)
    for _ in range(FEW + 3):
        get(world)
    world.services.usage.flush()
    with world.database.read() as session:
        rows = session.connection().exec_driver_sql("SELECT day, who, requests FROM quota_use").all()
    assert [row[2] for row in rows] == [FEW + 3]
    assert OUTSIDE["REMOTE_ADDR"] not in str(rows)
    again = limited(quota_address_day=FEW + 5)
    assert get(again, "/me/usage").json["used"] == FEW + 4


def test_few_requests_of_an_address_leave_nothing(limited: Callable[..., World]) -> None:
    world = limited()
    get(world)
    get(world, who="viewer")
    world.services.usage.flush()
    with world.database.read() as session:
        assert session.connection().exec_driver_sql("SELECT who FROM quota_use").scalar_one().startswith("key:")


def test_processes_count_together(limited: Callable[..., World]) -> None:
    one, other = limited(), limited()
    for world in (one, other, one, other):
        get(world, who="viewer")
        world.services.usage.flush()
    assert get(other, "/me/usage", "viewer").json["used"] == 5


def test_salts_and_counts_of_yesterday_are_forgotten(limited: Callable[..., World]) -> None:
    world = limited()
    get(world)
    get(world, who="viewer")
    world.services.usage.flush()
    world.clock.move(seconds=DAY // 1_000_000)
    world.services.usage.forget_old()
    with world.database.read() as session:
        for table in ("quota_use", "quota_salt"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0


def test_the_limiter_keeps_its_counts_in_memory(world: World) -> None:
    assert type(world.app.extensions[LIMITER].storage).__name__ == "MemoryStorage"
