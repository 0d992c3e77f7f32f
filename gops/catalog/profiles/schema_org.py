"""A dataset as schema.org 29 says it, with what search engines for data ask for (Google, Dataset). Pure."""

from __future__ import annotations

from typing import Any, Literal

from gops.catalog.facts import Agent, Bilingual, CatalogFacts, DatasetFacts, DistributionFacts, Span, Variable
from gops.catalog.profiles.units import COMMON_CODES
from gops.clock import from_micros

Language = Literal["ko", "en"]
Node = dict[str, Any]
SHORT, LONG = 50, 5000  # characters of a description that Google shows


def dataset(facts: CatalogFacts, language: Language) -> Node:
    """The one dataset of ``facts``, in one language; the other one's title is its ``alternateName``."""
    (one,) = facts.datasets
    other: Language = "en" if language == "ko" else "ko"
    node: Node = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": one.iri,
        "name": _text(one.title, language),
        "description": _description(one, language),
        "url": one.page,
        "identifier": one.iri,
        **({"license": one.licence.iri} if one.licence.iri else {}),
        "creator": _organisation(one.publisher, language),
        "publisher": _organisation(one.publisher, language),
        "isAccessibleForFree": True,
        "inLanguage": ["ko", "en"],
        "keywords": [*one.keywords, _text(Bilingual(one.theme.ko, one.theme.en), language)],
        "datePublished": _moment(one.issued),
        "dateModified": _moment(one.modified),
        "includedInDataCatalog": {"@type": "DataCatalog", "name": _text(facts.title, language), "url": facts.home},
        "distribution": [_download(each, language) for each in one.distributions],
        "variableMeasured": [_variable(each, language) for each in one.variables],
        **_span(one.span),
    }
    if one.origin:
        node["isBasedOn"] = one.origin
    second = getattr(one.title, other)
    if second and second != node["name"]:
        node["alternateName"] = second
    if one.deprecated is not None:
        node["creativeWorkStatus"] = "Deprecated"
    if one.versions:
        node["version"] = str(one.versions[0].number)
    return node


def _text(text: Bilingual, language: Language) -> str:
    return str(getattr(text, language) or text.ko or text.en)


def _description(facts: DatasetFacts, language: Language) -> str:
    """The publisher's words; where they are shorter than engines take, with what is measured and by whom."""
    said = _text(facts.description, language)
    if len(said) < SHORT:
        measured = ", ".join(f"{_text(one.name, language)} ({one.unit})" for one in facts.variables)
        title, who = _text(facts.title, language), _text(facts.publisher.name, language)
        more = f"{who}, {title}" + (f": {measured}" if measured else "") + f". {facts.page}"
        said = f"{said} {more}".strip()
    return said[:LONG]


def _organisation(agent: Agent, language: Language) -> Node:
    node: Node = {"@type": "Organization", "name": _text(agent.name, language)}
    return node | {"@id": agent.iri, "url": agent.iri} if agent.iri else node


def _download(facts: DistributionFacts, language: Language) -> Node:
    return {
        "@type": "DataDownload",
        "name": _text(facts.title, language),
        "encodingFormat": facts.file_type.media_type,
        "contentUrl": facts.access_url,
    }


def _variable(facts: Variable, language: Language) -> Node:
    """Its unit as UCUM writes it, and as a common code of UN/CEFACT where there is one."""
    node: Node = {"@type": "PropertyValue", "name": _text(facts.name, language), "propertyID": facts.iri or facts.key}
    node["alternateName"] = facts.key
    node["unitText"] = facts.unit
    if facts.unit in COMMON_CODES:
        node["unitCode"] = COMMON_CODES[facts.unit]
    return node


def _span(span: Span) -> Node:
    node: Node = {}
    if span.first is not None and span.last is not None:
        node["temporalCoverage"] = f"{_moment(span.first)}/{_moment(span.last)}"
    if span.bbox is not None:
        box = span.bbox
        corners = f"{box.south:.6f} {box.west:.6f} {box.north:.6f} {box.east:.6f}"
        node["spatialCoverage"] = {"@type": "Place", "geo": {"@type": "GeoShape", "box": corners}}
    return node


def _moment(micros: int) -> str:
    return from_micros(micros).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
