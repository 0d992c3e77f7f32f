"""A dataset as Data Package 2: ``frictionless`` takes the package, and its CSV keeps to the schema in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import World
from tests.api.test_datasets import private, published
from tests.proof import needed


def package(world: World) -> dict[str, Any]:
    answer = world.http.get("/datasets/air/datapackage.json")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    found: dict[str, Any] = json.loads(answer.data)
    return found


def downloaded(world: World, folder: Path, spoil: str = "") -> dict[str, Any]:
    """The package, its CSV beside it."""
    found = package(world)
    (data,) = [one for one in found["resources"] if one["name"] == "data"]
    path = data["path"].removeprefix("http://localhost")
    folder.joinpath("data.csv").write_text(world.http.get(path, buffered=True).text + spoil)
    folder.joinpath("datapackage.json").write_text(json.dumps({**found, "resources": [{**data, "path": "data.csv"}]}))
    return found


@pytest.fixture
def air(world: World) -> World:
    stream = private(world)
    world.write(stream, [1.5, None, -3])
    published(world, stream)
    return world


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # frictionless's own
def test_the_csv_keeps_to_the_dictionary(air: World, tmp_path: Path) -> None:
    frictionless = needed("frictionless")
    downloaded(air, tmp_path)
    report = frictionless.validate(str(tmp_path / "datapackage.json"))
    assert report.valid, report.flatten(["message"])
    assert report.tasks[0].stats["rows"] == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "line", ["yesterday,a,temperature,1,Cel,good", "2026-05-01T09:00:00+09:00,a,other,x,Cel,perfect"]
)
def test_the_dictionary_finds_what_does_not_keep_to_it(air: World, tmp_path: Path, line: str) -> None:
    frictionless = needed("frictionless")
    downloaded(air, tmp_path, line + "\n")
    assert not frictionless.validate(str(tmp_path / "datapackage.json")).valid


def test_the_package_says_who_and_under_which_licence(air: World) -> None:
    found = package(air)
    assert (found["name"], found["licenses"][0]["name"]) == ("air", "kogl-1")
    assert found["contributors"][0]["roles"] == ["publisher", "contact"]
    fields = found["resources"][0]["schema"]["fields"]
    header = air.get("/datasets/air/data?format=csv", buffered=True).text.splitlines()[0]
    assert [one["name"] for one in fields] == header.split(",")
    assert all(one["title"] and one["description"] for one in fields)


def test_states_are_texts(world: World) -> None:
    stream = world.stream(public=False, observed_property="parking_occupied")
    published(world, stream)
    (value,) = [one for one in package(world)["resources"][0]["schema"]["fields"] if one["name"] == "value"]
    assert value["type"] == "string"


def test_drafts_have_none_and_a_former_slug_leads_on(air: World) -> None:
    assert air.http.get("/datasets/nothing/datapackage.json").status_code == 404
    air.call("PATCH", "/datasets/air", "publisher", json={"slug": "clean-air"})
    answer = air.http.get("/datasets/air/datapackage.json")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/datasets/clean-air/datapackage.json")
