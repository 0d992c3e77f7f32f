"""Names that mean the same: places and what is measured, in Korean and English. Pure, over ``synonyms.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from gops.catalog.search.words import REMEMBERED, is_paired, normal, runs

LONGEST_PHRASE = 3  # words of a name in Latin letters


@dataclass(frozen=True, slots=True)
class Synonyms:
    """``names`` leads from a name to its concept ("" for what only looks like one); ``places`` are those concepts that
    are places. ``first`` is what a concept is called in Korean."""

    names: Mapping[str, str]
    places: frozenset[str]
    first: Mapping[str, str]
    fillers: frozenset[str]
    particles: tuple[str, ...]
    longest: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text: a name of ``concept``, or (concept "") what is none."""

    text: str
    concept: str = ""


@cache
def synonyms() -> Synonyms:
    read = json.loads(resources.files(__package__ or "").joinpath("synonyms.json").read_text("utf-8"))
    groups: dict[str, list[str]] = {**read["places"], **read["concepts"]}
    names = {name: concept for concept, all_names in groups.items() for name in all_names}
    names |= dict.fromkeys(read["elsewhere"], "")
    return Synonyms(
        names=names,
        places=frozenset(read["places"]),
        first={concept: all_names[0] for concept, all_names in groups.items()},
        fillers=frozenset(read["fillers"]),
        particles=tuple(read["particles"]),
        longest=max(len(name) for name in names if is_paired(name)),
    )


def place_of(name: str) -> str | None:
    """The slug of the place that has this name, in whatever way it is written."""
    known = synonyms()
    concept = known.names.get(" ".join(runs(normal(name))), "")
    return concept if concept in known.places else None


def concepts(text: str) -> list[str]:
    """The concepts that are named in a text, in their order."""
    return [piece.concept for piece in pieces(text) if piece.concept]


def pieces(text: str) -> list[Piece]:
    """A text cut at the names in it. A place is one at the beginning of a word (or after another place) alone: 수원 in
    상수원 is none. The longest name wins: 초미세먼지 is not 미세먼지."""
    found: list[Piece] = []
    words, at = runs(normal(text)), 0
    while at < len(words):
        if is_paired(words[at]):
            found += _cut(words[at])
            at += 1
        else:
            phrase, concept = _phrase(words[at : at + LONGEST_PHRASE])
            found.append(Piece(" ".join(phrase), concept))
            at += len(phrase)
    return found


def _phrase(words: list[str]) -> tuple[list[str], str]:
    names = synonyms().names
    for size in range(len(words), 0, -1):
        concept = names.get(" ".join(words[:size]))
        if concept:
            return words[:size], concept
    return words[:1], ""


@lru_cache(REMEMBERED)
def _cut(run: str) -> tuple[Piece, ...]:
    found: list[Piece] = []
    rest, at, may_be_place = "", 0, True
    while at < len(run):
        name = _name_at(run, at, may_be_place)
        concept = synonyms().names[name] if name else ""
        if concept:
            found += [Piece(rest)] if rest else []
            found.append(Piece(name or "", concept))
            rest, may_be_place = "", concept in synonyms().places
        else:
            rest += name or run[at]
            may_be_place = False
        at += len(name or run[at])
    return (*found, Piece(rest)) if rest else tuple(found)


def _name_at(run: str, at: int, may_be_place: bool) -> str | None:
    known = synonyms()
    for size in range(min(known.longest, len(run) - at), 1, -1):
        name = run[at : at + size]
        concept = known.names.get(name)
        if concept is not None and (may_be_place or concept not in known.places):
            return name
    return None
