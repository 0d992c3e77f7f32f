"""A dataset's page tells search engines what it has, in schema.org's words; a real reader of them takes it."""

from __future__ import annotations

import json
import re
from typing import Any

from flask.testing import FlaskClient

from tests.api.conftest import World
from tests.api.test_datasets import draft, published
from tests.proof import needed


def linked(browser: FlaskClient, address: str) -> dict[str, Any]:
    page = browser.get(address).text
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    found: dict[str, Any] = json.loads(text)
    return found


def measured(world: World) -> Any:
    stream = world.stream(public=False, observed_property="pm10", name="air-1")
    world.write(stream, [1.0, 2.0])
    return stream


def test_the_page_says_what_engines_ask_for(world: World, browser: FlaskClient) -> None:
    published(world, measured(world))
    found = linked(browser, "/datasets/air?lang=en")
    assert (found["@type"], found["name"], found["alternateName"]) == ("Dataset", "Air of Suwon", "수원시 대기질")
    assert found["isAccessibleForFree"] is True
    assert found["license"].startswith("https://")
    assert found["creator"]["name"] == world.suwon.name_en
    assert 50 <= len(found["description"]) <= 5000
    assert found["temporalCoverage"] == "2026-05-01T00:00:00Z/2026-05-01T00:01:00Z"
    (pm10,) = found["variableMeasured"]
    assert (pm10["alternateName"], pm10["unitText"], pm10["unitCode"]) == ("pm10", "ug/m3", "GQ")
    assert found["includedInDataCatalog"]["url"] == "http://localhost/"
    for one in found["distribution"]:
        assert browser.get(one["contentUrl"].removeprefix("http://localhost"), buffered=True).status_code == 200
    assert linked(browser, "/datasets/air?lang=ko")["name"] == "수원시 대기질"


def test_no_text_ends_the_script(world: World, browser: FlaskClient) -> None:
    """Whatever a publisher writes stays inside."""
    hostile = "</script><script>alert(1)</script><!-- & \u2028"
    draft(world, measured(world), title_ko=hostile)
    world.post("/datasets/air/publish", "publisher")
    assert linked(browser, "/datasets/air?lang=ko")["name"] == hostile.strip()


def test_extruct_reads_it(world: World, browser: FlaskClient) -> None:
    extruct = needed("extruct")
    published(world, measured(world))
    (found,) = extruct.extract(browser.get("/datasets/air").text, syntaxes=["json-ld"])["json-ld"]
    assert (found["@type"], found["url"]) == ("Dataset", "http://localhost/datasets/air")
