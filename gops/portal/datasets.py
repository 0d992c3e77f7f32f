"""The page of one dataset: what it is, how to get it, and its snapshots with their citations. Public data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops.catalog.licences import LICENCES, Licence
from gops.catalog.profiles import schema_org
from gops.catalog.snapshots.citation import citation
from gops.catalog.vocabularies import FREQUENCIES, THEMES, Word
from gops.permissions import ANONYMOUS
from gops.portal.live import Sources
from gops.portal.words import LANGUAGES

SNAPSHOTS = 24  # newest ones on the page; the API lists all


@dataclass(frozen=True)
class Frozen:
    """A snapshot, where it is, and the sentence that cites it, by language."""

    snapshot: Any
    address: str
    files: Sequence[Any]
    citations: dict[str, str]


@dataclass(frozen=True)
class DatasetPage:
    """``linked`` is the dataset as schema.org says it, by language."""

    view: Any
    licence: Licence
    theme: Word
    frequency: Word
    snapshots: Sequence[Frozen]
    more: bool
    linked: Mapping[str, Any]


def gather(sources: Sources, slug: str, origin: str) -> DatasetPage:
    """Raises ``NotFound``, ``Gone``. ``origin`` is the address of this server."""
    dataset = sources.datasets.get(ANONYMOUS, slug)
    found, facts = sources.snapshots.newest(ANONYMOUS, slug, SNAPSHOTS + 1), sources.views.stated(origin, [dataset])
    return DatasetPage(
        view=sources.views.of([dataset])[0],
        licence=LICENCES[dataset.licence],
        theme=THEMES[dataset.theme],
        frequency=FREQUENCIES[dataset.frequency],
        snapshots=tuple(_frozen(one, origin) for one in found[:SNAPSHOTS]),
        more=len(found) > SNAPSHOTS,
        linked={language: schema_org.dataset(facts, language) for language in LANGUAGES},  # type: ignore[arg-type]
    )


def _frozen(view: Any, origin: str) -> Frozen:
    one = view.snapshot
    address = f"/api/v1/datasets/{view.slug}/snapshots/{one.number}"
    words = one.about, one.number, one.frozen_at, one.sha256, origin + address
    return Frozen(one, address, view.files, {language: citation(*words, language) for language in LANGUAGES})  # type: ignore[arg-type]
