"""A list a page at a time: what was asked, what of it was wrong, and the addresses around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from gops.errors import Invalid
from gops.portal import wrong

T = TypeVar("T")
LONGEST = 200  # characters of a value


@dataclass(frozen=True)
class Listing:
    """``given``: what was understood, but for the place in the list. ``following`` and ``beginning`` are addresses,
    empty where there is no such page or this is it; ``api`` is the same list for programs."""

    given: Mapping[str, str]
    wrong: Sequence[Invalid]
    following: str
    beginning: str
    api: str


def listed(
    path: str,
    args: Mapping[str, str],
    names: Sequence[str],
    language: str,
    ask: Callable[[Mapping[str, str]], Sequence[T]],
    page: int,
    id_of: Callable[[T], Any] = lambda row: row.id,  # type: ignore[attr-defined]
) -> tuple[Sequence[T], Listing]:
    """At most ``page`` rows of what ``ask`` finds, which looks for one more than that, without what it refuses."""
    asked = {name: value for name in (*names, "after") if (value := args.get(name, "").strip()[:LONGEST])}
    found, left, refused = wrong.without(asked, ask)
    rows = found[:page]
    given = {name: value for name, value in left.items() if name != "after"}
    own = {**given, "lang": language}
    return rows, Listing(
        given=given,
        wrong=refused,
        following=f"{path}?{urlencode({**given, 'after': id_of(rows[-1]), 'lang': language})}" if found[page:] else "",
        beginning=f"{path}?{urlencode(own)}" if "after" in left else "",
        api=f"/api/v1{path}?{urlencode(given)}".rstrip("?"),
    )
