"""Headers: security, caching, CORS, HEAD, OPTIONS, request ids, proxies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Response

from gops.api import vary
from tests.api.conftest import World, problem


def test_every_answer_tells_browsers_what_they_may(world: World) -> None:
    for path in ("/organisations", "/nothing", "/health/live"):
        headers = world.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(("base_url", "strict"), [("", None), ("https://data.example.kr", "max-age=31536000")])
def test_only_an_https_address_asks_for_strict_transport(
    world_with: Callable[..., World], base_url: str, strict: str | None
) -> None:
    assert world_with(base_url=base_url).get("/organisations").headers.get("Strict-Transport-Security") == strict


def test_a_harmless_request_id_is_taken_over(world: World) -> None:
    assert world.get("/organisations", headers={"X-Request-ID": "abc_DEF-123"}).headers["X-Request-ID"] == "abc_DEF-123"


def test_public_answers_may_be_kept_and_keyed_ones_are_the_askers_own(world: World) -> None:
    public = world.get("/organisations").headers
    assert public["Cache-Control"] == "no-cache"
    assert {"Accept", "Authorization", "X-API-Key"} <= {part.strip() for part in public["Vary"].split(",")}
    assert world.get("/organisations", "viewer").headers["Cache-Control"] == "private, no-cache"
    made = world.post("/organisations/suwon/devices", "publisher", {"name": "air-1"})
    assert made.headers["Cache-Control"] == "no-store"


def test_entities_have_an_etag_of_their_body(world: World) -> None:
    etag = world.get("/organisations").headers["ETag"]
    answer = world.get("/organisations", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")
    weakened = world.get("/organisations", headers={"If-None-Match": f"W/{etag}"})  # as a proxy that compresses does
    assert weakened.status_code == 304
    world.call("PATCH", "/organisations/suwon", "owner", json={"name_en": "Suwon City"})
    assert world.get("/organisations", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("query", ["", "?format=csv", "?every=1h"])
def test_head_is_get_without_the_body(world: World, query: str) -> None:
    stream = world.stream()
    world.write(stream, range(3))
    path = f"/datastreams/{stream.id}/observations{query}"
    got, asked = world.get(path), world.call("HEAD", path)
    assert asked.data == b""
    for name in ("ETag", "Content-Type", "Vary", "Cache-Control"):
        assert asked.headers[name] == got.headers[name]


def test_any_page_may_read_without_a_key_and_none_may_write(world: World) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    headers = world.call("OPTIONS", "/organisations", headers=asked).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "Authorization" not in headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers
    assert world.get("/organisations").headers["Access-Control-Allow-Origin"] == "*"


def test_options_names_the_methods(world: World) -> None:
    answer = world.call("OPTIONS", "/organisations")
    assert answer.status_code == 200
    assert {part.strip() for part in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_key_in_the_address_only_reads(world: World) -> None:
    key = world.keys["publisher"]
    stream = world.stream(public=False)
    assert world.get(f"/datastreams/{stream.id}?key={key}").status_code == 200
    answer = world.call("POST", f"/organisations/suwon/devices?key={key}", json={"name": "air-9"})
    problem(answer, 401, "unauthenticated", field="key")
    problem(world.get(f"/organisations/suwon/members?key={world.keys['owner']}"), 403, "forbidden")


def test_a_key_in_its_own_header_is_a_key(world: World) -> None:
    assert world.get("/keys", headers={"X-API-Key": world.keys["viewer"]}).status_code == 200


def test_links_begin_with_the_base_address_where_one_is_set(world_with: Callable[..., World]) -> None:
    world = world_with(base_url="https://data.example.kr")
    link = world.get("/organisations?limit=1").headers["Link"]
    assert link.startswith("<https://data.example.kr/api/v1/organisations?")


@pytest.mark.parametrize(("proxies", "allowed"), [(0, 1), (1, 2)])
def test_the_address_of_a_client_is_believed_from_trusted_proxies_only(
    world_with: Callable[..., World], proxies: int, allowed: int
) -> None:
    world = world_with(trusted_proxies=proxies, signup_per_hour=1)
    answers = [
        world.post("/signup", body={"email": "a@example.org", "name": "A"}, headers={"X-Forwarded-For": address})
        for address in ("203.0.113.1", "203.0.113.2")
    ]
    assert [answer.status_code for answer in answers].count(201) == allowed


def test_one_network_of_ipv6_is_one_client(world_with: Callable[..., World]) -> None:
    world = world_with(trusted_proxies=1, signup_per_hour=1)
    answers = [
        world.post("/signup", body={"email": "a@example.org", "name": "A"}, headers={"X-Forwarded-For": address})
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:1::1")
    ]
    assert [answer.status_code for answer in answers] == [201, 429, 201]


def test_a_list_of_origins_confines_who_may_read(world_with: Callable[..., World]) -> None:
    world = world_with(cors_origins=("https://app.example",))
    mine = world.get("/organisations", headers={"Origin": "https://app.example"}).headers
    assert mine["Access-Control-Allow-Origin"] == "https://app.example"
    other = world.get("/organisations", headers={"Origin": "https://other.example"}).headers
    assert "Access-Control-Allow-Origin" not in other
    assert "Origin" in mine["Vary"]
    assert "Origin" in other["Vary"]


def test_a_key_in_the_address_stands_in_no_log(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    key = world.keys["viewer"]
    for path in ("/organisations", "/nothing", "/organisations/suwon/members", "/organisations?limit=x"):
        sign = "&" if "?" in path else "?"
        answer = world.get(f"{path}{sign}key={key}")
        assert key not in answer.text
        assert key not in str(answer.headers)
    logged = capsys.readouterr()
    assert "path=/api/v1/organisations" in logged.out + logged.err
    assert key not in logged.out + logged.err


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        (None, "Accept, Origin"),
        ("", "Accept, Origin"),
        ("accept", "accept, Origin"),
        ("Origin, Accept", "Origin, Accept"),
    ],
)
def test_vary_names_each_header_once(present: str | None, wanted: str) -> None:
    response = Response(headers={} if present is None else {"Vary": present})
    vary.on(response, "Accept", "Origin")
    assert response.headers.getlist("Vary") == [wanted]
