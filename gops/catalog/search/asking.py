"""What is asked for in words: terms that must all be there, each with what else would do. Pure.

No sign of a query means anything to an engine: only letters and digits get through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gops.catalog.search.synonyms import Piece, pieces, synonyms
from gops.catalog.search.words import BEGINNING_LENGTH, CONCEPT, is_initials, is_paired, normal, parts, runs
from gops.errors import Invalid

LONGEST = 200
TERMS = 12
LITERAL, STRIPPED = 0.6, 0.8
SHORTEST_INITIALS = 2


@dataclass(frozen=True, slots=True)
class Way:
    """Tokens (without the letter of a field) that together stand for a term, and how well they do (0 to 1)."""

    tokens: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Term:
    """``is_typed``: initial consonants, looked for among beginnings. What is not ``required`` only counts."""

    ways: tuple[Way, ...]
    required: bool = True
    is_typed: bool = False


def read(query: str) -> tuple[Term, ...]:
    """The terms of a query, none for one without letters. Raises ``Invalid``; ``too_many`` for too many words."""
    if len(query) > LONGEST:
        raise Invalid("the query is too long", field="q", found=len(query), expected=f"{LONGEST} characters")
    fillers = synonyms().fillers
    terms: dict[Term, None] = {}
    for word in _words(query):
        for term in _terms(word):
            plain = " ".join(piece.text for piece in word)
            terms[replace(term, required=False) if plain in fillers else term] = None
    if len(terms) > TERMS:
        raise Invalid(
            "the query has too many words", code="too_many", field="q", found=len(terms),
            expected=f"{TERMS} words",
        )  # fmt: skip
    if not any(term.required for term in terms):
        return tuple(replace(term, required=True) for term in terms)
    return tuple(terms)


def loosely(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The same, where nothing is required and each token of a word counts by itself."""
    loose: dict[Term, None] = {}
    for term in terms:
        for way in term.ways:
            for token in way.tokens:
                loose[Term((Way((token,), way.weight),), required=False, is_typed=term.is_typed)] = None
    return tuple(loose)[: 4 * TERMS]


def _words(query: str) -> list[list[Piece]]:
    """The query cut at spaces, then at names; names in Latin letters may have spaces in them."""
    found: list[list[Piece]] = []
    at, words = 0, runs(normal(query))
    while at < len(words):
        if is_paired(words[at]):
            found.append(pieces(words[at]))
            at += 1
            continue
        rest = words[at:]
        until = next((index for index, word in enumerate(rest) if is_paired(word)), len(rest))
        found += [[piece] for piece in pieces(" ".join(rest[:until]))]
        at += until
    return found


def _terms(word: list[Piece]) -> list[Term]:
    """A word that is names and what is left of two syllables or more falls into those; any other is one term."""
    rest = [piece for piece in word if not piece.concept]
    whole = "".join(piece.text for piece in word)
    if len(word) > 1 and all(len(piece.text) > 1 and piece.text not in synonyms().particles for piece in rest):
        return [_term(piece) for piece in word]
    if len(word) == 2 and rest == word[1:] and word[1].text in synonyms().particles:  # 수원의
        return [_term(word[0])]
    return [_term(word[0] if len(word) == 1 else Piece(whole))]


def _term(piece: Piece) -> Term:
    text = piece.text
    if is_initials(text):
        return Term((Way((text[:BEGINNING_LENGTH],)),), required=len(text) >= SHORTEST_INITIALS, is_typed=True)
    if piece.concept in synonyms().places:
        return Term((Way((CONCEPT + piece.concept,)),))
    literal = tuple(token for run in runs(text) for token in parts(run))
    if piece.concept:
        return Term((Way((CONCEPT + piece.concept,)), Way(literal, LITERAL)))
    return Term((Way(literal), *_stripped(text)))


def _stripped(text: str) -> tuple[Way, ...]:
    """A Korean word without its particle: 도서관의 -> 도서관."""
    if not is_paired(text):
        return ()
    for particle in synonyms().particles:
        if text.endswith(particle) and len(text) >= len(particle) + 2:
            return (Way(tuple(parts(text.removesuffix(particle))), STRIPPED),)
    return ()
