"""Datasets of a DCAT catalog (W3C DCAT 2 and 3, DCAT-AP) out of its graph. Pure.

Series and versions of a dataset (``dcat:isVersionOf``) are no datasets of their own here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, BNode, Graph, Literal, Namespace, URIRef

from gops.catalog.harvest.found import Found, Link, address, both, email, is_iri, line, links, moment, prose, words
from gops.errors import Malformed

VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
ADMS = Namespace("http://www.w3.org/ns/adms#")
IS_VERSION_OF = (DCAT.isVersionOf, DCTERMS.isVersionOf)
_NUMBER = r"[-+]?\d{1,3}(?:\.\d{1,15})?"
_CORNERS = re.compile(rf"({_NUMBER})\s+({_NUMBER})")
CORNERS = 10_000
LICENCE_LENGTH = 500


def next_page(graph: Graph) -> str | None:
    """Where the catalog goes on (Hydra Core, section 5). Raises ``Malformed`` for two different ways."""
    found = {str(one) for name in (HYDRA["next"], HYDRA.nextPage) for one in graph.objects(None, name)}
    if len(found) > 1:
        raise Malformed("it has several next pages", code="pages_fork", field="hydra:next", expected="one")
    return next(iter(found), None)


def is_catalog(graph: Graph) -> bool:
    return any((None, RDF.type, kind) in graph for kind in (DCAT.Catalog, DCAT.Dataset, HYDRA.PartialCollectionView))


def datasets(graph: Graph, language: str) -> Iterator[Found]:
    """In the order of their identities. ``language`` (ko, en) is that of texts that name none."""
    some = {one for one in graph.subjects(RDF.type, DCAT.Dataset) if not _is_version(graph, one)}
    for one in sorted(some, key=str):
        yield _Reader(graph, one, language).found()


def _is_version(graph: Graph, one: Any) -> bool:
    return any((one, name, None) in graph for name in IS_VERSION_OF)


class _Reader:
    """One dataset of a graph."""

    def __init__(self, graph: Graph, one: Any, language: str) -> None:
        self._graph, self._one, self._language = graph, one, language

    def found(self) -> Found:
        title_ko, title_en = self._both(self._one, DCTERMS.title, line)
        about_ko, about_en = self._both(self._one, DCTERMS.description, prose)
        identifiers = self._texts(DCTERMS.identifier)
        licence = self._licence()
        publisher = self._first(self._one, DCTERMS.publisher)
        names = self._both(publisher, FOAF.name, line)
        contact = self._first(self._one, DCAT.contactPoint)
        first, last = self._period()
        return Found(
            identity=self._identity(identifiers),
            identifiers=tuple(filter(is_iri, identifiers)),
            title_ko=title_ko,
            title_en=title_en,
            description_ko=about_ko,
            description_en=about_en,
            licence=line(licence, LICENCE_LENGTH),
            licence_name=next(filter(None, self._both(licence, RDFS.label, line)), ""),
            themes=tuple(self._themes()),
            frequency=line(self._first(self._one, DCTERMS.accrualPeriodicity)),
            keywords=words(sorted(map(str, self._graph.objects(self._one, DCAT.keyword)))),
            publisher=address(publisher),
            publisher_ko=names[0] or ("" if names[1] else self._plain(publisher)),
            publisher_en=names[1],
            contact_name=next(filter(None, self._both(contact, VCARD.fn, line)), ""),
            contact_email=email(self._first(contact, VCARD.hasEmail)),
            page=address(self._first(self._one, DCAT.landingPage)),
            issued=moment(self._first(self._one, DCTERMS.issued)),
            modified=moment(self._first(self._one, DCTERMS.modified)),
            first=first,
            last=last,
            bbox=self._box(),
            links=links(self._link(one) for one in self._graph.objects(self._one, DCAT.distribution)),
        )

    def _identity(self, identifiers: list[str]) -> str:
        """Its IRI; of a blank node an identifier that is one."""
        if isinstance(self._one, URIRef):
            return str(self._one)
        return next(filter(is_iri, identifiers), "")

    def _link(self, one: Any) -> Link:
        whole = address(self._first(one, DCAT.downloadURL))
        ko, en = self._both(one, DCTERMS.title, line)
        kind, media = self._first(one, DCTERMS["format"]), self._first(one, DCAT.mediaType)
        return Link(
            url=whole or address(self._first(one, DCAT.accessURL)),
            title_ko=ko,
            title_en=en,
            format=self._word(kind),
            media_type=self._word(media),
            whole=bool(whole),
        )

    def _licence(self) -> Any:
        """Of the dataset; else of its first distribution that has one."""
        own = self._first(self._one, DCTERMS.license)
        if own is not None:
            return own
        some = sorted(self._graph.objects(self._one, DCAT.distribution), key=str)
        return next((found for one in some if (found := self._first(one, DCTERMS.license)) is not None), None)

    def _themes(self) -> Iterator[str]:
        for one in sorted(self._graph.objects(self._one, DCAT.theme), key=str)[:20]:
            yield line(one)
            yield from filter(None, self._both(one, SKOS.prefLabel, line))

    def _period(self) -> tuple[int | None, int | None]:
        span = self._first(self._one, DCTERMS.temporal)
        return moment(self._first(span, DCAT.startDate)), moment(self._first(span, DCAT.endDate))

    def _box(self) -> tuple[float, float, float, float] | None:
        for place in sorted(self._graph.objects(self._one, DCTERMS.spatial), key=str):
            if (found := box(str(self._first(place, DCAT.bbox) or ""))) is not None:
                return found
        return None

    def _first(self, of: Any, name: Any) -> Any:
        """The same of several each time."""
        some = () if of is None or isinstance(of, Literal) else self._graph.objects(of, name)
        return min(some, key=str, default=None)

    def _texts(self, name: Any) -> list[str]:
        return sorted(str(one).strip() for one in self._graph.objects(self._one, name))[:20]

    def _both(self, of: Any, name: Any, clean: Any) -> tuple[str, str]:
        if of is None or isinstance(of, Literal):
            return "", ""
        said = [(clean(one), one.language or "") for one in self._graph.objects(of, name) if isinstance(one, Literal)]
        return both([one for one in said if one[0]], self._language)

    def _word(self, one: Any) -> str:
        """An IRI or a text; of a blank node its label."""
        if isinstance(one, BNode):
            label = self._first(one, RDFS.label) or self._first(one, SKOS.prefLabel) or self._first(one, RDF.value)
            return line(label)
        return line(one)

    def _plain(self, one: Any) -> str:
        return line(one) if isinstance(one, Literal) else ""


def box(wkt: str) -> tuple[float, float, float, float] | None:
    """Of a geometry in WKT, longitude first: west, south, east, north in degrees. None where there is none."""
    if len(wkt) > CORNERS * 40:
        return None
    corners = [(float(x), float(y)) for x, y in _CORNERS.findall(wkt)]
    if not corners or any(abs(x) > 180 or abs(y) > 90 for x, y in corners):
        return None
    return (
        min(x for x, _ in corners),
        min(y for _, y in corners),
        max(x for x, _ in corners),
        max(y for _, y in corners),
    )
