"""The page of a harvested dataset."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from gops.catalog.harvest.applying import Applying, Counts
from gops.catalog.harvest.found import Found, Link
from gops.catalog.harvest.model import HarvestSource
from tests.api.conftest import World

FOUND = Found(
    identity="https://city.example/d/water",
    title_ko="수질",
    title_en="Water",
    licence="https://city.example/terms",
    licence_name="City terms",
    publisher_ko="이웃시",
    links=(Link("https://city.example/water.csv", "표", "", "CSV", "", whole=True),),
)


def harvest(world: World, found: Found) -> None:
    with world.database.write() as session:
        source = HarvestSource(
            organisation_id=world.suwon.id, protocol="dcat", url="https://city.example/catalog", name="이웃시",
            theme="environment", language="ko", every_hours=24, enabled=True, believe=False, created_at=0, next_at=0,
        )  # fmt: skip
        session.add(source)
        session.flush()
    Applying(world.database, world.clock, world.services.settings).take(source, [found], Counts())


@pytest.mark.parametrize(
    "found", [FOUND, replace(FOUND, title_en="", publisher_ko="", licence="", licence_name="", links=())]
)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_of_a_harvested_dataset_answers(
    world: World, browser: FlaskClient, found: Found, language: str
) -> None:
    harvest(world, found)
    answer = browser.get(f"/datasets/water?lang={language}")
    assert answer.status_code == 200
    assert found.title_ko in answer.text or found.title_en in answer.text


def test_its_quality_its_history_and_the_list_answer(world: World, browser: FlaskClient) -> None:
    harvest(world, FOUND)
    here = "/datasets/water"
    of_it = ("/quality", "/revisions", "/feed.atom", "/snapshots", "", "/origin")
    for path in ("/datasets", *(here + one for one in of_it)):
        answer = world.get(path)
        assert answer.status_code == 200, (path, answer.text)
    for path in ("/", f"{here}/datapackage.json", "/catalog.rdf", "/catalog.ttl", "/api/3/action/package_list"):
        assert browser.get(path).status_code == 200, path
