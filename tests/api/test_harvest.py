"""Harvested catalogs over the API, and one GOPS that harvests another."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from gops.api.context import EXTENSION
from gops.api.services import Services
from gops.catalog.facts import DatasetFacts
from gops.catalog.harvest.running import Harvester
from gops.catalog.vocabularies import FILE_TYPES
from gops.clock import FixedClock
from gops.outbound import Bounds, Outbound
from gops.records.database import Database
from gops.settings import Settings, load
from gops.store.memory import MemoryStore
from tests.api.conftest import Letters, Populated, World, build
from tests.api.test_datasets import COMPLETE, private, published

SOURCE = {
    "organisation": "suwon",
    "protocol": "dcat",
    "url": "http://198.51.100.7/catalog",
    "name": "이웃 도시",
    "theme": "regions",
}
OPEN = (ip_network("127.0.0.0/8"), ip_network("198.51.100.0/24"))


@pytest.fixture
def asking(world_with: Callable[..., World]) -> World:
    return world_with(outbound_allow=OPEN)


def test_a_source_is_declared_shown_changed_and_ended(asking: World) -> None:
    made = asking.post("/harvest-sources", "publisher", SOURCE)
    assert made.status_code == 201
    assert made.json | SOURCE == made.json | {"every_hours": 24, "language": "ko", "enabled": True, "datasets": 0}
    path = made.headers["Location"].removeprefix("/api/v1")
    assert asking.get(path, "publisher").json["url"] == SOURCE["url"]
    assert asking.call("PATCH", path, "publisher", json={"every_hours": 6}).json["every_hours"] == 6
    assert asking.post(f"{path}/runs", "publisher", {"believe": True}).status_code == 202
    assert asking.get(f"{path}/runs", "publisher").json["items"] == []
    listed = asking.get("/harvest-sources?organisation=suwon", "publisher").json["items"]
    assert [one["name"] for one in listed] == ["이웃 도시"]
    assert asking.call("DELETE", path, "publisher").status_code == 204
    assert asking.get(path, "publisher").status_code == 404


@pytest.mark.parametrize("who", ["viewer", "other", None])
def test_only_who_may_publish_declares_a_source(asking: World, who: str | None) -> None:
    assert asking.post("/harvest-sources", who, SOURCE).status_code in (401, 403)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_source_is_nothing_to_other_organisations(asking: World, method: str) -> None:
    path = f"/harvest-sources/{asking.post('/harvest-sources', 'publisher', SOURCE).json['id']}"
    options: Any = {"json": {"every_hours": 6}} if method == "PATCH" else {}
    assert asking.call(method, path, "other", **options).status_code == 404
    assert asking.get(f"{path}/runs", "other").status_code == 404


def test_an_address_inside_is_refused(world: World) -> None:
    answer = world.post("/harvest-sources", "publisher", SOURCE | {"url": "http://10.0.0.1/catalog"})
    assert (answer.status_code, answer.json["code"]) == (422, "address_refused")


def test_a_dataset_of_this_gops_has_no_origin(world: World) -> None:
    published(world, private(world))
    assert world.get("/datasets/air/origin").status_code == 404


@dataclass
class Two:
    """A GOPS that serves its catalog at ``address``, and another that harvests it."""

    first: World
    address: str
    services: Services
    harvester: Harvester
    app: Flask

    def harvest(self, protocol: str, path: str = "") -> Any:
        actor = self.services.keys.authenticate(self.first.keys["publisher"])
        words = SOURCE | {"protocol": protocol, "url": self.address + path}
        home = words.pop("organisation")
        source = self.services.harvests.create(actor, home, words)
        assert self.harvester.run() == 1
        return self.services.harvests.runs(actor, source.id)[-1]

    def stated(self) -> DatasetFacts:
        """The only dataset of the second."""
        (dataset,) = self.services.views.newest(10, 0)
        (facts,) = self.services.views.stated("https://second.example", [dataset]).datasets
        return facts


@pytest.fixture
def two(world: World, populated: Populated, shared_app: Flask, clock: FixedClock, tmp_path: Path) -> Iterator[Two]:
    data = tmp_path / "second"
    data.mkdir()
    shutil.copyfile(populated.file, data / "records.sqlite")
    settings: Settings = replace(load({"GOPS_DATA": str(data)}), outbound_allow=OPEN, base_url="https://second.example")
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    database, store = Database.of(settings), MemoryStore()
    services = build(database, clock, settings, store, Letters())
    outbound = Outbound(Bounds(2, 5, 10, 10_000_000, 2), OPEN)
    harvester = Harvester(database, clock, settings, outbound)
    yield Two(world, f"http://127.0.0.1:{server.server_port}", services, harvester, world.app)
    server.shutdown()
    server.server_close()
    thread.join()
    store.close()
    database.close()


def said(of: DatasetFacts) -> dict[str, Any]:
    """What a harvest keeps whichever way it went."""
    names = ("licence", "theme", "frequency", "contact", "title", "description")
    links = sorted((one.access_url, one.file_type.key) for one in of.distributions)
    return {name: getattr(of, name) for name in names} | {"keywords": sorted(of.keywords), "links": links}


@pytest.mark.parametrize(
    ("protocol", "path"),
    [("dcat", "/catalog.jsonld"), ("dcat", "/catalog.ttl"), ("dcat", "/catalog.rdf"), ("ckan", "")],
)
def test_a_gops_harvests_the_same_datasets_from_another(two: Two, protocol: str, path: str) -> None:
    stream = private(two.first)
    two.first.write(stream, [1.0, 2.0])
    published(two.first, stream)
    run = two.harvest(protocol, path)
    assert (run.outcome, run.added, run.refused) == ("done", 1, 0)
    views = two.first.services.views
    (there,) = views.stated(two.address, views.newest(10, 0)).datasets
    here = two.stated()
    assert said(here) == said(there)
    assert here.origin == there.iri
    assert here.publisher.name.ko == there.publisher.name.ko
    assert (here.span.first, here.span.last) == (there.span.first, there.span.last)


def test_a_harvested_dataset_is_found_shown_and_written_like_any_other(two: Two) -> None:
    published(two.first, private(two.first))
    identity = f"{two.address}/api/v1/datasets/air"
    two.harvest("dcat", "/catalog")
    http = two.app.test_client()
    two.app.extensions[EXTENSION] = two.services
    found = http.get("/api/v1/search?q=대기질&kind=harvested").json
    assert [one["slug"] for one in found["items"]] == ["air"]
    assert http.get("/api/v1/datasets/air").json["kind"] == "harvested"
    origin = http.get("/api/v1/datasets/air/origin").json
    assert (origin["identity"], origin["source"]) == (identity, f"{two.address}/catalog")
    document = http.get("/datasets/air.jsonld").json
    assert (document["dct:source"], document["dct:identifier"]) == ({"@id": identity}, identity)
    assert {one["dcat:accessURL"]["@id"] for one in document["dcat:distribution"]} == {
        f"{identity}/data?format={key}" for key in FILE_TYPES
    }
    package = http.get("/api/3/action/package_show?id=air").json["result"]
    assert len({one["id"] for one in package["resources"]}) == len(FILE_TYPES)
    assert http.get("/datasets/air/datapackage.json").json["resources"][0]["path"].startswith(two.address)
    assert http.get("/datasets/air.ttl").status_code == 200
    assert http.get("/datasets/air", headers={"Accept": "text/html"}).status_code in (200, 404)


def test_data_of_a_harvested_dataset_is_where_it_is_from(two: Two) -> None:
    published(two.first, private(two.first))
    two.harvest("dcat", "/catalog")
    two.app.extensions[EXTENSION] = two.services
    answer = two.app.test_client().get("/api/v1/datasets/air/data")
    assert (answer.status_code, answer.json["code"]) == (404, "kept_elsewhere")


def test_two_that_harvest_each_other_come_to_an_end(two: Two) -> None:
    published(two.first, private(two.first))
    two.harvest("dcat", "/catalog")
    two.app.extensions[EXTENSION] = two.services  # now the address serves what the second has
    first = two.first.services
    settings = replace(first.settings, outbound_allow=OPEN, base_url=two.address)
    outbound = Outbound(Bounds(2, 5, 10, 10_000_000, 2), OPEN)
    back = build(two.first.database, two.first.clock, settings, first.store, Letters())
    actor = back.keys.authenticate(two.first.keys["publisher"])
    words = {name: value for name, value in SOURCE.items() if name != "organisation"}
    url = two.address.replace("127.0.0.1", "127.0.0.2") + "/catalog"
    source = back.harvests.create(actor, "suwon", words | {"url": url})
    server = make_server("127.0.0.2", int(two.address.rsplit(":", 1)[1]), two.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    Harvester(two.first.database, two.first.clock, settings, outbound).run()
    server.shutdown()
    server.server_close()
    thread.join()
    (run,) = back.harvests.runs(actor, source.id)
    assert (run.outcome, run.added, [one["code"] for one in run.refusals]) == ("done", 0, ["own_dataset"])
    assert COMPLETE["licence"] == two.stated().licence.id
