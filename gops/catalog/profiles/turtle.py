"""A graph as Turtle (W3C RDF 1.1 Turtle, 2014). Pure.

Written by hand: rdflib needs many times as long (``bench/profiles.py`` has both).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gops.catalog.profiles.graph import TYPE, Blank, Graph, Iri, Statements, Term

MEDIA_TYPE = "text/turtle"
_ESCAPES: Mapping[int, str] = {
    **{code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)},
    ord("\\"): "\\\\",
    ord('"'): '\\"',
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}

_IS_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]').search


def write(graph: Graph) -> bytes:
    return "".join(_pieces(graph)).encode()


def _pieces(graph: Graph) -> Iterator[str]:
    for prefix, name in graph.prefixes.items():
        yield f"@prefix {prefix}: <{name}> .\n"
    for subject, said in graph.named():
        yield f"\n<{subject.name}>{_members(graph, said)} .\n"


def _members(graph: Graph, said: Statements) -> str:
    return " ;\n   ".join(
        f" {'a' if predicate == TYPE else predicate} {', '.join(_term(graph, one) for one in objects)}"
        for predicate, objects in said.items()
        if objects
    )


def _term(graph: Graph, term: Term) -> str:
    if isinstance(term, Iri):
        return term.name if term.is_short else f"<{term.name}>"
    if isinstance(term, Blank):
        return f"[{_members(graph, graph.of(term))} ]"
    text = f'"{term.text.translate(_ESCAPES) if _IS_ESCAPED(term.text) else term.text}"'
    if term.language is not None:
        return f"{text}@{term.language}"
    return text if term.datatype is None else f"{text}^^{term.datatype}"
