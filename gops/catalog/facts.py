"""Frozen values that profiles are made of: a catalog, its datasets, how they are got. Times are microseconds UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gops.catalog.licences import Licence
from gops.catalog.vocabularies import FileType, Word
from gops.geo import BBox


@dataclass(frozen=True, slots=True)
class Bilingual:
    """The same in both languages; a language that is empty is left out."""

    ko: str
    en: str


@dataclass(frozen=True, slots=True)
class Agent:
    iri: str
    name: Bilingual


@dataclass(frozen=True, slots=True)
class Contact:
    name: Bilingual
    email: str


@dataclass(frozen=True, slots=True)
class DistributionFacts:
    """One way to get a dataset. ``access_url`` answers with all of it where ``is_whole``, else in pages."""

    iri: str
    access_url: str
    file_type: FileType
    title: Bilingual
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last reading, microseconds. ``bbox`` of the places of the Things."""

    first: int | None = None
    last: int | None = None
    bbox: BBox | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file that never changes; ``sha256`` of its bytes, in hex."""

    iri: str
    title: Bilingual
    file_type: FileType
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A snapshot of a dataset: ``number`` counts, ``sha256`` is that of its manifest at ``page``."""

    iri: str
    page: str
    number: int
    title: Bilingual
    licence: Licence
    issued: int
    sha256: str
    span: Span
    files: Sequence[FileFacts]


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """``versions`` are the newest snapshots, the last first. ``provenance`` says what is deleted and thinned."""

    iri: str
    page: str
    slug: str
    title: Bilingual
    description: Bilingual
    publisher: Agent
    contact: Contact
    licence: Licence
    theme: Word
    frequency: Word
    keywords: Sequence[str]
    issued: int
    modified: int
    span: Span
    distributions: Sequence[DistributionFacts]
    versions: Sequence[VersionFacts] = ()
    provenance: Bilingual | None = None


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    iri: str
    home: str
    title: Bilingual
    description: Bilingual
    publisher: Agent
    modified: int | None
    datasets: Sequence[DatasetFacts]
    next_page: str | None = None
