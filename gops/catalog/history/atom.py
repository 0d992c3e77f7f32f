"""News of datasets as an Atom feed (RFC 4287), in pages (RFC 5005, section 3). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from gops.catalog.facts import Bilingual
from gops.catalog.history.news import News
from gops.clock import from_micros

NAMESPACE = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml"
LANGUAGES = ("ko", "en")
WORDS: Mapping[str, Bilingual] = {
    "published": Bilingual("공개", "Published"),
    "revised": Bilingual("설명 변경", "Revised"),
    "snapshot": Bilingual("스냅샷", "Snapshot"),
    "deprecated": Bilingual("사용 중단 예고", "Deprecated"),
    "withdrawn": Bilingual("철회", "Withdrawn"),
}
TITLE = Bilingual("GOPS 데이터셋 소식", "News of GOPS datasets")
SOFTWARE = "GOPS"


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a feed: its own address, that of its page for people, and that of the next page of it where there is one."""

    address: str
    page: str
    title: Bilingual
    following: str | None = None


def feed(base: str, heading: Heading, news: Sequence[News], language: str) -> bytes:
    """The document. ``base`` is the public address of this GOPS, without a slash at its end."""
    root = ElementTree.Element("feed", {"xmlns": NAMESPACE, "xml:lang": language})
    _text(root, "id", heading.address)
    _text(root, "title", _said(heading.title, language))
    _text(root, "updated", moment(max((one.row.at for one in news), default=0)))
    _link(root, "self", heading.address, MEDIA_TYPE)
    _link(root, "alternate", heading.page, "text/html")
    if heading.following is not None:
        _link(root, "next", heading.following, MEDIA_TYPE)
    author = ElementTree.SubElement(root, "author")
    _text(author, "name", SOFTWARE)
    for one in news:
        _entry(root, base, one, language)
    document: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return document


def _entry(root: ElementTree.Element, base: str, news: News, language: str) -> None:
    row, word = news.row, WORDS[news.row.what]
    title = _said(Bilingual(row.title_ko, row.title_en), language)
    entry = ElementTree.SubElement(root, "entry")
    _text(entry, "id", f"{base}/feed.atom#{row.id}")
    number = f" {row.number}" if row.what == "snapshot" else ""
    _text(entry, "title", f"{_said(word, language)}{number}: {title}")
    _text(entry, "updated", moment(row.at))
    ElementTree.SubElement(entry, "category", {"term": row.what, "label": _said(word, language)})
    author = ElementTree.SubElement(entry, "author")
    _text(author, "name", _said(Bilingual(news.publisher.name_ko, news.publisher.name_en), language))
    _link(entry, "alternate", f"{base}/datasets/{news.slug}", "text/html")
    _link(entry, "related", f"{base}{related(news)}", "application/json")
    _text(entry, "summary", row.note or title)


def related(news: News) -> str:
    """The path of what it is about: the snapshot, the revision, or the dataset."""
    path = f"/api/v1/datasets/{news.slug}"
    parts = {"snapshot": f"/snapshots/{news.row.number}", "revised": f"/revisions/{news.row.number}"}
    return path + parts.get(news.row.what, "")


def moment(micros: int) -> str:
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def _said(words: Bilingual, language: str) -> str:
    """In that language, or in the other where it says nothing in it."""
    return (words.ko or words.en) if language == "ko" else (words.en or words.ko)


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _link(parent: ElementTree.Element, rel: str, href: str, kind: str) -> None:
    ElementTree.SubElement(parent, "link", {"rel": rel, "href": href, "type": kind})
