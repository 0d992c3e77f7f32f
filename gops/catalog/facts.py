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
    """``kind`` is that of an organisation (``permissions.ORGANISATION_KINDS``), or empty; so may ``slug`` be."""

    iri: str
    name: Bilingual
    kind: str = ""
    slug: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    name: Bilingual
    email: str


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """A column of a file: ``type`` as Table Schema names it, ``unit`` a UCUM code or nothing."""

    name: str
    type: str
    about: Bilingual
    unit: str = ""
    codes: tuple[str, ...] = ()
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class DistributionFacts:
    """One way to get a dataset. ``access_url`` answers with all of it where ``is_whole``, else in pages.

    ``key`` tells it apart where several are of one type. ``bytes`` and ``sha256`` are of a file as it was handed in,
    ``fields`` are the columns of one whose rows are served.

    ``reachable``: it answered when it was last tried; what GOPS serves itself does. ``trouble`` says how it did not:
    a status of HTTP, a code, or "untried".
    """

    iri: str
    access_url: str
    file_type: FileType
    title: Bilingual
    is_whole: bool = True
    reachable: bool = True
    key: str = ""
    bytes: int | None = None
    sha256: str = ""
    fields: tuple[FieldFacts, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last reading, microseconds. ``bbox`` of the places of the Things."""

    first: int | None = None
    last: int | None = None
    bbox: BBox | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """An observed property as it is in a dataset: its ``unit`` is a UCUM code, ``iri`` says what it is, or is empty.

    ``period`` is the shortest of its Datastreams, microseconds.
    """

    key: str
    name: Bilingual
    unit: str
    kind: str
    iri: str = ""
    period: int | None = None


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
    """``versions`` are the newest snapshots, the last first. ``provenance`` says what is deleted and thinned.

    ``rights`` says how the source is named and what there is of people. ``service`` is the IRI of the API behind it.
    ``origin`` is the IRI of a harvested one where it is from.
    ``deprecated``: since when it should not be used any more; ``replaced_by`` is the IRI of what to use instead.
    """

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
    id: int = 0
    kind: str = "live"
    variables: Sequence[Variable] = ()
    rights: Bilingual | None = None
    service: str = ""
    deprecated: int | None = None
    replaced_by: str | None = None
    origin: str = ""

    @property
    def period(self) -> int | None:
        """The shortest time between two readings of a Datastream, microseconds."""
        return min((one.period for one in self.variables if one.period is not None), default=None)


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """The API that datasets are read by; ``description`` is the address of its OpenAPI document."""

    iri: str
    endpoint: str
    description: str
    title: Bilingual


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
    first_page: str | None = None
    total: int | None = None
    service: ServiceFacts | None = None
