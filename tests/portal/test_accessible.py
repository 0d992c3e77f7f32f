"""Every page in a real Chromium: WCAG 2.1 AA by axe-core, nothing wider than a phone, no script that fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from werkzeug.serving import make_server

from gops import portal
from gops.api.app import create_app, openapi_document
from gops.portal.assets.__main__ import CHECKER
from gops.portal.statics import FOLDER
from tests.api.conftest import World
from tests.api.test_datasets import private, published
from tests.api.test_demands import stated
from tests.api.test_testbed import SQUARE, Town, allocated, town
from tests.chromium import Tab, tab
from tests.conftest import absent

__all__ = ["allocated", "town"]
pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]  # axe-core takes seconds of a busy machine
SEEN = {"ko": "light", "en": "dark"}
"""Each language in one of the two colour schemes: colours do not depend on words, nor words on colours."""
PHONE, DESK = 390, 1280
FAULTS = (
    "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'],"
    " preload: false}).then(found => found.violations.map(one => [one.id, one.nodes[0].html]))"
)
BEYOND = (
    "[document.documentElement, ...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll, pre, svg')"
    " && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 200))"
)

FEWER = "document.querySelectorAll('.route:nth-of-type(n+4)').forEach(one => one.remove())"
"""Of the hundreds of routes of the API the first of each chapter: they are made alike, and axe-core looks at each."""


def checker() -> str:
    file = CHECKER.folder / "axe.min.js"
    if not file.is_file():
        absent("axe-core was not fetched (python -m gops.portal.assets --tests)")
    return file.read_text(encoding="utf-8")


def without_viewer(folder: Path) -> Path:
    """The static files without the viewer of others, so that the page of the API is the one of ours."""
    for file in FOLDER.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of a server of its own for the app."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def app_of(world: World, folder: Path) -> Flask:
    app = create_app(world.services, world.services.settings, portal.error_page)
    portal.register(app, world.services, lambda: openapi_document(app), without_viewer(folder))
    return app


def filled(town: Town) -> list[str]:
    """Something on every page; their addresses, with those of what is wrong and what is not there."""
    world = town.world
    stream = private(world)
    world.write(stream, [float(one % 7) for one in range(60)])
    published(world, stream)
    demand = stated(world, title_ko="통학로 미세먼지", title_en="Dust on the way to school", sites=[],
                    area={"type": "Polygon", "coordinates": [SQUARE]})  # fmt: skip
    town.made("POST", "/calls/spring/questions", "robots", {"text": "비가 와도 되나요?"}, 409)
    town.later(days=21)
    town.made("POST", "/calls/spring/rounds/1/state", "operator", {"state": "final"}, 200)
    (offer,) = town.get("/offers", "robots").get_json()["items"]
    town.made("POST", f"/offers/{offer['id']}/state", "robots", {"state": "accepted"}, 200)
    (cluster,) = town.get("/clusters").get_json()["items"]
    (site,) = town.get("/sites").get_json()["items"]
    return [
        "/", "/search", f"/search?q={quote('대기질')}", "/search?place=x", "/datasets/air", "/testbed", "/calls/spring",
        "/sites", "/sites?kind=x", f"/sites/{site['id']}",
        "/sites/suggestions?area_m2=9&weeks=2&first_start=2027-01-04", "/demands",
        f"/demands/{demand}", "/clusters", f"/clusters/{cluster['id']}", "/api/docs", "/nothing",
    ]  # fmt: skip


def in_language(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}lang={language}"


@pytest.fixture(scope="module")
def browsing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with tab(tmp_path_factory.mktemp("chromium")) as one:
        yield one


def test_every_page_is_for_everybody(allocated: tuple[Town, int, int], tmp_path: Path, browsing: Tab) -> None:
    """In both languages, light and dark, on a desk and on a phone; a fault in a page is found at all."""
    axe, paths = checker(), filled(allocated[0])
    (folder := tmp_path / "static").mkdir()
    found: list[tuple[str, object]] = []
    with served(app_of(allocated[0].world, folder)) as origin:
        for language, scheme in SEEN.items():
            browsing.scheme(scheme)
            for path in (in_language(path, language) for path in paths):
                browsing.size(PHONE)
                browsing.open(origin + path)
                found += [(path, one) for one in browsing.run(BEYOND)]
                found += [(path, one) for one in browsing.errors if "status of 4" not in one]
                browsing.size(DESK)
                browsing.run(FEWER)
                browsing.run(axe + "; 0")
                found += [(path, one) for one in browsing.run(FAULTS)]
        browsing.run("document.querySelector('h1').innerHTML = '<img src=\"data:,\">'; document.title = ''")
        wrong = {rule for rule, _ in browsing.run(FAULTS)}
    assert found == []
    assert {"image-alt", "document-title"} <= wrong


def test_suggestions_are_chosen_and_commands_copied_by_keyboard(town: Town, tmp_path: Path, browsing: Tab) -> None:
    """The list box follows the arrows, Escape closes it, Enter takes what is chosen; a button copies the command."""
    axe = checker()
    published(town.world, private(town.world))
    with served(app_of(town.world, tmp_path)) as origin:
        browsing.open(f"{origin}/search?lang=ko")
        browsing.run("document.getElementById('q').focus()")
        browsing.write("수")
        browsing.wait("document.querySelectorAll('[role=option]').length > 0")
        assert "제안" in browsing.run("document.getElementById('said').textContent")
        browsing.press("ArrowDown", 40)
        chosen = browsing.run("document.querySelector('[aria-selected=true]').id")
        assert browsing.run("document.activeElement.getAttribute('aria-activedescendant')") == chosen
        browsing.run(axe + "; 0")
        assert browsing.run(FAULTS) == []
        browsing.press("Escape", 27)
        assert browsing.run("document.getElementById('q').getAttribute('aria-expanded')") == "false"
        browsing.write("원")
        browsing.wait("document.getElementById('q').getAttribute('aria-expanded') === 'true'")
        browsing.press("ArrowDown", 40)
        word = browsing.run("document.querySelector('[aria-selected=true]').textContent")
        browsing.press("Enter", 13)
        browsing.wait(f"location.search.includes(encodeURI('q={word}')) && document.readyState === 'complete'")
        browsing.send("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        browsing.run("document.querySelector('.copy').focus()")
        browsing.press("Enter", 13)
        browsing.wait("document.getElementById('said').textContent === '복사했습니다'")
        copied = browsing.run("navigator.clipboard.readText()")
    assert copied == f"curl '{origin}/api/v1/search?{urlencode({'q': word, 'sort': 'relevance'})}'"
    assert browsing.errors == []
