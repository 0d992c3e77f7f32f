"""The page of one dataset: what it is, how to get it, what is in it, and its history. Public data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops.catalog.facts import DatasetFacts
from gops.catalog.licences import attribution
from gops.catalog.model import LIVE
from gops.catalog.profiles import schema_org
from gops.catalog.quality import mqa
from gops.catalog.querying.forms import FORMS
from gops.catalog.snapshots.citation import citation
from gops.clock import from_micros
from gops.errors import Gone, NotFound
from gops.permissions import ANONYMOUS
from gops.portal import inside
from gops.portal.inside import Inside, Ratings
from gops.portal.sources import Sources
from gops.portal.words import LANGUAGES

SNAPSHOTS = 24  # newest ones on the page; the API lists all
WORDS: Mapping[str, Any] = {"most": mqa.MOST, "dimensions": mqa.DIMENSIONS}
"""What the template needs beside the dataset."""
NEWS = 12  # newest ones on the page; the feed has all


@dataclass(frozen=True)
class Frozen:
    """A snapshot, where it is, and the sentence that cites it, by language."""

    snapshot: Any
    address: str
    files: Sequence[Any]
    citations: dict[str, str]


@dataclass(frozen=True)
class Download:
    """A form and where it is."""

    form: str
    address: str


@dataclass(frozen=True)
class DatasetPage:
    """``linked`` is the dataset as schema.org says it, ``attributions`` the sentence that names the source, both by
    language. ``inside`` is None where GOPS keeps no readings of it; ``successor`` None where there is none that is
    public."""

    dataset: Any
    streams: int
    facts: DatasetFacts
    attributions: Mapping[str, str]
    downloads: Sequence[Download]
    snapshots: Sequence[Frozen]
    more: bool
    linked: Mapping[str, Any]
    inside: Inside | None
    news: Sequence[Any]
    successor: Any


def gather(sources: Sources, ratings: Ratings, slug: str, origin: str, key: str = "") -> DatasetPage:
    """Raises ``NotFound``, ``Gone``. ``origin`` is the address of this server, ``key`` the property to draw."""
    contents = inside.contents_of(sources, slug)
    dataset = contents.dataset
    found, facts = sources.snapshots.newest(ANONYMOUS, slug, SNAPSHOTS + 1), sources.views.stated(origin, [dataset])
    (one,) = facts.datasets
    is_live = dataset.kind == LIVE
    return DatasetPage(
        dataset=dataset,
        streams=len(contents.members),
        facts=one,
        attributions={language: _attribution(one, origin, language) for language in LANGUAGES},
        downloads=_downloads(one, is_live),
        snapshots=tuple(_frozen(row, origin) for row in found[:SNAPSHOTS]),
        more=len(found) > SNAPSHOTS,
        linked={language: schema_org.dataset(facts, language) for language in LANGUAGES},  # type: ignore[arg-type]
        inside=inside.gather(sources, ratings, contents, facts, one.variables, key) if is_live else None,
        news=sources.newsfeed.page(limit=NEWS, slug=dataset.slug),
        successor=_successor(sources, dataset.replaced_by),
    )


def _attribution(one: DatasetFacts, origin: str, language: str) -> str:
    title, publisher = (getattr(text, language) or text.ko for text in (one.title, one.publisher.name))
    year = from_micros(one.issued).year
    return attribution(one.licence, title, publisher, year, f"{origin}/datasets/{one.slug}", language)  # type: ignore[arg-type]


def _downloads(one: DatasetFacts, is_live: bool) -> list[Download]:
    if is_live:
        keys = ["csv", *(key for key in FORMS if key != "csv")]  # what most people take comes first
        return [Download(key.upper(), f"/api/v1/datasets/{one.slug}/data?format={key}") for key in keys]
    return [Download(row.file_type.key.upper(), row.access_url) for row in one.distributions]


def _successor(sources: Sources, slug: str | None) -> Any:
    if slug is None:
        return None
    try:
        return sources.datasets.get(ANONYMOUS, slug)
    except (NotFound, Gone):
        return None


def _frozen(view: Any, origin: str) -> Frozen:
    one = view.snapshot
    address = f"/api/v1/datasets/{view.slug}/snapshots/{one.number}"
    words = one.about, one.number, one.frozen_at, one.sha256, origin + address
    return Frozen(one, address, view.files, {language: citation(*words, language) for language in LANGUAGES})  # type: ignore[arg-type]
