"""Names of columns as a file gives them: none empty, none twice, none that breaks what is made of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from gops.catalog.filed.bounds import Bounds, Wrongs

LONGEST = 200  # characters
OURS = "gops:"  # columns that a table adds while it is read


def checked(given: Sequence[object], bounds: Bounds) -> list[str]:
    """The names in NFC without spaces around. Raises ``Invalid`` (``bad_file``), ``TooLarge``."""
    bounds.check_columns(len(given))
    wrongs, seen = Wrongs(), dict[str, int]()
    names: list[str] = []
    for place, one in enumerate(given, 1):
        name = unicodedata.normalize("NFC", "" if one is None else str(one)).strip()
        problem = _problem(name, seen)
        if problem is not None:
            wrongs.add(1, str(place), name, problem[1], f"column {place} {problem[0]}")
        seen.setdefault(name, place)
        names.append(name)
    if not names:
        wrongs.add(1, None, "no columns", "a header with a name for each column", "the file has no columns")
    wrongs.refuse()
    return names


def _problem(name: str, seen: dict[str, int]) -> tuple[str, str] | None:
    if not name:
        return "has no name", "a name for each column in the first row"
    if len(name) > LONGEST:
        return f"has a name of {len(name)} characters", f"at most {LONGEST}"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        return "has a control character in its name", "one line of plain text"
    if name.startswith(OURS):
        return "has a reserved name", f"a name that does not begin with {OURS}"
    if name in seen:
        return f"is called as column {seen[name]}", "a name of its own for each column"
    return None
