"""The landing page: public data alone, in two languages, without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient

from gops import portal
from gops.api.app import create_app, openapi_document
from gops.portal import live
from gops.portal.live import Board
from tests.api.conftest import MINUTE, World

HOUR = 60 * MINUTE
SCRIPT = "/static/site.js"


class Page(HTMLParser):
    """The elements of a page: tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def scripts(self) -> list[str]:
        """The files of those that run."""
        return [str(one["src"]).split("?")[0] for one in self.all("script") if "src" in one]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def page(browser: FlaskClient, path: str = "/", **headers: str) -> Page:
    answer = browser.get(path, headers=headers)
    assert answer.status_code == 200
    return Page(answer.text)


def test_newest_public_readings_have_place_value_unit_and_time(world: World, browser: FlaskClient) -> None:
    stream = world.stream(name="City Hall")
    world.write(stream, [21.57])
    text = page(browser, "/?lang=en").text
    assert "Air temperature" in text
    assert "City Hall 21.57 ℃" in text
    assert "09:00" in text
    assert "just now" in text


def test_what_is_not_public_leaves_no_trace(world: World, browser: FlaskClient) -> None:
    hidden = world.stream(public=False, name="Secret Place")
    world.services.things.move(world.publisher, hidden.thing_id, 127.0, 37.2, "Hidden Corner")
    world.write(hidden, [99.25])
    answer = browser.get("/?lang=en")
    for trace in ("Secret Place", "Hidden Corner", "99.25"):
        assert trace not in answer.text
    assert re.findall(r"<dd>([^<]+)</dd>", answer.text) == ["0", "0", "0"]


def test_a_key_does_not_change_the_page(world: World, browser: FlaskClient) -> None:
    world.write(world.stream(public=False, name="Secret Place"), [1])
    answer = browser.get(
        f"/?key={world.keys['publisher']}", headers={"Authorization": f"Bearer {world.keys['publisher']}"}
    )
    assert "Secret Place" not in answer.text


def test_things_datastreams_and_readings_of_today_are_counted(world: World, browser: FlaskClient) -> None:
    midnight = world.clock.micros() - 9 * HOUR
    world.write(world.stream(name="a"), range(1500), midnight - MINUTE, 1_000_000)  # 60 of them yesterday in Seoul
    world.write(world.stream(name="b", observed_property="parking_occupied", sensor="loop"), ["true"])
    live_now = live.gather(world.services)
    assert (live_now.things, live_now.datastreams, live_now.readings_today) == (2, 2, 1441)
    assert "1,441" in page(browser).text


def test_nothing_public_says_so(browser: FlaskClient) -> None:
    assert "No public readings yet." in page(browser, "/?lang=en").text


@pytest.mark.parametrize(
    ("path", "accept", "language"),
    [
        ("/", "", "ko"),
        ("/", "en-GB,en;q=0.8", "en"),
        ("/", "fr", "ko"),
        ("/?lang=en", "ko", "en"),
        ("/?lang=ko", "en", "ko"),
        ("/?lang=xx", "en", "en"),
        ("/?lang=<script>", "", "ko"),
    ],
)
def test_the_language_is_that_of_the_reader(browser: FlaskClient, path: str, accept: str, language: str) -> None:
    answer = browser.get(path, headers={"Accept-Language": accept})
    assert Page(answer.text).all("html") == [{"lang": language}]
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/?lang=ko", "/?lang=en", "/api/docs?lang=en"])
def test_the_page_is_built_for_all(world: World, browser: FlaskClient, path: str) -> None:
    """Landmarks, one h1, no skipped heading, captions and scopes of tables, names of pictures, a skip link."""
    world.write(world.stream(), range(30), world.clock.micros() - 20 * HOUR, HOUR)
    shown = page(browser, path)
    tags = [tag for tag, _ in shown.elements]
    for landmark in ("header", "main", "footer"):
        assert tags.count(landmark) == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tags.count("caption") == tags.count("table")
    assert all(cell.get("scope") for cell in shown.all("th"))
    assert all(picture.get("aria-label") or picture.get("aria-labelledby") for picture in shown.all("svg"))
    assert all(nav.get("aria-label") for nav in shown.all("nav"))
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert shown.all("a")[0] == {"class": "skip", "href": "#main"}
    named = {name for _, attributes in shown.elements for name in (attributes.get("aria-labelledby") or "").split()}
    assert named <= set(ids)


def test_the_page_asks_nobody_else(world: World, browser: FlaskClient) -> None:
    world.write(world.stream(), [1, 2])
    shown = page(browser)
    assert [shown.scripts(), len(shown.all("script"))] == [[SCRIPT], 1]
    assert not shown.all("style")
    assert not [attributes for _, attributes in shown.elements if "style" in attributes]
    assert not [name for _, attributes in shown.elements for name in attributes if name.startswith("on")]
    fetched = [one["href"] for one in shown.all("link") if one["rel"] != "alternate"] + [
        one["src"] for one in shown.all("img")
    ]
    assert all(str(address).startswith("/static/") for address in fetched)


def test_names_from_outside_are_text(world: World, browser: FlaskClient) -> None:
    stream = world.stream(name="<script>alert(1)</script>")
    world.services.things.move(world.publisher, stream.thing_id, 127.0, 37.2, '"><img src=x onerror=alert(1)>')
    world.write(stream, [1])
    shown = page(browser)
    assert [shown.scripts(), len(shown.all("script"))] == [[SCRIPT], 1]
    assert not shown.all("img")


@pytest.mark.parametrize(
    ("age", "period", "word"),
    [
        (1, "PT1M", "just now"),
        (45, "PT1M", "late"),
        (45, "PT1H", "44 min ago"),
        (45, None, "44 min ago"),
        (3000, "PT1M", "silent"),
    ],
)
def test_freshness_is_a_word_and_follows_the_period(
    world: World, browser: FlaskClient, age: int, period: str | None, word: str
) -> None:
    stream = world.stream(period=period)
    world.write(stream, [1], world.clock.micros() - age * MINUTE + MINUTE // 2)
    text = page(browser, "/?lang=en").text.split("Air temperature", 1)[1]
    assert word in text
    said = set(re.findall(r"\b(?:late|silent)\b", text))
    assert said == {word} & {"late", "silent"}


def test_a_flag_is_shown_as_a_word(world: World, browser: FlaskClient) -> None:
    world.write(world.stream(), [None])
    assert "missing" in page(browser, "/?lang=en").text


def test_an_ended_datastream_is_no_longer_live(world: World, browser: FlaskClient) -> None:
    stream = world.stream(name="Old Place")
    world.write(stream, [1])
    world.services.datastreams.end(world.publisher, stream.id, "over")
    assert "Old Place" not in page(browser).text


def test_many_places_of_one_property_are_cut_with_a_link_to_all(world: World, browser: FlaskClient) -> None:
    for index in range(live.ROWS_A_PROPERTY + 2):
        world.write(world.stream(name=f"place-{index}"), [index], world.clock.micros() + index)
    shown = page(browser, "/?lang=en")
    assert "+2 more places" in shown.text
    assert "/api/v1/latest?observed_property=temperature" in [one.get("href") for one in shown.all("a")]


def test_examples_name_this_server(world_with: Callable[..., World]) -> None:
    world = world_with(base_url="https://data.example.kr")
    app = create_app(world.services, world.services.settings, portal.error_page)
    portal.register(app, world.services, lambda: openapi_document(app))
    assert "curl 'https://data.example.kr/api/v1/latest'" in page(app.test_client()).text


@pytest.mark.parametrize("host", ['e"vil<script>', "a b", "evil.example/path", "user@evil", "", "[::1"])
def test_a_host_that_is_none_is_not_repeated(browser: FlaskClient, host: str) -> None:
    answer = browser.get("/", headers={"Host": host})
    assert answer.status_code == 200
    assert "curl &#39;http://127.0.0.1:8080/" in answer.text or "curl 'http://127.0.0.1:8080/" in answer.text


def test_a_host_that_cannot_be_one_is_a_failure_for_people(browser: FlaskClient) -> None:
    answer = browser.get("/", headers={"Host": "x" * 300})
    assert (answer.status_code, answer.mimetype) == (400, "text/html")


@pytest.mark.parametrize(("host", "broker"), [("data.example.kr", "data.example.kr"), ("[::1]:8080", "::1")])
def test_a_plain_host_is_that_of_the_examples(browser: FlaskClient, host: str, broker: str) -> None:
    text = page(browser, Host=host).text
    assert f"http://{host}/api/v1/latest" in text
    assert f"mosquitto_pub -h {broker} " in text


def test_the_page_is_known_by_its_etag(world: World, browser: FlaskClient) -> None:
    world.write(world.stream(), [1])
    first = browser.get("/")
    assert first.headers["Cache-Control"] == "no-cache"
    assert browser.get("/", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_readers_at_once_share_one_look_at_the_store(world: World) -> None:
    board = Board(world.services)
    assert board.show() is board.show()


def test_more_datastreams_than_a_page_looks_at_are_said_to_be_more(world_with: Callable[..., World]) -> None:
    world = world_with(latest_max=2)
    for name in ("a", "b", "c"):
        world.write(world.stream(name=name), [1])
    shown: Any = live.gather(world.services)
    assert (shown.datastreams, shown.cut) == (2, True)
