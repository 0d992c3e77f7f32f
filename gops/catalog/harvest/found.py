"""A dataset as it is found in another catalog: clean, bounded, and the same whichever protocol told of it. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson

from gops.accounts import checks
from gops.catalog.metadata import KEYWORD_LENGTH, KEYWORDS
from gops.clock import to_micros
from gops.errors import Invalid
from gops.sensors import texts

IRI_LENGTH = 2000
LINKS = 100  # distributions of a dataset that are kept
MAPPING = 1
"""Raised when the same source would be read otherwise: what is unchanged there is then read again all the same."""
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BLANKS = re.compile(r"\s+")
_YEAR = re.compile(r"\d{4}(-\d{2})?")


@dataclass(frozen=True, slots=True)
class Link:
    """A distribution: where it is. ``whole``: the address answers with a file. ``format`` is as the source says it."""

    url: str
    title_ko: str = ""
    title_en: str = ""
    format: str = ""
    media_type: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """``identity`` is its IRI at the source, ``identifiers`` others that it has there.

    ``licence`` is what the source says, an IRI or a word; so are ``theme`` and ``frequency``. Times are microseconds
    UTC, ``bbox`` is west, south, east, north.
    """

    identity: str
    identifiers: tuple[str, ...] = ()
    title_ko: str = ""
    title_en: str = ""
    description_ko: str = ""
    description_en: str = ""
    licence: str = ""
    licence_name: str = ""
    themes: tuple[str, ...] = ()
    frequency: str = ""
    keywords: tuple[str, ...] = ()
    publisher: str = ""
    publisher_ko: str = ""
    publisher_en: str = ""
    contact_name: str = ""
    contact_email: str = ""
    page: str = ""
    issued: int | None = None
    modified: int | None = None
    first: int | None = None
    last: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    links: tuple[Link, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        written: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return written

    @classmethod
    def of(cls, document: dict[str, Any]) -> Found:
        lists = {name: tuple(document[name]) for name in ("identifiers", "themes", "keywords")}
        box = document["bbox"]
        links = tuple(Link(**one) for one in document["links"])
        return cls(**(document | lists | {"links": links, "bbox": None if box is None else tuple(box)}))

    def digest(self, theme: str) -> str:
        """Of everything that is said, of how it was read, and of the theme that stands for none."""
        said = orjson.dumps([MAPPING, theme, self.document()], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(said).hexdigest()

    @property
    def title(self) -> str:
        return self.title_ko or self.title_en


@dataclass(frozen=True, slots=True)
class Refused:
    """A dataset of a source that was not taken, and why."""

    identity: str
    title: str
    code: str
    field: str
    note: str

    @classmethod
    def of(cls, identity: str, title: str, error: Invalid) -> Refused:
        return cls(line(identity, IRI_LENGTH), title, error.code, error.field or "", error.message[:300])

    def document(self) -> dict[str, str]:
        return asdict(self)


def identity_hash(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()


def check(found: Found) -> Found:
    """What GOPS can show. Raises ``Invalid`` (``bad_identity``, ``no_title``)."""
    if not is_iri(found.identity):
        raise Invalid("its identity is no IRI", code="bad_identity", field="@id", expected="http://, https:// or urn:")
    if not found.title:
        raise Invalid("it has no title", code="no_title", field="dct:title", expected="a title")
    return found


def line(text: Any, most: int = texts.NAME_LENGTH) -> str:
    """One line: blanks together, without what a page must not show, cut where it is longer."""
    return _cut(_BLANKS.sub(" ", _clean(text)).strip(), most)


def prose(text: Any, most: int = texts.PROSE_LENGTH) -> str:
    return _cut(_clean(text).replace("\r\n", "\n").strip(), most)


def words(given: Iterable[Any]) -> tuple[str, ...]:
    """Keywords, each once; what is over the bound is left out."""
    clean = (line(one, KEYWORD_LENGTH) for one in given)
    return tuple(dict.fromkeys(filter(None, clean)))[:KEYWORDS]


def address(text: Any) -> str:
    """A web address, or nothing."""
    given = str(text or "").strip()
    return given if given.startswith(("http://", "https://")) and is_iri(given) else ""


def is_iri(text: str) -> bool:
    """One that a database keeps and a page shows: no control characters, no half of a surrogate pair."""
    return len(text) <= IRI_LENGTH and text.isprintable() and texts.IRI.fullmatch(text) is not None


def email(text: Any) -> str:
    given = str(text or "").strip().removeprefix("mailto:")
    return given.lower() if checks.EMAIL.fullmatch(given) and len(given) <= checks.EMAIL_LENGTH else ""


def links(given: Iterable[Link]) -> tuple[Link, ...]:
    """In an order that does not depend on that of the source's answer; each address once a format."""
    some = {(one.url, one.format): one for one in given if one.url}
    return tuple(sorted(some.values(), key=lambda one: (one.url, one.format)))[:LINKS]


def both(said: Sequence[tuple[str, str]], default: str) -> tuple[str, str]:
    """Texts with their languages (BCP 47, or empty) as the Korean and the English one.

    One without a language is in the ``default`` one. Where there is neither, the first of any stands for the default.
    """
    by_language: dict[str, str] = {}
    for text, tag in sorted(said, key=lambda one: (one[1], one[0])):
        by_language.setdefault((tag or default).lower().split("-")[0], text)
    ko, en = by_language.get("ko", ""), by_language.get("en", "")
    if not ko and not en and by_language:
        other = next(iter(by_language.values()))
        return (other, "") if default == "ko" else ("", other)
    return ko, en


def _clean(text: Any) -> str:
    composed = unicodedata.normalize("NFC", str(text or "")[:40_000])
    shown = (sign for sign in composed if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs"))
    return _TURNING.sub("", "".join(shown))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def moment(one: Any) -> int | None:
    """Of xsd:dateTime, xsd:date, xsd:gYear or what looks like one; without an offset it is UTC. None for others."""
    text = str(one or "").strip().replace("Z", "+00:00")
    if _YEAR.fullmatch(text):
        text += "-01-01"[: 10 - len(text)] if len(text) == 4 else "-01"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return to_micros(found) if date(1, 1, 2) <= found.date() <= date(9999, 12, 30) else None
