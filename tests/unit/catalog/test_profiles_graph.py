"""Turtle and RDF/XML say the very statements that the JSON-LD says, and what DCAT-AP 3.0.1 asks for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic
from rdflib.term import Node

from gops.catalog.facts import Bilingual, CatalogFacts, DatasetFacts, ServiceFacts, Variable
from gops.catalog.licences import LICENCES
from gops.catalog.profiles import dcat, rdfxml, turtle
from gops.catalog.profiles.graph import Graph as Statements
from tests.proof import needed, shapes
from tests.unit.catalog.test_dcat import BARE, CATALOG, FULL

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own
DCAT = Namespace("http://www.w3.org/ns/dcat#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
SERVICE = ServiceFacts(
    "https://gops.kr/api/v1",
    "https://gops.kr/api/v1",
    "https://gops.kr/api/v1/openapi.json",
    Bilingual("열린 API", "Open API"),
)
WHOLE: DatasetFacts = replace(
    FULL,
    licence=LICENCES["cc-by-4.0"],
    variables=(Variable("pm10", Bilingual("미세먼지", "PM10"), "ug/m3", "gauge", "", 3_600_000_000),),
    rights=Bilingual("출처: 수원시", "Source: Suwon"),
    service=SERVICE.iri,
    publisher=replace(FULL.publisher, kind="municipality"),
    provenance=Bilingual("솎아 냄", "thinned"),
)
SIMPLE = replace(BARE, distributions=(replace(BARE.distributions[0], iri=f"{BARE.iri}#csv"),))
PAGE: CatalogFacts = replace(
    CATALOG,
    datasets=(WHOLE, SIMPLE),
    service=SERVICE,
    total=7,
    first_page="https://gops.kr/catalog.ttl",
    next_page="https://gops.kr/catalog.ttl?after=2",
)
HOSTILE = "\\\"\"\"'''\n\r\t\x07\x7f<b>&amp;]]> \u2028 😀 가나 @en^^. ;"
WRITERS = {"turtle": turtle.write, "xml": rdfxml.write}


def parsed(text: bytes | str, form: str) -> Graph:
    return Graph().parse(data=text, format=form)


def of_json_ld(document: dcat.Node) -> Graph:
    return parsed(json.dumps(document), "json-ld")


DOCUMENTS = {"catalog": dcat.catalog(PAGE), "one dataset": dcat.alone(replace(PAGE, datasets=(WHOLE,)))}


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_format_says_the_same(form: str, name: str) -> None:
    document = DOCUMENTS[name]
    assert isomorphic(parsed(WRITERS[form](Statements(document)), form), of_json_ld(document))


@pytest.mark.parametrize("form", WRITERS)
def test_any_text_comes_through_whole(form: str) -> None:
    """What XML 1.0 cannot hold comes as U+FFFD there."""
    document = {**DOCUMENTS["one dataset"], "dct:title": {"@value": HOSTILE, "@language": "ko"}}
    title = parsed(WRITERS[form](Statements(document)), form).value(URIRef(WHOLE.iri), DCTERMS.title)
    expected = HOSTILE if form == "turtle" else HOSTILE.replace("\x07", "\ufffd")
    assert title == Literal(expected, lang="ko")


@pytest.mark.parametrize("form", WRITERS)
def test_an_address_cannot_break_out_of_its_place(form: str) -> None:
    page = 'https://x.example/a b"><script>{}|^`\\'
    document = dcat.alone(replace(PAGE, datasets=(replace(SIMPLE, page=page),)))
    landing = parsed(WRITERS[form](Statements(document)), form).value(URIRef(BARE.iri), DCAT.landingPage)
    assert landing == URIRef("https://x.example/a%20b%22%3E%3Cscript%3E%7B%7D%7C%5E%60%5C")


def test_many_texts_come_through_turtle() -> None:
    """Texts of random characters, as a harvested title may be."""
    chance = random.Random(5)
    texts = [
        "".join(chr(chance.choice((chance.randrange(1, 128), chance.randrange(0xA0, 0xD800)))) for _ in range(40))
        for _ in range(40)
    ]
    document = {"@context": dict(dcat.CONTEXT), "@id": "https://x.example/", "dct:title": texts}
    found = parsed(turtle.write(Statements(document)), "turtle").objects(None, DCTERMS.title)
    assert {str(one) for one in found} == set(texts)


# The rules of DCAT-AP 3.0.1 (sections 5 to 7): class -> property -> (least, most, class of the object or its datatype).
Rule = tuple[int, int | None, Node | None]
ANY, LITERAL = None, RDFS.Literal
RULES: Mapping[Node, Mapping[Node, Rule]] = {
    DCAT.Catalog: {
        DCTERMS.title: (1, ANY, LITERAL),
        DCTERMS.description: (1, ANY, LITERAL),
        DCTERMS.publisher: (1, 1, FOAF.Agent),
        DCAT.dataset: (1, ANY, DCAT.Dataset),
        DCAT.service: (1, ANY, DCAT.DataService),
        DCTERMS.language: (1, ANY, DCTERMS.LinguisticSystem),
        DCTERMS.spatial: (1, ANY, DCTERMS.Location),
        DCTERMS.modified: (1, 1, XSD.dateTime),
        DCAT.themeTaxonomy: (1, ANY, SKOS.ConceptScheme),
        FOAF.homepage: (1, 1, FOAF.Document),
    },
    DCAT.Dataset: {
        DCTERMS.title: (1, ANY, LITERAL),
        DCTERMS.description: (1, ANY, LITERAL),
        DCTERMS.publisher: (1, 1, FOAF.Agent),
        DCAT.distribution: (1, ANY, DCAT.Distribution),
        DCAT.contactPoint: (0, ANY, VCARD.Organization),
        DCAT.keyword: (0, ANY, LITERAL),
        DCAT.theme: (0, ANY, SKOS.Concept),
        DCTERMS.accessRights: (0, 1, DCTERMS.RightsStatement),
        DCTERMS.accrualPeriodicity: (0, 1, DCTERMS.Frequency),
        DCTERMS.identifier: (1, ANY, LITERAL),
        DCTERMS.issued: (1, 1, XSD.dateTime),
        DCTERMS.modified: (0, 1, XSD.dateTime),
        DCTERMS.language: (0, ANY, DCTERMS.LinguisticSystem),
        DCTERMS.provenance: (0, ANY, DCTERMS.ProvenanceStatement),
        DCTERMS.spatial: (0, ANY, DCTERMS.Location),
        DCTERMS.temporal: (0, ANY, DCTERMS.PeriodOfTime),
        DCAT.temporalResolution: (0, 1, XSD.duration),
        DCAT.hasVersion: (0, ANY, DCAT.Dataset),
        DCAT.version: (0, 1, LITERAL),
        DCAT.landingPage: (1, ANY, FOAF.Document),
    },
    DCAT.Distribution: {
        DCAT.accessURL: (1, ANY, RDFS.Resource),
        DCAT.downloadURL: (0, ANY, RDFS.Resource),
        DCAT.accessService: (0, ANY, DCAT.DataService),
        DCAT.byteSize: (0, 1, XSD.nonNegativeInteger),
        DCAT.mediaType: (1, 1, DCTERMS.MediaType),
        DCATAP.availability: (0, 1, SKOS.Concept),
        DCTERMS.conformsTo: (0, ANY, DCTERMS.Standard),
        DCTERMS["format"]: (1, 1, DCTERMS.MediaTypeOrExtent),
        DCTERMS.issued: (0, 1, XSD.dateTime),
        DCTERMS.license: (1, 1, DCTERMS.LicenseDocument),
        DCTERMS.modified: (0, 1, XSD.dateTime),
        DCTERMS.rights: (0, 1, DCTERMS.RightsStatement),
        DCTERMS.title: (0, ANY, LITERAL),
        SPDX.checksum: (0, 1, SPDX.Checksum),
    },
    DCAT.DataService: {
        DCTERMS.title: (1, ANY, LITERAL),
        DCAT.endpointURL: (1, ANY, RDFS.Resource),
        DCAT.endpointDescription: (1, ANY, RDFS.Resource),
        DCAT.servesDataset: (1, ANY, DCAT.Dataset),
        DCTERMS.publisher: (0, 1, FOAF.Agent),
        DCTERMS.conformsTo: (0, ANY, DCTERMS.Standard),
    },
    FOAF.Agent: {FOAF.name: (1, ANY, LITERAL), DCTERMS.type: (0, 1, SKOS.Concept)},
    SKOS.Concept: {SKOS.prefLabel: (1, ANY, LITERAL)},
    SKOS.ConceptScheme: {DCTERMS.title: (1, ANY, LITERAL)},
    SPDX.Checksum: {SPDX.algorithm: (1, 1, SPDX.ChecksumAlgorithm), SPDX.checksumValue: (1, 1, XSD.hexBinary)},
    DCTERMS.PeriodOfTime: {DCAT.startDate: (1, 1, XSD.dateTime), DCAT.endDate: (1, 1, XSD.dateTime)},
    DCTERMS.Location: {DCAT.bbox: (0, 1, LITERAL), DCAT.centroid: (0, 1, LITERAL)},
}  # fmt: skip


def breaches(graph: Graph) -> list[str]:
    """What of ``graph`` breaks ``RULES``: too few or too many of a property, or an object of another class."""
    found = []
    for kind, rules in RULES.items():
        for subject in set(graph.subjects(RDF.type, kind)):
            for name, (least, most, wanted) in rules.items():
                objects = list(graph.objects(subject, name))
                if not least <= len(objects) <= (len(objects) if most is None else most):
                    found.append(f"{subject} has {len(objects)} of {name}")
                found += [f"{name} of {subject} is no {wanted}" for one in objects if not _is(graph, one, wanted)]
    return found


def _is(graph: Graph, one: Node, wanted: Node | None) -> bool:
    if isinstance(one, Literal):
        return wanted == LITERAL or one.datatype == wanted
    return (one, RDF.type, wanted) in graph


def test_the_catalog_keeps_the_rules_of_dcat_ap() -> None:
    graph = parsed(turtle.write(Statements(dcat.catalog(PAGE))), "turtle")
    assert breaches(graph) == []
    for kind in RULES:
        assert (None, RDF.type, kind) in graph, f"nothing here tries the rules of {kind}"


def test_a_dataset_alone_keeps_them_too() -> None:
    assert breaches(of_json_ld(DOCUMENTS["one dataset"])) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dct:publisher", []),
        ("dct:issued", [{"@value": "1", "@type": "xsd:dateTime"}, {"@value": "2", "@type": "xsd:dateTime"}]),
        ("dct:accessRights", {"@id": "https://x.example/"}),
        ("dcat:temporalResolution", "PT1H"),
    ],
)  # fmt: skip
def test_the_rules_see_a_breach(name: str, value: object) -> None:
    document = {**dcat.dataset(WHOLE), "@context": dict(dcat.CONTEXT), name: value}
    assert breaches(of_json_ld(document))


def findings(graph: Graph) -> str:
    """What the official SHACL shapes of SEMIC find in ``graph``; empty where it conforms. Skips without shapes."""
    rules = Graph()
    for file in shapes():
        rules.parse(file, format="turtle" if file.suffix == ".ttl" else "json-ld")
    known = Graph().add((VCARD.Organization, RDFS.subClassOf, VCARD.Kind))  # as the vCard ontology of the W3C says
    conforms, _report, text = needed("pyshacl").validate(graph, shacl_graph=rules, ont_graph=known, advanced=True)
    return "" if conforms else str(text)


def test_the_shapes_of_dcat_ap_find_nothing() -> None:
    graph = parsed(turtle.write(Statements(dcat.catalog(PAGE))), "turtle")
    assert findings(graph) == ""


def test_the_shapes_of_dcat_ap_see_a_breach() -> None:
    document = {**dcat.dataset(WHOLE), "@context": dict(dcat.CONTEXT), "dct:title": []}
    assert "dct:title" in findings(of_json_ld(document)).replace("terms:title", "dct:title")
