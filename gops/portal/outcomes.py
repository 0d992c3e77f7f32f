"""What became of the applications of a round, in words, from its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gops.permissions import ANONYMOUS
from gops.portal.words import LANGUAGES
from gops.testbed import texts

SHORT = 8  # characters of a pseudonym that tell it from the others of a round
SITES = 1_000
Names = Mapping[str, Mapping[str, str]]


class Sited(Protocol):
    @property
    def sites(self) -> Any: ...


def site_names(sources: Sited, slug: str) -> Names:
    """By language, then id as text. What is not offered any more keeps its id."""
    found = sources.sites.list(ANONYMOUS, call=slug, limit=SITES)
    return {language: {str(site.id): getattr(site, f"name_{language}") for site in found} for language in LANGUAGES}


def explained(document: Any, application: str, names: Names) -> Mapping[str, list[str]]:
    """Lines about one application, by language. Raises ``NotFound``."""
    short = {row[0]: row[0][:SHORT] for row in document["outcome"]}
    return {
        language: texts.explain(document, application, language, {**names[language], **short})  # type: ignore[arg-type]
        for language in LANGUAGES
    }
