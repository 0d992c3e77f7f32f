"""The catalog as DCAT in JSON-LD: DCAT 3 (W3C, 2024) as DCAT-AP 3.0 profiles it. Pure.

What DCAT-AP asks as a resource is an object with an ``@id`` and its class, never a literal; titles, descriptions and
names are literals in ko and en; the catalog has a description and a publisher. Snapshots are versions (DCAT 3, section
11): datasets of their own with the hash of every file. The context is written out, so that
reading the document asks nobody for anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gops.catalog.facts import (
    Agent,
    Bilingual,
    CatalogFacts,
    Contact,
    DatasetFacts,
    DistributionFacts,
    FileFacts,
    Span,
    VersionFacts,
)
from gops.catalog.vocabularies import LANGUAGES, PUBLIC_ACCESS, THEME_TAXONOMY, FileType
from gops.clock import from_micros
from gops.geo import BBox

MEDIA_TYPE = "application/ld+json"
SHA256 = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
CONTEXT: Mapping[str, str] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "gsp": "http://www.opengis.net/ont/geosparql#",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
Node = dict[str, Any]


def catalog(facts: CatalogFacts) -> Node:
    """A JSON-LD document of a page of the catalog."""
    node: Node = {
        "@context": dict(CONTEXT),
        "@id": facts.iri,
        "@type": "dcat:Catalog",
        "dct:title": _literals(facts.title),
        "dct:description": _literals(facts.description),
        "dct:publisher": _agent(facts.publisher),
        "dct:language": _languages(),
        "dcat:themeTaxonomy": _typed(THEME_TAXONOMY, "skos:ConceptScheme"),
        "foaf:homepage": _typed(facts.home, "foaf:Document"),
        "dcat:dataset": [dataset(one) for one in facts.datasets],
    }
    if facts.modified is not None:
        node["dct:modified"] = _moment(facts.modified)
    if facts.next_page is not None:
        node["hydra:view"] = {"@type": "hydra:PartialCollectionView", "hydra:next": {"@id": facts.next_page}}
    return node


def dataset(facts: DatasetFacts) -> Node:
    node: Node = {
        "@id": facts.iri,
        "@type": "dcat:Dataset",
        "dct:identifier": facts.iri,
        "dct:title": _literals(facts.title),
        "dct:description": _literals(facts.description),
        "dct:publisher": _agent(facts.publisher),
        "dcat:contactPoint": _contact(facts.contact),
        "dcat:theme": _concept(facts.theme.iri, Bilingual(facts.theme.ko, facts.theme.en)),
        "dcat:keyword": [{"@value": word, "@language": _language_of(word)} for word in facts.keywords],
        "dct:accrualPeriodicity": _typed(facts.frequency.iri, "dct:Frequency"),
        "dct:accessRights": _typed(PUBLIC_ACCESS, "dct:RightsStatement"),
        "dct:license": _typed(facts.licence.iri, "dct:LicenseDocument"),
        "dct:language": _languages(),
        "dct:issued": _moment(facts.issued),
        "dct:modified": _moment(facts.modified),
        "dcat:landingPage": _typed(facts.page, "foaf:Document"),
        "dcat:distribution": [_distribution(one, facts) for one in facts.distributions],
    }
    if facts.versions:
        node["dcat:hasVersion"] = [_version(one, facts) for one in facts.versions]
        node["dcat:hasCurrentVersion"] = {"@id": facts.versions[0].iri}
    if facts.provenance is not None:
        node["dct:provenance"] = {"@type": "dct:ProvenanceStatement", "rdfs:label": _literals(facts.provenance)}
    return node | _span(facts.span)


def _version(facts: VersionFacts, of: DatasetFacts) -> Node:
    return {
        "@id": facts.iri,
        "@type": "dcat:Dataset",
        "dct:identifier": [facts.iri, f"sha256:{facts.sha256}"],
        "dcat:version": str(facts.number),
        "dcat:isVersionOf": {"@id": of.iri},
        "dct:title": _literals(facts.title),
        "dct:description": _literals(of.description),
        "dct:publisher": _agent(of.publisher),
        "dct:license": _typed(facts.licence.iri, "dct:LicenseDocument"),
        "dct:issued": _moment(facts.issued),
        "dcat:landingPage": _typed(facts.page, "foaf:Document"),
        "dcat:distribution": [_file(one, facts) for one in facts.files],
        **_span(facts.span),
    }


def _file(facts: FileFacts, of: VersionFacts) -> Node:
    checksum = {
        "@type": "spdx:Checksum",
        "spdx:algorithm": {"@id": SHA256},
        "spdx:checksumValue": {"@value": facts.sha256, "@type": "xsd:hexBinary"},
    }
    return {
        "@id": facts.iri,
        "@type": "dcat:Distribution",
        "dct:title": _literals(facts.title),
        "dcat:accessURL": _typed(facts.iri, "rdfs:Resource"),
        "dcat:downloadURL": _typed(facts.iri, "rdfs:Resource"),
        "dcat:byteSize": {"@value": str(facts.bytes), "@type": "xsd:nonNegativeInteger"},
        "dct:license": _typed(of.licence.iri, "dct:LicenseDocument"),
        "spdx:checksum": checksum,
        **_format(facts.file_type),
    }


def _distribution(facts: DistributionFacts, of: DatasetFacts) -> Node:
    node: Node = {
        "@id": facts.iri,
        "@type": "dcat:Distribution",
        "dct:title": _literals(facts.title),
        "dct:description": _literals(of.description),
        "dcat:accessURL": _typed(facts.access_url, "rdfs:Resource"),
        "dct:license": _typed(of.licence.iri, "dct:LicenseDocument"),
        **_format(facts.file_type),
    }
    if facts.is_whole:
        node["dcat:downloadURL"] = _typed(facts.access_url, "rdfs:Resource")
    return node


def _format(file_type: FileType) -> Node:
    return {
        "dct:format": _typed(file_type.iri, "dct:MediaTypeOrExtent"),
        "dcat:mediaType": _typed(file_type.media_type_iri, "dct:MediaType"),
    }


def _span(span: Span) -> Node:
    """When and where: the period of the readings and the box of the places, as far as there are any."""
    node: Node = {}
    if span.first is not None and span.last is not None:
        dates = {"dcat:startDate": _moment(span.first), "dcat:endDate": _moment(span.last)}
        node["dct:temporal"] = {"@type": "dct:PeriodOfTime", **dates}
    if span.bbox is not None:
        box = {"@value": _wkt(span.bbox), "@type": "gsp:wktLiteral"}
        node["dct:spatial"] = {"@type": "dct:Location", "dcat:bbox": box}
    return node


def _wkt(box: BBox) -> str:
    """The box as a closed ring, counter-clockwise, longitude first (OGC Simple Features, WKT)."""
    west, south, east, north = box.west, box.south, box.east, box.north
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return "POLYGON((" + ", ".join(f"{x:.6f} {y:.6f}" for x, y in ring) + "))"


def _agent(agent: Agent) -> Node:
    return {"@id": agent.iri, "@type": "foaf:Agent", "foaf:name": _literals(agent.name)}


def _contact(contact: Contact) -> Node:
    email = {"@id": f"mailto:{contact.email}"}
    return {"@type": "vcard:Organization", "vcard:fn": _literals(contact.name), "vcard:hasEmail": email}


def _concept(iri: str, label: Bilingual) -> Node:
    return {"@id": iri, "@type": "skos:Concept", "skos:prefLabel": _literals(label)}


def _literals(text: Bilingual) -> Sequence[Node]:
    return [{"@value": value, "@language": tag} for tag, value in (("ko", text.ko), ("en", text.en)) if value]


def _languages() -> Sequence[Node]:
    return [_typed(iri, "dct:LinguisticSystem") for iri in LANGUAGES.values()]


def _typed(iri: str, kind: str) -> Node:
    return {"@id": iri, "@type": kind}


def _moment(micros: int) -> Node:
    text = from_micros(micros).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    return {"@value": text, "@type": "xsd:dateTime"}


def _language_of(word: str) -> str:
    return "ko" if any("가" <= sign <= "힣" for sign in word) else "en"
