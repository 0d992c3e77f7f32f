"""What is said of a dataset: what each part may be, and what is still missing before it may be published. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Protocol, TypedDict

from gops.accounts import checks
from gops.catalog.licences import licence
from gops.catalog.vocabularies import FREQUENCIES, PERSONAL_DATA, THEMES
from gops.errors import Invalid
from gops.sensors import texts

KEYWORDS = 20
KEYWORD_LENGTH = 50


class Described(Protocol):
    """What ``Dataset`` and its changes have in common."""

    title_ko: Any
    title_en: Any
    description_ko: Any
    description_en: Any
    licence: Any
    theme: Any
    keywords: Any
    contact_name: Any
    contact_email: Any
    frequency: Any
    personal_data: Any
    personal_data_basis: Any
    personal_data_reviewer: Any
    personal_data_reviewed: Any


class Metadata(TypedDict, total=False):
    """Changes of metadata; what is not given stays. An empty text takes away what stood."""

    title_ko: str
    title_en: str
    description_ko: str
    description_en: str
    licence: str
    theme: str
    keywords: list[str]
    contact_name: str
    contact_email: str
    frequency: str
    personal_data: str
    personal_data_basis: str
    personal_data_reviewer: str
    personal_data_reviewed: str


def _or_nothing(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, field: "" if value == "" else check(value, field)


def _word(words: Mapping[str, Any]) -> Callable[[Any, str], Any]:
    return _or_nothing(lambda value, field: checks.one_of(value, words, field))


def _keywords(value: Any, field: str) -> list[str]:
    if not isinstance(value, list) or len(value) > KEYWORDS:
        raise Invalid("these are no keywords", field=field, expected=f"a list of at most {KEYWORDS} words")
    words = [texts.line(word, f"{field}[{index}]", KEYWORD_LENGTH) for index, word in enumerate(value)]
    return list(dict.fromkeys(filter(None, words)))


def _date(value: Any, field: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError) as error:
        raise Invalid("this is no date", field=field, found=value, expected="YYYY-MM-DD") from error


CHECKS: Mapping[str, Callable[[Any, str], Any]] = {
    "title_ko": texts.line,
    "title_en": texts.line,
    "description_ko": texts.prose,
    "description_en": texts.prose,
    "licence": _or_nothing(lambda value, _field: licence(value).id),
    "theme": _word(THEMES),
    "keywords": _keywords,
    "contact_name": texts.line,
    "contact_email": _or_nothing(checks.email),
    "frequency": _word(FREQUENCIES),
    "personal_data": _word(PERSONAL_DATA),
    "personal_data_basis": texts.prose,
    "personal_data_reviewer": texts.line,
    "personal_data_reviewed": _or_nothing(_date),
}
WITH_PEOPLE = ("personal_data_basis", "personal_data_reviewer", "personal_data_reviewed")
"""What has to be said as well where ``personal_data`` is other than none: why, who looked at it, and when."""
MANDATORY = tuple(name for name in CHECKS if name not in WITH_PEOPLE)


def clean(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes in the form in which they are kept. Raises ``Invalid``."""
    return {name: CHECKS[name](value, name) for name, value in changes.items()}


def missing(of: Described) -> tuple[str, ...]:
    """The names of what has to be said before it may be published."""
    names = [name for name in MANDATORY if not getattr(of, name)]
    if of.personal_data not in ("", "none"):
        names += [name for name in WITH_PEOPLE if not getattr(of, name)]
    return tuple(names)


class Incomplete(Invalid):
    """A dataset that may not be published as it is. ``missing`` names what is lacking."""

    code = "incomplete_dataset"

    def __init__(self, slug: str, names: tuple[str, ...]) -> None:
        listed = ", ".join(names)
        super().__init__(f"{slug} lacks {listed}", field=names[0], expected=listed)
        self.missing = names
