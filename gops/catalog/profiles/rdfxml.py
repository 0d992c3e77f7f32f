"""A graph as RDF/XML (W3C RDF 1.1 XML Syntax, 2014). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from gops.catalog.profiles.graph import Blank, Graph, Iri, Statements

MEDIA_TYPE = "application/rdf+xml"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2


def write(graph: Graph) -> bytes:
    return "".join(_pieces(graph)).encode()


def _pieces(graph: Graph) -> Iterator[str]:
    names = " ".join(f"xmlns:{prefix}={quoteattr(name)}" for prefix, name in graph.prefixes.items())
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF {names}>\n'
    for subject, said in graph.named():
        yield f"<rdf:Description rdf:about={quoteattr(subject.name)}>\n"
        yield from _members(graph, said)
        yield "</rdf:Description>\n"
    yield "</rdf:RDF>\n"


def _members(graph: Graph, said: Statements) -> Iterator[str]:
    for predicate, objects in said.items():
        for one in objects:
            if isinstance(one, Iri):
                name = graph.full(one.name) if one.is_short else one.name
                yield f"<{predicate} rdf:resource={quoteattr(name)}/>\n"
            elif isinstance(one, Blank):
                yield f"<{predicate}><rdf:Description>\n"
                yield from _members(graph, graph.of(one))
                yield f"</rdf:Description></{predicate}>\n"
            else:
                mark = "" if one.language is None else f' xml:lang="{one.language}"'
                if one.datatype is not None:
                    mark = f" rdf:datatype={quoteattr(graph.full(one.datatype))}"
                text = escape(_NO_XML.sub("\ufffd", one.text), {"\r": "&#13;"})
                yield f"<{predicate}{mark}>{text}</{predicate}>\n"
