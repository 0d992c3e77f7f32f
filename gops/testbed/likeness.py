"""How alike two applications are: theme, technology, place and time, each a quarter. Pure.

For whoever has to notice that a city pays twice for one thing. It decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

LIKELY = 60
"""Percent from which two are shown as likely duplicates."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Described:
    """``technology``: words and phrases. Weeks are absolute numbers: at work in some of [first_start, end)."""

    theme: str | None
    technology: Collection[str]
    sites: Collection[int]
    first_start: int
    end: int


@dataclass(frozen=True)
class Likeness:
    """Percent each; ``total`` is their mean, rounded half up."""

    theme: int
    technology: int
    place: int
    time: int

    @property
    def total(self) -> int:
        return (2 * (self.theme + self.technology + self.place + self.time) + 4) // 8


def likeness(one: Described, other: Described) -> Likeness:
    """Symmetric. What neither says is no likeness."""
    return Likeness(
        100 if one.theme is not None and one.theme == other.theme else 0,
        _shared(_words(one.technology), _words(other.technology)),
        _shared(set(one.sites), set(other.sites)),
        _overlap(one, other),
    )


def _words(phrases: Collection[str]) -> set[str]:
    return {word for phrase in phrases for word in _WORD.findall(phrase.casefold())}


def _shared(one: Collection[object], other: Collection[object]) -> int:
    """What both have of what the smaller one has, in percent."""
    least = min(len(one), len(other))
    return 100 * len(set(one) & set(other)) // least if least else 0


def _overlap(one: Described, other: Described) -> int:
    """Weeks that both may be at work, of those of the shorter one."""
    both = min(one.end, other.end) - max(one.first_start, other.first_start)
    least = min(one.end - one.first_start, other.end - other.first_start)
    return 100 * max(0, both) // least if least > 0 else 0


def likely(one: Described, others: Sequence[tuple[int, Described]], most: int) -> list[tuple[int, Likeness]]:
    """(id, likeness) of at most ``most`` that are ``LIKELY`` or more, the likest first, then by id."""
    found = [(name, likeness(one, other)) for name, other in others]
    return sorted((row for row in found if row[1].total >= LIKELY), key=lambda row: (-row[1].total, row[0]))[:most]
