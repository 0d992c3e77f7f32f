"""How alike two short texts are: Dice's coefficient of their pairs of letters (Dice 1945), from 0 to 1.

Pairs of letters serve Korean, whose words change their endings, without a dictionary.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Iterable

LIKELY = 0.5
"""From here on two demands are shown as likely the same. 주차난 해소 and 주차난 해결 have 0.75."""
_BETWEEN = re.compile(r"[\W_]+")


def pairs(text: str) -> set[str]:
    """The pairs of neighbouring letters and digits."""
    letters = _BETWEEN.sub("", unicodedata.normalize("NFKC", text).casefold())
    return set(map(operator.add, letters, letters[1:]))


def likeness(first: set[str], second: set[str]) -> float:
    """2 * shared / all; 0 where one of them has no pair."""
    return 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0


def likely(titles: Iterable[str], others: Iterable[tuple[int, Iterable[str]]], most: int) -> list[tuple[int, float]]:
    """Of ``others`` (id, titles) the likest, with how alike their likest titles are; best first, at least ``LIKELY``.

    >>> likely(["주차난 해소"], [(1, ["주차난 해결", ""]), (2, ["Night bus"])], 5)
    [(1, 0.75)]
    """
    wanted = [pairs(title) for title in titles if title]
    scored = []
    for number, theirs in others:
        sets = [pairs(title) for title in theirs if title]
        scored.append((number, max((likeness(one, other) for one in wanted for other in sets), default=0.0)))
    found = [(number, score) for number, score in scored if score >= LIKELY]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:most]
