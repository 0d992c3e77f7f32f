"""Every failure is one body. Each status once, through the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gops.api.app import create_app
from gops.api.context import EXTENSION
from gops.api.details import Members, korean_detail
from gops.api.details import korean as in_korean
from gops.api.problems import STATUS
from gops.errors import GopsError, TooMany, Unsupported
from tests.api.conftest import World, problem

JSON = {"Content-Type": "application/json"}


def test_malformed_json_is_400_and_says_where(world: World) -> None:
    answer = world.call("POST", "/signup", data='{"email": \n oops}', headers=JSON)
    problem(answer, 400, "bad_json", field="body", found="line 2, column 2")


@pytest.mark.parametrize("body", ["NaN", '{"email": NaN}', '{"email": "\\ud800"}', b"\xff\xfe", "", "[" * 2000])
def test_what_is_not_json_is_400(world: World, body: str | bytes) -> None:
    problem(world.call("POST", "/signup", data=body, headers=JSON), 400, "bad_json", field="body")


def test_without_a_key_is_401_and_says_how_to_ask(world: World) -> None:
    answer = world.get("/keys")
    problem(answer, 401, "unauthenticated", expected="Authorization: Bearer")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="GOPS"'


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer gops_aaaaaaaa_" + "x" * 43},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer " + "x" * 10_000},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer"},
        {"X-API-Key": "nonsense"},
    ],
)
def test_a_bad_credential_is_401_also_where_none_is_needed(world: World, headers: dict[str, str]) -> None:
    answer = world.get("/organisations", headers=headers)
    assert answer.status_code == 401
    problem(answer, 401, answer.json["code"])
    assert "nonsense" not in answer.text


def test_two_different_keys_are_400(world: World) -> None:
    answer = world.get("/organisations", "viewer", headers={"X-API-Key": world.keys["owner"]})
    problem(answer, 400, "two_credentials")


def test_what_a_key_may_not_is_403(world: World) -> None:
    body = {"slug": "new-one", "kind": "company", "name_ko": "새", "name_en": "New"}
    problem(world.post("/organisations", "owner", body), 403, "forbidden", found="organisation.create")


@pytest.mark.parametrize("path", ["/nothing", "/datastreams/1", "/datastreams/0", "/things/9999999999999999999999"])
def test_what_is_not_there_is_404(world: World, path: str) -> None:
    problem(world.get(path), 404, "not_found")


def test_another_method_is_405_and_names_the_right_ones(world: World) -> None:
    answer = world.call("DELETE", "/organisations")
    problem(answer, 405, "method_not_allowed", field="method", found="DELETE", expected="GET, HEAD, OPTIONS, POST")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_representation_that_is_not_made_is_406(world: World) -> None:
    stream = world.stream()
    answer = world.get(f"/datastreams/{stream.id}/observations", headers={"Accept": "image/png"})
    problem(answer, 406, "not_acceptable")


def test_what_contradicts_is_409(world: World) -> None:
    body = {"name": "air-1"}
    assert world.post("/organisations/suwon/devices", "publisher", body).status_code == 201
    answer = world.post("/organisations/suwon/devices", "publisher", body)
    assert answer.status_code == 409
    problem(answer, 409, answer.json["code"], field="name", found="air-1")


def test_a_body_beyond_its_setting_is_413_and_names_it(world_with: Callable[..., World]) -> None:
    world = world_with(http_body_bytes=2000)
    body = json.dumps({"email": "a@example.org", "name": "x" * 2000})
    answer = world.call("POST", "/signup", data=body, headers=JSON)
    problem(answer, 413, "too_large", field="body", found=len(body), expected="2000 bytes (GOPS_HTTP_BODY_BYTES)")


@pytest.mark.parametrize(("length", "status"), [(2000, 422), (2001, 413), (2002, 413), (9000, 413)])
def test_a_body_of_unknown_length_is_bounded_too(world_with: Callable[..., World], length: int, status: int) -> None:
    """A chunked body states no length; werkzeug gives its beginning and does not say that there was more."""
    world = world_with(http_body_bytes=2000)
    body = b'{"email": "' + b"x" * (length - 13) + b'"}'
    server = {"wsgi.input_terminated": True}  # as Granian says
    headers = {**JSON, "Transfer-Encoding": "chunked"}
    answer = world.call("POST", "/signup", data=body, headers=headers, environ_overrides=server)
    assert len(body) == length
    if status == 413:
        problem(answer, 413, "too_large", field="body", expected="2000 bytes (GOPS_HTTP_BODY_BYTES)")
    else:
        problem(answer, 422, "invalid_request")


def test_json_deeper_than_its_setting_is_413_and_names_it(world: World) -> None:
    deep = '{"email": ' + "[" * 20 + "]" * 20 + "}"
    problem(world.call("POST", "/signup", data=deep, headers=JSON), 413, "too_deep", expected="GOPS_HTTP_JSON_DEPTH")


def test_an_address_that_is_too_long_is_414(world: World) -> None:
    problem(world.get("/organisations?after=" + "1" * 9000), 414, "uri_too_long")


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}]
)
def test_a_body_that_is_not_json_is_415(world: World, headers: dict[str, str]) -> None:
    answer = world.call("POST", "/signup", data="a=b", headers=headers)
    problem(answer, 415, "unsupported_media_type", field="Content-Type", expected="application/json")


def test_every_wrong_value_is_named_with_what_was_found_and_expected(world: World) -> None:
    answer = world.post("/signup", body={"email": "nobody", "nmae": "x", "name": 7})
    body = problem(answer, 422, "invalid_request")
    assert [(one["field"], one["code"], one["found"]) for one in body["errors"]] == [
        ("email", "invalid_value", "nobody"),
        ("name", "invalid_value", 7),
        ("nmae", "unknown_field", "x"),
    ]
    assert body["errors"][0]["expected"] == "a mail address, at most 254 characters"
    assert "did you mean name?" in body["errors"][2]["detail_en"]


def test_a_wrong_value_inside_a_list_has_its_path(world: World) -> None:
    world.post("/organisations/suwon/devices", "publisher", {"name": "air-1"})
    body = {"fields": [{"field": "t", "datastream": 1}, {"field": "u", "datastream": "x", "scale": "y"}]}
    answer = world.call("PUT", "/devices/suwon/air-1/mapping", "publisher", json=body)
    errors = problem(answer, 422, "invalid_request")["errors"]
    assert [one["field"] for one in errors] == ["fields[1].datastream", "fields[1].scale"]


def test_a_missing_value_is_named(world: World) -> None:
    problem(world.post("/signup", body={"email": "a@example.org"}), 422, "required", field="name", found=None)


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_a_body_that_is_no_object_says_what_is_expected(world: World, body: Any) -> None:
    answer = world.call("POST", "/signup", data=json.dumps(body), headers=JSON)
    problem(answer, 422, "invalid_value", field="body", expected="a JSON object")


@pytest.mark.parametrize("path", ["/organisations?pgae=1", "/health/live?x=1", "/problems?x=1", "/latest?x=1"])
def test_a_parameter_that_nobody_reads_is_refused(world: World, path: str) -> None:
    problem(world.get(path), 422, "unknown_parameter")


def test_a_parameter_given_twice_is_refused(world: World) -> None:
    problem(world.get("/organisations?limit=1&limit=2"), 422, "repeated_parameter", field="limit")


def test_a_limit_beyond_its_setting_is_refused_and_names_it(world: World) -> None:
    problem(world.get("/organisations?limit=10001"), 422, "invalid_value", field="limit", expected="GOPS_PAGE_ROWS_MAX")


def test_more_than_the_limit_allows_is_429_and_says_when_to_come_back(world_with: Callable[..., World]) -> None:
    world = world_with(signup_per_hour=1)
    body = {"email": "a@example.org", "name": "A"}
    assert world.post("/signup", body=body).status_code == 201
    answer = world.post("/signup", body=body)
    problem(answer, 429, "too_many_requests")
    assert 0 < int(answer.headers["Retry-After"]) <= 3600


def test_a_surprise_is_500_without_details_and_with_a_traceback_in_the_log(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> dict[str, Any]:
        raise RuntimeError("the password is swordfish")

    world.app.extensions[EXTENSION] = replace(world.services, health=fail)
    answer = world.get("/health/ready")
    body = problem(answer, 500, "internal")
    assert "swordfish" not in answer.text
    assert set(body) == {"type", "title", "status", "code", "detail", "detail_en", "request_id"}
    logged = capsys.readouterr()
    assert "swordfish" in logged.out + logged.err


def test_a_part_that_is_down_is_503_and_named(world: World) -> None:
    health = {"ok": False, "components": {"records": {"ok": True}, "store": {"ok": False}}}
    world.app.extensions[EXTENSION] = replace(world.services, health=lambda: health)
    answer = world.get("/health/ready")
    problem(answer, 503, "unavailable", field="components", found="store")
    assert answer.headers["Retry-After"] == "5"


def test_a_health_that_is_well_is_shown(world: World) -> None:
    assert world.get("/health/live").json == {"ok": True}
    assert world.get("/health/ready").json["ok"] is True


@pytest.mark.parametrize(
    ("error", "status"), [(Unsupported("no"), 501), (TooMany("slow down", retry_after_s=7), 429), (GopsError("?"), 500)]
)
def test_errors_of_the_tree_have_their_status(world: World, error: GopsError, status: int) -> None:
    def fail() -> dict[str, Any]:
        raise error

    world.app.extensions[EXTENSION] = replace(world.services, health=fail)
    answer = world.get("/health/ready")
    problem(answer, status, error.code)
    assert answer.headers.get("Retry-After") == ("7" if status == 429 else None)


def test_every_class_of_the_tree_has_a_status() -> None:
    def below(kind: type) -> list[type]:
        return [kind, *(deeper for sub in kind.__subclasses__() for deeper in below(sub))]

    for kind in below(GopsError):
        assert any(parent in STATUS for parent in kind.__mro__)


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("en", "Not found"),
        ("ko-KR,ko;q=0.9", "찾을 수 없습니다"),
        ("fr", "찾을 수 없습니다"),
        ("", "찾을 수 없습니다"),
    ],
)
def test_the_title_is_in_the_language_of_the_reader(world: World, wanted: str, title: str) -> None:
    answer = world.get("/nothing", headers={"Accept-Language": wanted})
    assert problem(answer, 404, "not_found")["title"] == title
    assert answer.headers["Content-Language"] in ("ko", "en")
    assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/organisations?limit=0", "허용되지 않는 값입니다. 항목: limit, 받은 값: 0, 필요한 것: 정수, 최소 1"),
        ("/organisations?limit=1&limit=2", "같은 매개변수를 두 번 이상 보냈습니다. 항목: limit"),
        ("/keys", "이 요청에는 유효한 API 키가 필요합니다. 필요한 것: Authorization: Bearer <key>"),
        ("/things/7", "이 주소나 번호에 해당하는 것이 없거나 공개되지 않았습니다. 항목: thing"),
    ],
)
def test_in_korean_the_detail_is_korean_and_the_raised_one_stands_beside_it(world: World, path: str, told: str) -> None:
    korean, english = (world.get(path, headers={"Accept-Language": one}).json for one in ("ko", "en"))
    assert korean["detail"].startswith(told)
    assert korean["detail_en"] == english["detail"]
    assert "detail_en" not in english
    assert all(korean.get(name) == english.get(name) for name in ("code", "field", "found", "expected"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sites?kind=moon", "moon, 필요한 것: street, park, building,"),
        ("/datastreams?bbox=1,2", "1,2, 필요한 것: 도 단위의 서,남,동,북."),
        ("/observations?datastream=x", "x, 필요한 것: 쉼표로 나눈 번호."),
        ("/observations?datastream=1&zone=x", "x, 필요한 것: IANA 시간대."),
        ("/observations?datastream=1&from=x", "x, 필요한 것: ISO 8601 시각."),
        ("/latest?observed_property=x", "x, 필요한 것: 관측 속성의 키."),
        ("/search?place=mars", "mars, 필요한 것: 시나 군."),
    ],
)
def test_what_newcomers_get_wrong_is_said_in_korean_to_the_end(world: World, path: str, expected: str) -> None:
    assert f"받은 값: {expected}" in world.get(path, headers={"Accept-Language": "ko"}).json["detail"]


def test_a_code_without_a_sentence_has_the_title_of_its_status() -> None:
    assert korean_detail("not_known_here", "conflict", Members(field="a")) == "기존 내용과 충돌합니다. 항목: a"


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("text, from 1 to 64 characters", "글, 1 이상 64자 이하"),
        ("one of a, b", "a, b 중에서"),
        ("at most 10 levels (GOPS_HTTP_JSON_DEPTH)", "최대 10단 (GOPS_HTTP_JSON_DEPTH)"),
        ("a call that is scored", "a call that is scored"),
        ("a number, which nobody knows", "a number, which nobody knows"),
    ],
)
def test_regular_expectations_are_said_in_korean_and_others_stay(expected: str, told: str) -> None:
    assert in_korean(expected) == told


def test_the_type_of_a_problem_leads_people_to_a_page(world: World) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "ko"}
    page = world.get("/problems", headers=browser)
    assert (page.status_code, page.mimetype, page.headers["Content-Language"]) == (200, "text/html", "ko")
    assert {"Accept", "Accept-Language"} <= set(page.headers["Vary"].replace(" ", "").split(","))
    listed = world.get("/problems").json
    assert all(f'<section id="{one["code"]}">' in page.text for one in listed)
    assert "<p>할 일: " in page.text
    english = world.get("/problems", headers=browser | {"Accept-Language": "en"}).text
    assert "<p>What to do: " in english
    assert not any("가" <= letter <= "힣" for letter in english)


def test_a_long_wrong_value_is_cut_in_the_answer(world: World) -> None:
    answer = world.get("/latest?observed_property=" + "x" * 1000)
    assert len(problem(answer, 422, "invalid_value", field="observed_property")["found"]) == 200


def test_the_codes_are_listed_in_both_languages(world: World) -> None:
    listed = {one["code"]: one for one in world.get("/problems").json}
    assert listed["not_found"]["title_ko"] == "찾을 수 없습니다"


def test_outside_of_the_api_a_failure_is_for_people_where_there_are_pages(world: World) -> None:
    from flask import Response

    services = world.services
    app = create_app(
        services, services.settings, lambda problem, language: Response(problem.title(language), problem.status)
    )
    browser: FlaskClient = app.test_client()
    answer = browser.get("/nothing", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.text) == (404, "Not found")
    assert browser.get("/api/nothing").mimetype == "application/problem+json"


@pytest.mark.parametrize("word", ["1", "yes", "on", "TRUE", "0", ""])
def test_a_truth_in_an_address_is_true_or_false_and_nothing_like_it(world: World, word: str) -> None:
    stream = world.stream()
    path = f"/datastreams/{stream.id}/observations?every=1h&fill="
    problem(world.get(path + word), 422, "invalid_value", field="fill", expected="true or false")
    assert world.get(f"{path}false").status_code == 200


@pytest.mark.parametrize("value", [1, 0.0, "yes"])
def test_a_truth_in_a_body_is_one(world: World, value: Any) -> None:
    stream = world.stream()
    answer = world.post(f"/datastreams/{stream.id}/publication", "publisher", {"public": value})
    problem(answer, 422, "invalid_value", field="public", expected="true or false")
