"""Hostile and careless input: refused by name, never a 500."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.api.conftest import World, problem

INJECTIONS = ["1; DROP TABLE datastream", "1' OR '1'='1", "../../etc/passwd", "%s%n", "{{7*7}}", "\u202e", "0x10", "１"]


@pytest.mark.parametrize(
    "text", [*INJECTIONS, "", "0", "-1", "1.5", "99999999999999999999", "1,,2", "1, 2", "9" * 1000]
)
def test_ids_that_are_none_are_refused(world: World, text: str) -> None:
    answer = world.get(f"/observations?datastream={quote(text)}")
    problem(answer, 422, "bad_ids", field="datastream", expected="1,2,3")


@pytest.mark.parametrize("text", ["0", "-1", "99999999999999999999999", "1e9", "ten", "", " ", "9" * 5000])
def test_limits_that_are_none_are_refused(world: World, text: str) -> None:
    stream = world.stream()
    for path in (f"/datastreams/{stream.id}/observations", "/organisations", "/latest"):
        problem(world.get(f"{path}?limit={quote(text)}"), 422, "invalid_value", field="limit")


@pytest.mark.parametrize("text", ["99999999999999999999999", "-1", "x", "1.5"])
def test_places_in_a_list_that_are_none_are_refused(world: World, text: str) -> None:
    problem(world.get(f"/things?after={text}"), 422, "invalid_value", field="after")


def test_the_greatest_id_is_a_place_in_a_list(world: World) -> None:
    assert world.get(f"/things?after={2**63 - 1}").json == {"items": [], "next": None}


@pytest.mark.parametrize("text", ["", "x", "AAAA", "A" * 32, "=" * 32, "ｘ" * 8, "../../../../x", "A" * 100])
def test_cursors_that_are_none_are_refused(world: World, text: str) -> None:
    stream = world.stream()
    answer = world.get(f"/datastreams/{stream.id}/observations?cursor={quote(text)}")
    problem(answer, 422, "bad_cursor", field="cursor")


def test_a_cursor_of_another_question_is_refused(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(4))
    path = f"/datastreams/{stream.id}/observations?limit=2"
    cursor = world.get(path).json["next"].split("cursor=")[1]
    assert world.get(f"{path}&cursor={cursor}").status_code == 200
    problem(world.get(f"{path}&cursor={cursor}&order=desc"), 422, "bad_cursor")
    problem(world.get(f"{path}&cursor={cursor}&quality=any"), 422, "bad_cursor")


@pytest.mark.parametrize(
    "text", ["Mars/Olympus", "", "../../../etc/passwd", "asia/seoul", "+09:00", "Asia/Seoul\n", "/etc/passwd"]
)
def test_zones_that_are_none_are_refused(world: World, text: str) -> None:
    problem(world.get(f"/latest?zone={quote(text)}"), 422, "bad_zone", field="zone", expected="IANA")


@pytest.mark.parametrize(
    "text",
    [
        "yesterday", "", "20260501", "2026-05", "2026-W18", "2026-02-30", "24:00", "1714521600", "2026-05-01T25:00",
        "1899-12-31", "2200-01-02", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2026-05-01T00:00+99:00",
        "NaN", "２０２６-０５-０１", "2026-05-01T00:00:00Z" + "0" * 50,
    ],
)  # fmt: skip
def test_times_that_are_none_are_refused(world: World, text: str) -> None:
    stream = world.stream()
    answer = world.get(f"/datastreams/{stream.id}/observations?from={quote(text)}")
    problem(answer, 422, "bad_time", field="from", expected="ISO 8601")


def test_a_range_that_ends_before_it_starts_is_refused(world: World) -> None:
    stream = world.stream()
    answer = world.get(f"/datastreams/{stream.id}/observations?from=2026-05-02&to=2026-05-01")
    problem(answer, 422, "range_reversed", field="from")


def test_an_empty_range_is_empty(world: World) -> None:
    stream = world.stream()
    world.write(stream, [1])
    for query in ("", "&every=1h", "&every=1h&fill=true"):
        answer = world.get(f"/datastreams/{stream.id}/observations?from=2026-05-01&to=2026-05-01{query}")
        assert (answer.json.get("observations") or answer.json.get("windows") or []) == []


@pytest.mark.parametrize(
    ("box", "hint"),
    [
        ("37.2,126.9,37.4,127.1", "longitude comes first"),
        ("1,2,3", ""),
        ("a,b,c,d", ""),
        ("nan,0,1,1", ""),
        ("0,2,1,1", ""),
    ],
)
def test_boxes_that_are_none_are_refused(world: World, box: str, hint: str) -> None:
    body = problem(world.get(f"/things?bbox={box}"), 422, "bad_bbox", field="bbox")
    assert hint in body["detail_en"] + body["expected"]


@pytest.mark.parametrize("name", [one for one in INJECTIONS if one != "0x10"])  # that one could be a slug
def test_words_in_queries_are_only_words(world: World, name: str) -> None:
    problem(world.get(f"/latest?observed_property={quote(name)}"), 404, "not_found")
    problem(world.get(f"/things?organisation={quote(name)}"), 422, "invalid_value", field="organisation")
    problem(world.get(f"/audit?organisation={quote(name)}", "operator"), 422, "invalid_value", field="organisation")


@pytest.mark.parametrize("every", ["1s", "0m", "1", "1H", "7m", "-1h", "1h;", "P1D"])
def test_windows_that_are_none_are_refused(world: World, every: str) -> None:
    stream = world.stream()
    answer = world.get(f"/datastreams/{stream.id}/observations?every={quote(every)}")
    problem(answer, 422, "unknown_every", field="every", expected="1m, 5m")


@pytest.mark.parametrize("names", ["average", "mean,,max", "mean;max", "__class__"])
def test_aggregates_that_are_none_are_refused(world: World, names: str) -> None:
    stream = world.stream()
    answer = world.get(f"/datastreams/{stream.id}/observations?every=1h&aggregate={quote(names)}")
    problem(answer, 422, "unknown_aggregate", field="aggregate", expected="mean")


@pytest.mark.parametrize(
    ("query", "field"),
    [("aggregate=mean", "every"), ("fill=true", "every"), ("format=xml", "format")],
)
def test_parameters_that_contradict_are_refused(world: World, query: str, field: str) -> None:
    stream = world.stream()
    body = problem(
        answer := world.get(f"/datastreams/{stream.id}/observations?{query}"), 422, answer.json["code"], field=field
    )
    assert body["expected"]


@pytest.mark.parametrize("given", ["short", "with space in it", "x" * 65, "a\tbcdefgh", "café-12345", ""])
def test_a_request_id_that_might_harm_is_not_taken_over(world: World, given: str) -> None:
    answer = world.get("/organisations", headers={"X-Request-ID": given.encode().decode("latin-1")})
    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 16


def test_a_line_break_in_an_address_makes_no_header(world: World) -> None:
    """What is asked stands in Link, but encoded."""
    stream = world.stream()
    world.write(stream, range(3))
    answer = world.get(f"/datastreams/{stream.id}/observations?limit=1&zone=UTC&quality=any%0d%0aX-Evil:%201")
    problem(answer, 422, "unknown_quality")
    answer = world.get(f"/datastreams/{stream.id}/observations?limit=1&quality=%20any")
    assert "\n" not in answer.headers.get("Link", "")
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/organisations?after=%00", "/latest?observed_property=a%00b", "/observed-properties/a%00b"]
)
def test_a_zero_character_is_refused(world: World, path: str) -> None:
    problem(world.get(path), 400, "bad_text")


@pytest.mark.parametrize("body", [{"email": "a@example.org", "name": "a\u0000b"}, {"a\u0000": 1}])
def test_a_zero_character_in_a_body_is_refused(world: World, body: dict[str, object]) -> None:
    problem(world.post("/signup", body=body), 400, "bad_text", field="body")


@pytest.mark.parametrize("number", [1e308 * 10, 2**70, -(2**70), 1e400])
def test_numbers_beyond_their_columns_are_refused(world: World, number: float) -> None:
    text = f'{{"thing": {number!r}, "sensor": {number!r}, "observed_property": "pm10"}}'
    answer = world.call("POST", "/datastreams", "publisher", data=text, content_type="application/json")
    assert answer.status_code in (400, 422), answer.text
    problem(answer, answer.status_code, answer.json["code"])


@pytest.mark.parametrize(
    "path",
    ["/organisations/../../secret", "//evil.example/", "/organisations/%2e%2e", "/devices/suwon/a%2fb", "/x" * 500],
)
def test_paths_that_are_none_are_404(world: World, path: str) -> None:
    answer = world.get(path)
    assert answer.status_code in (404, 308)
    assert "evil.example" not in answer.headers.get("Location", "").split("?")[0].split("/api/")[0]


def test_a_method_of_another_world_is_405(world: World) -> None:
    problem(world.call("TRACE", "/organisations"), 405, "method_not_allowed")


def test_a_host_of_another_stands_in_no_answer(world: World) -> None:
    stream = world.stream()
    world.write(stream, range(3))
    answer = world.get(f"/datastreams/{stream.id}/observations?limit=1", headers={"Host": "evil.example"})
    assert "evil.example" not in answer.text + str(answer.headers)
