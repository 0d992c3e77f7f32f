"""MQTT topic filters: which are allowed, what they match, whether two could match one topic (MQTT 5, section 4.7)."""

from __future__ import annotations

from gops.errors import Invalid
from gops.ingest.topics import ROOT

FILTER_CHARACTERS = 500
LEVELS = 32
OWN = f"{ROOT}{{organisation}}/{{device or +}}/up, and below it anything"
DEVICE, UP = 3, 4  # levels of a topic of GOPS, counted from 0


def check(text: str, field: str) -> tuple[str, ...]:
    """The levels of a filter. Raises ``Invalid`` (``bad_filter``)."""
    levels = tuple(text.split("/"))
    if not 0 < len(text) <= FILTER_CHARACTERS or len(levels) > LEVELS:
        raise _bad(text, field, f"1 to {FILTER_CHARACTERS} characters in at most {LEVELS} levels")
    if not text.isprintable() or text.startswith("$"):
        raise _bad(text, field, "printable characters, and no $ at its beginning: GOPS shares no subscription here")
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            raise _bad(text, field, "# alone, as the last level")
        if "+" in level and level != "+":
            raise _bad(text, field, "+ alone in its level")
    return levels


def check_own(text: str, slug: str, field: str) -> tuple[str, ...]:
    """The levels of a filter over the ``up`` topics of the organisation ``slug``.

    Raises ``Invalid``: ``bad_filter``, or ``foreign_filter`` for one that reaches beyond.
    """
    levels = check(text, field)
    if levels[:3] != (*ROOT.strip("/").split("/"), slug):
        raise Invalid(
            "the filter of a feed lies under its own organisation",
            code="foreign_filter",
            field=field,
            found=text,
            expected=OWN.replace("{organisation}", slug),
        )
    if len(levels) <= UP or levels[DEVICE] == "#" or levels[UP] != "up":
        raise _bad(text, field, OWN.replace("{organisation}", slug))
    return levels


def matches(levels: tuple[str, ...], topic: str) -> bool:
    """Does a filter of these levels match ``topic``?"""
    parts = topic.split("/")
    for index, level in enumerate(levels):
        if level == "#":
            return True
        if index >= len(parts) or level not in ("+", parts[index]):
            return False
    return len(parts) == len(levels)


def overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Is there a topic that both match? ``a/#`` matches ``a`` as well."""
    for a, b in zip(one, other, strict=False):
        if "#" in (a, b):
            return True
        if a != b and "+" not in (a, b):
            return False
    longer = one if len(one) > len(other) else other
    rest = longer[min(len(one), len(other)) :]
    return rest in ((), ("#",))


def _bad(text: str, field: str, expected: str) -> Invalid:
    return Invalid("this is no topic filter", code="bad_filter", field=field, found=text[:200], expected=expected)
