"""Quality codes: one byte in the store, a word everywhere else. Of several, the highest wins."""

from __future__ import annotations

from enum import IntEnum

from gops.errors import Invalid


class Quality(IntEnum):
    good = 0
    estimated = 1
    suspect = 2
    maintenance = 3
    communication_failure = 4
    missing = 5


WORDS: tuple[str, ...] = tuple(quality.name for quality in Quality)
GOOD_ONLY: frozenset[Quality] = frozenset({Quality.good})
ANY: frozenset[Quality] = frozenset(Quality)


def parse_word(word: str) -> Quality:
    """The code of a word. Raises ``Invalid`` (``unknown_quality``)."""
    if word not in Quality.__members__:
        raise Invalid(
            f"there is no quality {word!r}",
            code="unknown_quality",
            field="quality",
            found=word,
            expected="one of " + ", ".join(WORDS),
        )
    return Quality[word]


def parse_filter(text: str | None) -> frozenset[Quality]:
    """``good,estimated`` -> those; ``any`` -> all; nothing -> good only."""
    if not text:
        return GOOD_ONLY
    if text == "any":
        return ANY
    return frozenset(parse_word(word.strip()) for word in text.split(","))
