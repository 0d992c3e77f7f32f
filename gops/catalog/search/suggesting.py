"""What a query that is half typed may become, and what one that finds nothing may have meant.

Both ask the text index for what is alike and compare letters only within that; nothing is kept for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.catalog.model import Dataset
from gops.catalog.search.asking import LONGEST
from gops.catalog.search.columns import Columns
from gops.catalog.search.ranking import everything, ordered
from gops.catalog.search.synonyms import synonyms
from gops.catalog.search.text_index import text_index
from gops.catalog.search.words import (
    BEGINNING,
    BEGINNING_LENGTH,
    INITIALS,
    initials,
    is_initials,
    is_paired,
    letters,
    normal,
    pairs,
    runs,
)
from gops.errors import Invalid

LIKE = 60  # datasets whose words are looked at
FAR = 3  # one letter in so many may differ
SHORTEST = 4  # letters; what is shorter is near to too much


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``kind``: name (of a place or of what is measured), keyword or title."""

    text: str
    kind: str
    slug: str | None = None


def suggest(session: Session, q: str, limit: int, columns: Columns) -> tuple[Suggestion, ...]:
    """At most ``limit``; names first, then keywords, then titles. Raises ``Invalid`` for one too long."""
    if len(q) > LONGEST:
        raise Invalid("the query is too long", field="q", found=len(q), expected=f"{LONGEST} characters")
    typed = " ".join(runs(normal(q)))
    if not typed:
        return ()
    names = [Suggestion(name, "name") for name in _names(typed)]
    near = _near(session, _beginning_groups(typed), columns)
    keywords = dict.fromkeys(word for one in near for word in one.keywords if begins(word, typed))
    titles = [one for one in near if _title_begins(one, typed)]
    found = [
        *names[: max(2, limit // 3)],
        *(Suggestion(word, "keyword") for word in list(keywords)[: max(2, limit // 3)]),
        *(Suggestion(one.title_ko, "title", one.slug) for one in titles),
    ]
    once: dict[tuple[str, str | None], Suggestion] = {}
    for one in found:
        once.setdefault((normal(one.text), one.slug), one)
    return tuple(once.values())[:limit]


def begins(text: str, typed: str) -> bool:
    """Does the text, or a word of it, begin like this? By letters, so that 미세머 begins 미세먼지, and ㅁㅅ too."""
    words = runs(normal(text))
    if is_initials(typed):
        return any(initials(word).startswith(typed) for word in words)
    wanted = letters(typed)
    return any(letters(" ".join(words[at:])).startswith(wanted) for at in range(len(words)))


def meant(session: Session, q: str, columns: Columns) -> str | None:
    """The query with each unknown word put right by the nearest word there is; None where nothing is near."""
    words = runs(normal(q))
    right = [_nearest(session, word, columns) for word in words]
    return " ".join(right) if right != words else None


def _names(typed: str) -> Iterable[str]:
    known = synonyms()
    for name, concept in known.names.items():
        if concept and (name == known.first[concept] or not is_paired(name)) and begins(name, typed):
            yield known.first[concept]


def _beginning_groups(typed: str) -> list[tuple[str, ...]]:
    """The last word is half typed: its last syllable may still change."""
    tokens: list[list[str]] = [[], []]
    words = typed.split(" ")
    for place, word in enumerate(words, 1):
        is_last = place == len(words)
        if is_initials(word):
            beginning = [INITIALS + word[:BEGINNING_LENGTH]] if len(word) > 1 else []
            choices = [beginning, beginning]
        elif is_paired(word):
            known = word[:-1] if is_last and len(word) > 1 else word
            choices = [[letter + pair for pair in pairs(known)] for letter in "tk"]
        else:
            beginning = [BEGINNING + word[:BEGINNING_LENGTH]] if len(word) > 1 else []
            choices = [beginning, beginning]
        for held, wanted in zip(tokens, choices, strict=True):
            held += wanted
    return [tuple(one) for one in dict.fromkeys(map(tuple, tokens)) if one]


def _near(session: Session, groups: Sequence[tuple[str, ...]], columns: Columns) -> list[Dataset]:
    """The newest datasets that have all tokens of one group."""
    at: npt.NDArray[np.intp] = np.zeros(0, np.intp)
    for ids in text_index(session).find(session, groups):
        at = np.union1d(at, columns.at(ids))
    first = ordered(columns, at, everything(columns), "relevance", LIKE)
    return _datasets(session, columns.ids[first].tolist())


def _datasets(session: Session, ids: Sequence[int]) -> list[Dataset]:
    found = {one.id: one for one in session.scalars(select(Dataset).where(Dataset.id.in_(ids)))}
    return [found[one] for one in ids if one in found]


def _title_begins(one: Dataset, typed: str) -> bool:
    return begins(one.title_ko, typed) or begins(one.title_en, typed)


def _nearest(session: Session, word: str, columns: Columns) -> str:
    if is_initials(word) or word in synonyms().names or len(letters(word)) < SHORTEST:
        return word
    tokens = pairs(word) if is_paired(word) else [word[: max(2, len(word) // 2)]]
    fields = "tk" if is_paired(word) else BEGINNING
    near = _near(session, [(field + token,) for token in tokens for field in fields], columns)
    there = {
        one for dataset in near for text in (dataset.title_ko, dataset.title_en, *dataset.keywords)
        for one in runs(normal(text))
    }  # fmt: skip
    there |= {name for name, concept in synonyms().names.items() if concept and " " not in name}
    if word in there:
        return word
    wanted = letters(word)
    most = max(1, len(wanted) // FAR)
    ranked = sorted((distance(wanted, letters(one), most), one) for one in there)
    return ranked[0][1] if ranked and ranked[0][0] <= most else word


def distance(left: str, right: str, most: int) -> int:
    """How many letters have to be put in, taken away, changed or swapped with the next; at most ``most + 1`` is said.

    Optimal string alignment (Damerau 1964, Levenshtein 1966).
    """
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, one in enumerate(left, 1):
        line = [row]
        for column, other in enumerate(right, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (one != other))
            if row > 1 and column > 1 and one == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        if min(line) > most:
            return most + 1
        before, above = above, line
    return min(above[-1], most + 1)
