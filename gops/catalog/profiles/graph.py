"""Nodes of JSON-LD as RDF statements: enough of JSON-LD 1.1 for what ``profiles.dcat`` writes. Pure.

A node is an object with ``@id`` (absolute) or without (blank), ``@type`` (one or several), and members named
``prefix:name`` whose values are nodes, ``{"@value", "@language" | "@type"}``, texts, or lists of these. Several nodes
of one ``@id`` are one subject, and what is said twice is one statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

TYPE = "rdf:type"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_FORBIDDEN = {code: f"%{code:02X}" for code in (*range(0x21), *map(ord, '<>"{}|^`\\'))}

_IS_FORBIDDEN = re.compile(f"[{re.escape(''.join(map(chr, _FORBIDDEN)))}]").search


class Iri(NamedTuple):
    """``name`` is absolute, or ``prefix:name`` where ``is_short``."""

    name: str
    is_short: bool = False


class Blank(NamedTuple):
    """A node without a name; every one is the object of one statement at most. (Tuples of other lengths differ.)"""

    number: int
    name: None = None
    language: None = None


class Literal(NamedTuple):
    """``datatype`` is ``prefix:name``, or None for a text."""

    text: str
    language: str | None
    datatype: str | None
    is_literal: bool = True


Term = Iri | Blank | Literal
Subject = Iri | Blank
Statements = Mapping[str, Mapping[Term, None]]
"""Of one subject: predicate (``prefix:name``) -> its objects, in the order said."""


class Graph:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self.prefixes: Mapping[str, str] = {"rdf": RDF, **document.get("@context", {})}
        self._said: dict[Subject, dict[str, dict[Term, None]]] = {}
        self._blanks = 0
        self._read: dict[int, Subject] = {}  # named nodes already read, by identity: writers share them
        self._node(document)

    def named(self) -> Iterator[tuple[Iri, Statements]]:
        """Every subject with a name, in the order met."""
        for subject, said in self._said.items():
            if isinstance(subject, Iri):
                yield subject, said

    def of(self, subject: Subject) -> Statements:
        return self._said[subject]

    def full(self, short: str) -> str:
        """The absolute IRI of ``prefix:name``."""
        prefix, _, name = short.partition(":")
        return self.prefixes[prefix] + name

    def _node(self, node: Mapping[str, Any]) -> Subject:
        known = self._read.get(id(node))
        if known is not None:
            return known
        subject = self._subject(node)
        if isinstance(subject, Iri):
            self._read[id(node)] = subject
        said = self._said.get(subject)
        for name, value in node.items():
            if name in ("@id", "@context"):
                continue
            if said is None:
                said = self._said.setdefault(subject, {})
            is_type = name == "@type"
            objects = said.setdefault(TYPE if is_type else name, {})
            for one in value if isinstance(value, list | tuple) else (value,):
                objects[Iri(one, True) if is_type else self._object(one)] = None
        return subject

    def _subject(self, node: Mapping[str, Any]) -> Subject:
        name = node.get("@id")
        if name is not None:
            return Iri(name.translate(_FORBIDDEN) if _IS_FORBIDDEN(name) else name)
        self._blanks += 1
        return Blank(self._blanks)

    def _object(self, value: Any) -> Term:
        if isinstance(value, str):
            return Literal(value, None, None)
        if "@value" in value:
            return Literal(value["@value"], value.get("@language"), value.get("@type"))
        return self._node(value)
