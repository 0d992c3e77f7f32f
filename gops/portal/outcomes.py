"""What became of the applications of a round, in words, from its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gops.permissions import ANONYMOUS
from gops.portal.words import LANGUAGES
from gops.testbed import texts, weeks

SHORT = 8  # characters of a pseudonym that tell it from the others of a round
SITES = 1_000
Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Placement:
    """Of a round: the beginning of a pseudonym, and the Mondays of the first and of the last week."""

    pseudonym: str
    first: str
    last: str
    first_week: int
    end_week: int


class Sited(Protocol):
    @property
    def sites(self) -> Any: ...


def site_names(sources: Sited, slug: str) -> Names:
    """By language, then id as text. What is not offered any more keeps its id."""
    found = sources.sites.list(ANONYMOUS, call=slug, limit=SITES)
    return {language: {str(site.id): getattr(site, f"name_{language}") for site in found} for language in LANGUAGES}


def placements(document: Any) -> dict[str, list[Placement]]:
    """By site, in the order of their weeks."""
    instance = document["inputs"]["instance"]
    begins = weeks.parse(instance["first_week"])
    durations = {row["id"]: row["duration"] for row in instance["applications"]}
    found: dict[str, list[Placement]] = {}
    for pseudonym, site, start in document["outcome"]:
        if site is not None:
            first, end = begins + start, begins + start + durations[pseudonym]
            one = Placement(pseudonym[:SHORT], weeks.name(first), weeks.name(end - 1), first, end)
            found.setdefault(site, []).append(one)
    return {site: sorted(rows, key=lambda row: (row.first_week, row.pseudonym)) for site, rows in found.items()}


def explained(document: Any, application: str, names: Names) -> Mapping[str, list[str]]:
    """Lines about one application, by language. Raises ``NotFound``."""
    short = {row[0]: row[0][:SHORT] for row in document["outcome"]}
    return {
        language: texts.explain(document, application, language, {**names[language], **short})  # type: ignore[arg-type]
        for language in LANGUAGES
    }
