"""The catalog as DCAT in JSON-LD: DCAT 3 (W3C, 2024) as DCAT-AP 3.0.1 profiles it. Pure.

What DCAT-AP asks as a resource is an object with an ``@id`` and its class, never a literal; titles, descriptions and
names are literals in ko and en; the catalog has a description and a publisher. Snapshots are versions (DCAT 3, section
11): datasets of their own with the hash of every file. The context is written out, so that
reading the document asks nobody for anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from gops.catalog.facts import (
    Agent,
    Bilingual,
    CatalogFacts,
    Contact,
    DatasetFacts,
    DistributionFacts,
    FileFacts,
    ServiceFacts,
    Span,
    VersionFacts,
)
from gops.catalog.licences import Licence
from gops.catalog.quality.mqa import EU_LICENCES, score
from gops.catalog.vocabularies import AUTHORITY, LANGUAGES, PUBLIC_ACCESS, THEME_TAXONOMY, FileType
from gops.clock import from_micros
from gops.durations import write_duration
from gops.geo import BBox

MEDIA_TYPE = "application/ld+json"
WKT = "gsp:wktLiteral"
SHA256 = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
PIVEAU = "https://piveau.eu/ns/voc#"
"""Names of what the Metadata Quality Assessment of data.europa.eu measures."""
CONTEXT: Mapping[str, str] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "gsp": "http://www.opengis.net/ont/geosparql#",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "pv": PIVEAU,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
COUNTRY = f"{AUTHORITY}/country/KOR"
AVAILABLE = f"{AUTHORITY}/planned-availability/AVAILABLE"
DEPRECATED = f"{AUTHORITY}/dataset-status/DEPRECATED"
OPENAPI = "https://spec.openapis.org/oas/v3.1.0"
STANDARDS: Mapping[str, str] = {
    "csv": "https://www.rfc-editor.org/info/rfc4180",
    "json": "https://www.rfc-editor.org/info/rfc8259",
    "geojson": "https://www.rfc-editor.org/info/rfc7946",
    "parquet": "https://parquet.apache.org/docs/file-format/",
}
"""What a file of that type conforms to."""
PUBLISHERS: Mapping[str, str] = {
    "municipality": "LocalAuthority",
    "company": "Company",
    "university": "Academia-ScientificOrganisation",
    "institute": "Academia-ScientificOrganisation",
    "citizen_group": "NonGovernmentalOrganisation",
    "regulator": "NationalAuthority",
    "operator": "RegionalAuthority",
}
"""Kinds of organisations as publisher types of ADMS (purl.org/adms/publishertype), which DCAT-AP names."""
Node = dict[str, Any]


def catalog(facts: CatalogFacts, whole: bool = True) -> Node:
    """A JSON-LD document of a page of the catalog; not ``whole``: of its datasets only which they are."""
    node: Node = {
        "@context": dict(CONTEXT),
        "@id": facts.iri,
        "@type": "dcat:Catalog",
        "dct:title": _literals(facts.title),
        "dct:description": _literals(facts.description),
        "dct:publisher": _agent(facts.publisher),
        "dct:language": _languages(),
        "dcat:themeTaxonomy": {
            **_typed(THEME_TAXONOMY, "skos:ConceptScheme"),
            "dct:title": _literals(Bilingual("데이터 주제", "Data theme")),
        },
        "dct:spatial": _word(COUNTRY, "dct:Location"),
        "foaf:homepage": _typed(facts.home, "foaf:Document"),
        "dcat:dataset": [dataset(one) if whole else {"@id": one.iri} for one in facts.datasets],
    }
    if facts.modified is not None:
        node["dct:modified"] = _moment(facts.modified)
    if facts.service is not None:
        node["dcat:service"] = _service(facts.service, facts)
    return node | _paged(facts)


def alone(facts: CatalogFacts) -> Node:
    """A JSON-LD document of the one dataset of ``facts``, with the API that it is read by."""
    (one,) = facts.datasets
    node: Node = {"@context": dict(CONTEXT), **dataset(one)}
    if facts.service is not None:
        service = _service(facts.service, facts)
        node["dcat:distribution"] = [
            {**entry, "dcat:accessService": service} if "dcat:accessService" in entry else entry
            for entry in node["dcat:distribution"]
        ]
    return node


def _paged(facts: CatalogFacts) -> Node:
    """How to go on (Hydra Core, section 5): harvesters of DCAT follow ``hydra:next``."""
    node: Node = {}
    if facts.total is not None:
        node["hydra:totalItems"] = {"@value": str(facts.total), "@type": "xsd:integer"}
    links = {"hydra:first": facts.first_page, "hydra:next": facts.next_page}
    given = {name: {"@id": page} for name, page in links.items() if page is not None}
    if given:
        node["hydra:view"] = {"@type": "hydra:PartialCollectionView", **given}
    return node


def _service(facts: ServiceFacts, of: CatalogFacts) -> Node:
    return {
        "@id": facts.iri,
        "@type": "dcat:DataService",
        "dct:title": _literals(facts.title),
        "dct:publisher": _agent(of.publisher),
        "dct:accessRights": _word(PUBLIC_ACCESS, "dct:RightsStatement"),
        "dct:conformsTo": _typed(OPENAPI, "dct:Standard"),
        "dcat:endpointURL": _typed(facts.endpoint, "rdfs:Resource"),
        "dcat:endpointDescription": _typed(facts.description, "rdfs:Resource"),
        "dcat:servesDataset": [{"@id": one.iri} for one in of.datasets if one.service],
    }


def dataset(facts: DatasetFacts) -> Node:
    node: Node = {
        "@id": facts.iri,
        "@type": "dcat:Dataset",
        "dct:identifier": facts.origin or facts.iri,
        "dct:title": _literals(facts.title),
        "dct:description": _literals(facts.description),
        "dct:publisher": _agent(facts.publisher),
        "dcat:contactPoint": _contact(facts.contact),
        "dcat:theme": _concept(facts.theme.iri, Bilingual(facts.theme.ko, facts.theme.en)),
        "dcat:keyword": [{"@value": word, "@language": _language_of(word)} for word in facts.keywords],
        "dct:accrualPeriodicity": _word(facts.frequency.iri, "dct:Frequency"),
        "dct:accessRights": _word(PUBLIC_ACCESS, "dct:RightsStatement"),
        "dct:license": _licence(facts.licence),
        "dct:language": _languages(),
        "dct:issued": _moment(facts.issued),
        "dct:modified": _moment(facts.modified),
        "dcat:landingPage": _typed(facts.page, "foaf:Document"),
        "dcat:distribution": [_distribution(one, facts) for one in facts.distributions],
        "dqv:hasQualityMeasurement": _quality(facts),
    }
    if facts.versions:
        node["dcat:hasVersion"] = [_version(one, facts) for one in facts.versions]
        node["dcat:hasCurrentVersion"] = {"@id": facts.versions[0].iri}
    if facts.rights is not None:
        rights = {"@id": f"{facts.iri}#rights", "@type": "dct:RightsStatement", "rdfs:label": _literals(facts.rights)}
        node["dct:rights"] = rights
    if facts.origin:
        node["dct:source"] = {"@id": facts.origin}
    if facts.provenance is not None:
        node["dct:provenance"] = {"@type": "dct:ProvenanceStatement", "rdfs:label": _literals(facts.provenance)}
    if facts.deprecated is not None:
        node["adms:status"] = _concept(DEPRECATED, Bilingual("더 이상 쓰지 않음", "deprecated"))
    if facts.replaced_by is not None:
        node["dct:isReplacedBy"] = {"@id": facts.replaced_by}
    if facts.period is not None:
        node["dcat:temporalResolution"] = {"@value": write_duration(facts.period), "@type": "xsd:duration"}
    return node | _span(facts.span)


def _quality(facts: DatasetFacts) -> Node:
    """The points of the assessment (W3C Data Quality Vocabulary, 2016)."""
    return {
        "@type": "dqv:QualityMeasurement",
        "dqv:isMeasurementOf": {"@id": f"{PIVEAU}scoring", "@type": "dqv:Metric"},
        "dqv:value": _literal(str(score(facts).points), "xsd:integer"),
    }


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
        "dct:license": _licence(facts.licence),
        "dct:issued": _moment(facts.issued),
        "dcat:landingPage": _typed(facts.page, "foaf:Document"),
        "dcat:distribution": [_file(one, facts) for one in facts.files],
        **_span(facts.span),
    }


def _file(facts: FileFacts, of: VersionFacts) -> Node:
    address = _typed(facts.iri, "rdfs:Resource")
    return {
        "@id": facts.iri,
        "@type": "dcat:Distribution",
        "dct:title": _literals(facts.title),
        "dcat:accessURL": address,
        "dcat:downloadURL": address,
        "dct:license": _licence(of.licence),
        **_measured(facts.bytes, facts.sha256),
        **_format(facts.file_type),
    }


def _measured(size: int, sha256: str) -> Node:
    """How long a file is, and its hash."""
    checksum = {
        "@type": "spdx:Checksum",
        "spdx:algorithm": _word(SHA256, "spdx:ChecksumAlgorithm"),
        "spdx:checksumValue": {"@value": sha256, "@type": "xsd:hexBinary"},
    }
    return {"dcat:byteSize": {"@value": str(size), "@type": "xsd:nonNegativeInteger"}, "spdx:checksum": checksum}


def _distribution(facts: DistributionFacts, of: DatasetFacts) -> Node:
    address = _typed(facts.access_url, "rdfs:Resource")
    node: Node = {
        "@id": facts.iri,
        "@type": "dcat:Distribution",
        "dct:title": _literals(facts.title),
        "dct:description": _literals(of.description),
        "dcat:accessURL": address,
        "dct:license": _licence(of.licence),
        "dct:issued": _moment(of.issued),
        "dct:modified": _moment(of.modified),
        "dcatap:availability": _concept(AVAILABLE, Bilingual("제공 중", "available")),
        **_format(facts.file_type),
    }
    if facts.is_whole:
        node["dcat:downloadURL"] = address
    if facts.bytes is not None:
        node |= _measured(facts.bytes, facts.sha256)
    if of.rights is not None:
        node["dct:rights"] = {"@id": f"{of.iri}#rights", "@type": "dct:RightsStatement"}
    if of.service:
        node["dcat:accessService"] = {"@id": of.service}
    return node


@lru_cache(1024)
def _licence(licence: Licence) -> Node:
    node: Node = _typed(licence.iri, "dct:LicenseDocument") if licence.iri else {"@type": "dct:LicenseDocument"}
    node |= {"rdfs:label": _literals(Bilingual(licence.ko, licence.en))}
    known = EU_LICENCES.get(licence.id)
    return node if known is None else node | {"skos:exactMatch": {"@id": f"{AUTHORITY}/licence/{known}"}}


@cache
def _format(file_type: FileType) -> Node:
    if not file_type.key:
        return {}  # of what is harvested, in a format that is not known
    standard = STANDARDS.get(file_type.key)
    return {
        **({"dct:conformsTo": _typed(standard, "dct:Standard")} if standard else {}),
        **({"dct:format": _typed(file_type.iri, "dct:MediaTypeOrExtent")} if file_type.iri else {}),
        "dcat:mediaType": _typed(file_type.media_type_iri, "dct:MediaType"),
    }


def _span(span: Span) -> Node:
    """When and where: the period of the readings and the box of the places, as far as there are any."""
    node: Node = {}
    if span.first is not None and span.last is not None:
        dates = {"dcat:startDate": _moment(span.first), "dcat:endDate": _moment(span.last)}
        node["dct:temporal"] = {"@type": "dct:PeriodOfTime", **dates}
    if span.bbox is not None:
        box = _literal(_wkt(span.bbox), WKT)
        place = {"@type": "dct:Location", "dcat:bbox": box, "dcat:centroid": _literal(_middle(span.bbox), WKT)}
        node["dct:spatial"] = [_word(COUNTRY, "dct:Location"), place]
    return node


def _wkt(box: BBox) -> str:
    """The box as a closed ring, counter-clockwise, longitude first (OGC Simple Features, WKT)."""
    west, south, east, north = box.west, box.south, box.east, box.north
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return "POLYGON((" + ", ".join(f"{x:.6f} {y:.6f}" for x, y in ring) + "))"


def _middle(box: BBox) -> str:
    return f"POINT({(box.west + box.east) / 2:.6f} {(box.south + box.north) / 2:.6f})"


def _literal(text: str, datatype: str) -> Node:
    return {"@value": text, "@type": datatype}


@lru_cache(1024)
def _agent(agent: Agent) -> Node:
    node: Node = {"@type": "foaf:Agent", "foaf:name": _literals(agent.name)}
    if agent.iri:
        node = {"@id": agent.iri, **node}
    if agent.kind in PUBLISHERS:
        word = PUBLISHERS[agent.kind]
        node["dct:type"] = _concept(f"http://purl.org/adms/publishertype/{word}", Bilingual("", word))
    return node


def _contact(contact: Contact) -> Node:
    node: Node = {"@type": "vcard:Organization", "vcard:fn": _literals(contact.name)}
    return node | {"vcard:hasEmail": {"@id": f"mailto:{contact.email}"}} if contact.email else node


@lru_cache(1024)
def _concept(iri: str, label: Bilingual) -> Node:
    return {"@id": iri, "@type": "skos:Concept", "skos:prefLabel": _literals(label)}


def _literals(text: Bilingual) -> Sequence[Node]:
    return [{"@value": value, "@language": tag} for tag, value in (("ko", text.ko), ("en", text.en)) if value]


@cache
def _languages() -> Sequence[Node]:
    return [_typed(iri, "dct:LinguisticSystem") for iri in LANGUAGES.values()]


@lru_cache(4096)
def _word(iri: str, kind: str) -> Node:
    """A resource that many nodes name; they share it, so nobody may change it."""
    return _typed(iri, kind)


def _typed(iri: str, kind: str) -> Node:
    return {"@id": iri, "@type": kind}


@lru_cache(1024)
def _moment(micros: int) -> Node:
    text = from_micros(micros).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    return {"@value": text, "@type": "xsd:dateTime"}


def _language_of(word: str) -> str:
    return "ko" if any("가" <= sign <= "힣" for sign in word) else "en"
