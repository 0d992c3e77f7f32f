"""A graph as Turtle (W3C RDF 1.1 Turtle, 2014). Pure.

Written by hand: rdflib needs many times as long (``bench/profiles.py`` has both). Of a catalog most stays as it is from
one request to the next, so what is written of a dataset is kept by what it is made of.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import chain
from threading import Lock

import orjson

from gops.catalog.facts import CatalogFacts, DatasetFacts
from gops.catalog.profiles import dcat
from gops.catalog.profiles.graph import TYPE, Blank, Graph, Iri, Statements, Term

MEDIA_TYPE = "text/turtle"
KEPT = 1_000  # datasets, a page of the catalog; about 10 kB each
_ESCAPES: Mapping[int, str] = {
    **{code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)},
    ord("\\"): "\\\\",
    ord('"'): '\\"',
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}

_IS_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]').search


Blocks = tuple[str, ...]
"""The statements of each named subject, in Turtle without its prefixes."""


def write(graph: Graph) -> bytes:
    return "".join((*_prefixes(graph), *_blocks(graph))).encode()


class Catalogs:
    """Writes what ``write`` makes of ``dcat.catalog``, in blocks that are kept. May be asked from any thread."""

    def __init__(self, kept: int = KEPT) -> None:
        self._most = kept
        self._kept: OrderedDict[bytes, Blocks] = OrderedDict()
        self._lock = Lock()

    def write(self, facts: CatalogFacts) -> bytes:
        head = Graph(dcat.catalog(facts, whole=False))
        blocks = chain(_blocks(head), *map(self._of, facts.datasets))
        return "".join((*_prefixes(head), *dict.fromkeys(blocks))).encode()

    def _of(self, facts: DatasetFacts) -> Blocks:
        key = sha256(orjson.dumps(facts)).digest()
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        made = tuple(_blocks(Graph({"@context": dcat.CONTEXT, **dcat.dataset(facts)})))
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


def _prefixes(graph: Graph) -> Iterator[str]:
    for prefix, name in graph.prefixes.items():
        yield f"@prefix {prefix}: <{name}> .\n"


def _blocks(graph: Graph) -> Iterator[str]:
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
