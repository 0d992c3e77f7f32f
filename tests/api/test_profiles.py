"""The catalog in the formats of harvesters: negotiated, paged, validated, and refused in words."""

from __future__ import annotations

import json

import pytest
from rdflib import Graph, Namespace, URIRef

from tests.api.conftest import World
from tests.api.test_datasets import COMPLETE, private, published
from tests.unit.catalog.test_profiles_graph import breaches, findings

DCAT = Namespace("http://www.w3.org/ns/dcat#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
TYPES = {"jsonld": "application/ld+json", "ttl": "text/turtle", "rdf": "application/rdf+xml"}
FORMS = {"jsonld": "json-ld", "ttl": "turtle", "rdf": "xml"}
AIR = URIRef("http://localhost/api/v1/datasets/air")
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own


@pytest.mark.parametrize("suffix", TYPES)
def test_a_suffix_names_the_format(world: World, suffix: str) -> None:
    published(world, private(world))
    for path in (f"/catalog.{suffix}", f"/datasets/air.{suffix}"):
        answer = world.http.get(path)
        assert (answer.status_code, answer.mimetype) == (200, TYPES[suffix])
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        graph = Graph().parse(data=answer.data, format=FORMS[suffix])
        assert (AIR, DCAT.landingPage, URIRef("http://localhost/datasets/air")) in graph


TEN = (
    "title_ko", "title_en", "description_ko", "description_en", "licence", "theme", "keywords", "contact_email",
    "frequency", "personal_data",
)  # fmt: skip


@pytest.fixture
def ten(world: World) -> Graph:
    """The catalog of a live dataset and one of files of which ten fields are said."""
    stream = private(world)
    world.write(stream, [1.0, 2.0])
    live = {"slug": "air", "datastreams": [stream.id]}
    for body in (live, {"slug": "parks", "kind": "files"}):
        said = {name: COMPLETE[name] for name in TEN} | {"organisation": "suwon"} | body
        assert world.post("/datasets", "publisher", said).status_code == 201
    world.call("PUT", "/datasets/parks/files/parks.csv", "publisher", data=b"longitude,latitude\n127.1,37.2\n")
    for slug in ("air", "parks"):
        assert world.post(f"/datasets/{slug}/publish", "publisher").status_code == 200
    return Graph().parse(data=world.http.get("/catalog.ttl").data, format="turtle")


def test_ten_fields_make_a_dataset_complete_for_dcat_ap(ten: Graph) -> None:
    """Publisher, contact, dates, distributions and the rest follow from the data and the organisation."""
    assert len(set(ten.objects(None, DCAT.dataset))) == 2
    assert len(set(ten.objects(None, DCAT.contactPoint))) == 2
    assert breaches(ten) == []


def test_the_shapes_of_dcat_ap_find_nothing_in_what_is_served(ten: Graph) -> None:
    assert findings(ten) == ""


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/ld+json"),
        ("*/*", "application/ld+json"),
        ("text/turtle", "text/turtle"),
        ("application/rdf+xml, text/turtle;q=0.5", "application/rdf+xml"),
        ("text/html, application/rdf+xml;q=0.1", "application/rdf+xml"),
    ],
)
def test_the_reader_says_which_format(world: World, accept: str | None, media_type: str) -> None:
    answer = world.http.get("/catalog", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (200, media_type)
    assert "Accept" in answer.vary


def test_a_format_that_is_not_there_is_406(world: World) -> None:
    assert world.http.get("/catalog", headers={"Accept": "image/png"}).status_code == 406
    assert world.http.get("/catalog.nt").status_code == 404


def test_pages_are_linked_in_their_own_format(world: World) -> None:
    for name in ("one", "two", "three"):
        published(world, private(world, name=name), slug=f"air-{name}")
    seen, path = [], "/catalog.ttl?limit=2"
    while path:
        graph = Graph().parse(data=world.http.get(path).data, format="turtle")
        seen += [str(one) for one in graph.objects(None, DCAT.dataset)]
        following = next(graph.objects(None, HYDRA.next), None)
        path = "" if following is None else str(following).removeprefix("http://localhost")
        assert path == "" or path.startswith("/catalog.ttl?after=")
        assert [int(str(one)) for one in graph.objects(None, HYDRA.totalItems)] == [3]
    assert sorted(seen) == [f"http://localhost/api/v1/datasets/air-{name}" for name in ("one", "three", "two")]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=-1"])
def test_a_wrong_page_is_refused(world: World, query: str) -> None:
    assert world.http.get(f"/catalog.ttl?{query}").status_code == 422


def test_turtle_that_did_not_change_is_not_sent_again(world: World) -> None:
    published(world, private(world))
    etag = world.http.get("/datasets/air.ttl").headers["ETag"]
    assert world.http.get("/datasets/air.ttl", headers={"If-None-Match": etag}).status_code == 304


def test_a_former_slug_leads_on_and_a_draft_is_hidden(world: World) -> None:
    published(world, private(world))
    world.call("PATCH", "/datasets/air", "publisher", json={"slug": "clean-air"})
    answer = world.http.get("/datasets/air.ttl")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/datasets/clean-air.ttl")
    world.post("/datasets/clean-air/withdraw", "publisher", {"reason": "x"})
    assert world.http.get("/datasets/clean-air.ttl").status_code == 410
    assert world.http.get("/datasets/nothing.ttl").status_code == 404


def test_the_catalog_names_the_api_that_datasets_are_read_by(world: World) -> None:
    published(world, private(world))
    document = json.loads(world.http.get("/catalog.jsonld").data)
    service = document["dcat:service"]
    path = service["dcat:endpointDescription"]["@id"].removeprefix("http://localhost")
    assert world.http.get(path).json["openapi"].startswith("3.")
    assert service["dcat:servesDataset"] == [{"@id": str(AIR)}]


def test_a_deprecated_dataset_stays_and_says_so(world: World) -> None:
    published(world, private(world, name="new"), slug="new-air")
    published(world, private(world))
    body = {"reason": "another unit", "replaced_by": "new-air"}
    assert world.post("/datasets/air/deprecate", "publisher", body).status_code == 200
    document = json.loads(world.http.get("/datasets/air.jsonld").data)
    assert document["adms:status"]["@id"].endswith("/dataset-status/DEPRECATED")
    assert document["dct:isReplacedBy"] == {"@id": "http://localhost/api/v1/datasets/new-air"}
    found = world.http.get("/api/3/action/package_show?id=air").json["result"]
    extras = {one["key"]: one["value"] for one in found["extras"]}
    assert extras["replaced_by"] == "http://localhost/api/v1/datasets/new-air"
    assert "adms:status" not in json.loads(world.http.get("/datasets/new-air.jsonld").data)
