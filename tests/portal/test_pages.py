"""The page of the API, static files, and failures for people."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gops import portal
from gops.api.app import create_app, openapi_document
from gops.portal.statics import VIEWER
from tests.api.conftest import World
from tests.portal.test_landing import SCRIPT, Page


def test_the_page_of_the_api_lists_every_route_without_script(browser: FlaskClient) -> None:
    shown = Page(browser.get("/api/docs?lang=en").text)
    for path in ("/api/v1/datastreams/{datastream_id}/observations", "/api/v1/signup", "/api/v1/health/ready"):
        assert path in shown.text
    assert "needs a key" in shown.text
    assert "PATCH" in shown.text


def browser_over(world: World, folder: Path) -> FlaskClient:
    app = create_app(world.services, world.services.settings, portal.error_page)
    portal.register(app, world.services, lambda: openapi_document(app), folder)
    return app.test_client()


def put(folder: Path, *names: str) -> Path:
    for name in ("site.css", "site.js", "icon.svg", "docs.js", *names):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("plain")
    return folder


@pytest.mark.parametrize(
    ("fetched", "scripts"),
    [
        (["vendor/swagger-ui.css", VIEWER], [SCRIPT, "/static/vendor/swagger-ui-bundle.js", "/static/docs.js"]),
        ([], [SCRIPT]),
    ],
)
def test_scripts_of_the_page_of_the_api_are_ours_and_there(
    world: World, tmp_path: Path, fetched: list[str], scripts: list[str]
) -> None:
    """Without the viewer the page has the script of all pages alone."""
    answer = browser_over(world, put(tmp_path, *fetched)).get("/api/docs")
    assert [str(one["src"]).split("?")[0] for one in Page(answer.text).all("script")] == scripts
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_file_under_its_hash_is_kept_for_ever_and_otherwise_asked_for_again(browser: FlaskClient) -> None:
    (style,) = [one["href"] for one in Page(browser.get("/").text).all("link") if one["rel"] == "stylesheet"]
    kept = browser.get(str(style))
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert kept.mimetype == "text/css"
    assert browser.get("/static/site.css").headers["Cache-Control"] == "no-cache"
    assert browser.get("/static/site.css?v=0").headers["Cache-Control"] == "no-cache"


def test_a_prepared_compressed_file_is_sent_to_who_reads_it(world: World, tmp_path: Path) -> None:
    (put(tmp_path, "a.js") / "a.js.gz").write_bytes(gzip.compress(b"plain"))
    browser = browser_over(world, tmp_path)
    packed = browser.get("/static/a.js", headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["Content-Encoding"], gzip.decompress(packed.data)) == ("gzip", b"plain")
    assert packed.mimetype == "text/javascript"
    assert "Accept-Encoding" in packed.headers["Vary"]
    plain = browser.get("/static/a.js")
    assert plain.data == b"plain"
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert browser.get("/static/a.js", headers={"If-None-Match": plain.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "%2e%2e/words.py", "/etc/passwd", "vendor", "no.css"])
def test_nothing_but_the_static_files_is_served(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/static/{name}").status_code in (404, 308)


def test_a_failure_outside_of_the_api_is_a_page_in_the_readers_language(browser: FlaskClient) -> None:
    answer = browser.get("/nothing?lang=en")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    shown = Page(answer.text)
    assert "There is no such page" in shown.text
    assert answer.headers["X-Request-ID"] in shown.text
    assert "찾으시는 페이지가 없습니다" in browser.get("/nothing").text


def test_a_failure_inside_of_the_api_is_a_problem(browser: FlaskClient) -> None:
    assert browser.get("/api/v1/nothing").mimetype == "application/problem+json"


def test_a_surprise_is_a_page_without_details(world: World) -> None:
    class Broken:
        def list(self, *_: object, **__: object) -> None:
            raise RuntimeError("swordfish")

    services = replace(world.services, datastreams=Broken())
    app = create_app(services, services.settings, portal.error_page)
    portal.register(app, services, lambda: openapi_document(app))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "swordfish" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_pages_carry_the_same_protection_as_the_api(browser: FlaskClient) -> None:
    headers = browser.get("/").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert "Access-Control-Allow-Origin" not in headers
