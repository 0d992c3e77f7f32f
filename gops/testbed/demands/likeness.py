"""How alike two short texts are: Dice's coefficient of their pairs of letters (Dice 1945), from 0 to 1.

Pairs of letters serve Korean, whose words change their endings, without a dictionary.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

LIKELY = 0.5
"""From here on two demands are shown as likely the same. 주차난 해소 and 주차난 해결 have 0.67."""


def pairs(text: str) -> Counter[str]:
    """The pairs of neighbouring letters and digits, with how often each is there."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(sign for sign in folded if sign.isalnum())
    return Counter(map("".join, pairwise(letters)))


def likeness(first: Counter[str], second: Counter[str]) -> float:
    """2 * shared / all; 0 where one of them has no pair."""
    whole = first.total() + second.total()
    if not first or not second:
        return 0.0
    return 2 * (first & second).total() / whole


def likely(titles: Iterable[str], others: Iterable[tuple[int, Iterable[str]]], most: int) -> list[tuple[int, float]]:
    """Of ``others`` (id, titles) the likest, with how alike their likest titles are; best first, at least ``LIKELY``.

    >>> likely(["주차난 해소"], [(1, ["주차난 해결", ""]), (2, ["Night bus"])], 5)
    [(1, 0.6666666666666666)]
    """
    wanted = [pairs(title) for title in titles]
    scored = (
        (number, max((likeness(one, pairs(title)) for one in wanted for title in theirs), default=0.0))
        for number, theirs in others
    )
    found = [(number, score) for number, score in scored if score >= LIKELY]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:most]
