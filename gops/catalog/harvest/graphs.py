"""RDF documents of strangers as graphs, within bounds, asking nobody for anything.

JSON-LD is read without contexts that lie elsewhere, XML without entities (which grow without end, or name files), and
no document becomes more statements than the bound.
"""

from __future__ import annotations

from typing import Any

import orjson
from rdflib import Graph
from rdflib.plugins.stores.memory import Memory

from gops.errors import GopsError, Malformed, TooLarge, UnsupportedType

DEPTH = 64  # of objects in JSON
JSONLD, TURTLE, RDFXML = "json-ld", "turtle", "xml"
ACCEPT = "application/ld+json, text/turtle;q=0.9, application/rdf+xml;q=0.8"
_TYPES = {
    "application/ld+json": JSONLD,
    "application/json": JSONLD,
    "text/turtle": TURTLE,
    "application/x-turtle": TURTLE,
    "application/n-triples": TURTLE,  # a part of it
    "application/rdf+xml": RDFXML,
    "application/xml": RDFXML,
    "text/xml": RDFXML,
}
_ENDINGS = {".jsonld": JSONLD, ".json": JSONLD, ".ttl": TURTLE, ".nt": TURTLE, ".rdf": RDFXML, ".xml": RDFXML}


class Bounded(Memory):
    """rdflib's store in memory, up to a number of statements. Raises ``TooLarge`` (``too_many_statements``)."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.taken = most, 0

    def add(self, triple: Any, context: Any, quoted: bool = False) -> None:
        self.taken += 1
        if self.taken > self.most:
            raise TooLarge(
                f"it has more than {self.most} statements",
                code="too_many_statements",
                expected=f"at most {self.most} together (GOPS_HARVEST_STATEMENTS)",
            )
        super().add(triple, context, quoted)


def form_of(content_type: str, url: str) -> str:
    """By the media type; by the ending of the address where that says nothing. Raises ``UnsupportedType``."""
    media = content_type.split(";")[0].strip().lower()
    path = url.split("?")[0].lower()
    by_ending = next((form for ending, form in _ENDINGS.items() if path.endswith(ending)), None)
    found = _TYPES.get(media) or by_ending
    if found is None:
        raise UnsupportedType(
            f"it answers with {media[:60]!a}, which is no RDF",
            field="url",
            found=media[:60],
            expected="JSON-LD, Turtle or RDF/XML",
        )
    return found


def parse(content: bytes, form: str, base: str, most: int) -> Graph:
    """The statements of a document. Raises ``Malformed``, ``TooLarge``."""
    graph = Graph(store=Bounded(most))
    read = {JSONLD: _jsonld, TURTLE: _turtle, RDFXML: _xml}[form]
    try:
        read(content, graph, base)
    except GopsError:
        raise
    except RecursionError as error:
        raise Malformed("it is nested too deep", code="too_deep", expected="a catalog") from error
    except Exception as error:  # whatever a parser stumbles over; of its words none are shown
        raise _unreadable(form) from error
    return graph


def _jsonld(content: bytes, graph: Graph, base: str) -> None:
    from rdflib.plugins.parsers.jsonld import to_rdf

    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _unreadable(JSONLD) from error
    _refuse_elsewhere(document, 0)
    to_rdf(document, graph, base)


def _turtle(content: bytes, graph: Graph, base: str) -> None:
    text = _utf8(content, TURTLE)
    graph.parse(data=text, format="turtle", publicID=base)


def _xml(content: bytes, graph: Graph, base: str) -> None:
    from xml.sax.handler import ContentHandler

    from defusedxml import DefusedXmlException, sax

    try:
        sax.parseString(content, ContentHandler(), forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        message = "it declares entities or names documents elsewhere"
        raise Malformed(message, code="xml_entities", expected="XML without entities") from error
    graph.parse(data=content, format="xml", publicID=base)


def _utf8(content: bytes, form: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"it is no UTF-8, which {form} is", code="bad_encoding", expected="UTF-8") from error


def _refuse_elsewhere(node: Any, depth: int) -> None:
    """rdflib would ask for contexts that lie elsewhere, without any guard."""
    if depth > DEPTH:
        raise Malformed("it is nested too deep", code="too_deep", expected=f"at most {DEPTH} levels")
    if isinstance(node, list):
        for one in node:
            _refuse_elsewhere(one, depth + 1)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "@import" or (name == "@context" and _lies_elsewhere(value)):
                message = "its context lies elsewhere, where GOPS does not ask"
                raise Malformed(message, code="remote_context", field=name, expected="a context in the document itself")
            _refuse_elsewhere(value, depth + 1)


def _lies_elsewhere(context: Any) -> bool:
    return isinstance(context, str) or (isinstance(context, list) and any(isinstance(one, str) for one in context))


def _unreadable(form: str) -> Malformed:
    return Malformed(f"it cannot be read as {form}", code="unreadable_catalog", expected="a whole and valid document")
