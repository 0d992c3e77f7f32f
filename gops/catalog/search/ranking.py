"""How well each dataset answers: where a word stands decides, then how rare it is, then how short the title is. Pure.

A term weighs 81 in the title, 27 in keywords, 9 in columns, 3 in the publisher's name, 1 in the description; each is
more than all after it together, also after the greatest bonus for a short title (1.5). Rarity is ``ln(1 + n / df)``
(inverse document frequency, Sparck Jones 1972).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gops.catalog.search.asking import Term
from gops.catalog.search.columns import Columns
from gops.catalog.search.words import FIELDS, INITIALS

WEIGHTS = dict(zip(FIELDS, (81.0, 27.0, 9.0, 3.0, 1.0), strict=True)) | {INITIALS: 81.0}
TITLE_BONUS, TITLE_HALF = 0.5, 8.0  # at most, and the length of a title at which half of it is left
DEPRECATED = 0.5
Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


def groups(terms: Sequence[Term]) -> list[tuple[str, ...]]:
    """What the text index has to be asked, in the order in which ``scores`` takes the answers."""
    return [
        tuple(letter + token for token in way.tokens)
        for term in terms
        for way in term.ways
        for letter in _letters(term)
    ]


def scores(terms: Sequence[Term], answers: Sequence[Ids], columns: Columns) -> Scores:
    """Of each dataset, 0 where it lacks a term that is required (or, where none is, has no term at all)."""
    total = np.zeros(len(columns))
    fits = np.ones(len(columns), bool)
    remaining = iter(answers)
    for term in terms:
        best: dict[str, Scores] = {}
        for way in term.ways:
            for letter in _letters(term):
                field = best.setdefault(letter, np.zeros(len(columns)))
                at = columns.at(next(remaining))
                field[at] = np.maximum(field[at], way.weight * WEIGHTS[letter])
        found = np.sum(list(best.values()), axis=0)
        has = found > 0
        total += found * np.log1p(len(columns) / max(1, int(np.count_nonzero(has))))
        if term.required:
            fits &= has
    total *= 1 + TITLE_BONUS * TITLE_HALF / (TITLE_HALF + columns.plain["length"])
    total[columns.plain["deprecated"]] *= DEPRECATED
    total[~fits] = 0
    return total


def everything(columns: Columns) -> Scores:
    """Where nothing is asked for in words: all alike but what is deprecated."""
    return np.where(columns.plain["deprecated"], DEPRECATED, 1.0)


def ordered(columns: Columns, hits: npt.NDArray[np.intp], found: Scores, sort: str, first: int) -> npt.NDArray[np.intp]:
    """The first ``first`` of ``hits`` by ``sort`` (relevance, modified, title); the alike by newness, then by id."""
    modified, ids = columns.plain["modified"][hits], columns.ids[hits]
    if sort == "title":
        return hits[np.lexsort((ids, columns.by_title[hits]))][:first]
    if sort == "relevance":
        points = found[hits]
        if first * 4 < len(hits):
            least = np.partition(points, len(hits) - first)[len(hits) - first]
            near = points >= least
            hits, modified, ids, points = hits[near], modified[near], ids[near], points[near]
        return hits[np.lexsort((ids, -modified, -points))][:first]
    return hits[np.lexsort((ids, -modified))][:first]


def _letters(term: Term) -> str:
    return INITIALS if term.is_typed else FIELDS
