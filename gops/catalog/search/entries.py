"""What is found of a dataset: its tokens, and its facts for facets, filters and orders.

``index`` writes both for some datasets in the transaction it is called in.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from gops.accounts.model import Organisation
from gops.catalog.filed import stating as filed
from gops.catalog.harvest.stating import Origins, formats, origins
from gops.catalog.model import LIVE, Dataset, DatasetDatastream
from gops.catalog.search.model import SearchEntry
from gops.catalog.search.synonyms import concepts, synonyms
from gops.catalog.search.text_index import text_index
from gops.catalog.search.words import CONCEPT, FIELDS, beginnings, is_paired, normal, plain, runs
from gops.catalog.states import PUBLIC
from gops.catalog.vocabularies import FILE_TYPES
from gops.records.database import serialise
from gops.sensors.model import Datastream, Location, ObservedProperty

VERSION = 2
"""Raised when the same dataset would get other tokens or facts: what is indexed by another is indexed anew."""
BOX_DECIMALS = 2  # of degrees, about a kilometre: the box of a search says no more
NAME = "search"
LIVE_FORMATS = tuple(FILE_TYPES)


@dataclass(frozen=True)
class Seen:
    """What is said elsewhere of a dataset: times of its readings, and its class of quality. None: as it was."""

    first: int | None = None
    last: int | None = None
    quality: str = ""


@dataclass(frozen=True)
class Source:
    """Of one dataset everything that it is found by."""

    dataset: Dataset
    publisher: Organisation
    columns: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    formats: tuple[str, ...] = ()


def index(session: Session, ids: Sequence[int], seen: Mapping[int, Seen] | None = None, *, anew: bool = False) -> int:
    """Bring the entries of these datasets up to date; how many changed. Without ``seen`` what it says stays.

    ``anew`` writes what has not changed as well.
    """
    serialise(session, NAME)
    there = _there(session, ids)
    newest = session.scalar(select(func.max(SearchEntry.changed))) or 0
    found = {source.dataset.id: source for source in sources(session, ids)}
    written: list[tuple[int, list[str]]] = []
    for number, one in enumerate(ids, newest + 1):
        source, entry = found.get(one), there.get(one)
        if source is not None:
            made = _made(source, entry, (seen or {}).get(one))
            if anew or not _is(entry, made):
                _set(session, entry, made, number)
                written.append((one, made.tokens))
        elif entry is not None and entry.listed:
            entry.listed, entry.changed, entry.digest, entry.facts = False, number, "", {}  # a copy learns of it so
            written.append((one, []))
    session.flush()
    if written:
        text_index(session).put(session, written)
    return len(written)


def stale(session: Session, ids: Sequence[int], seen: Mapping[int, Seen]) -> list[int]:
    """Those of these datasets whose entries are not what ``index`` would write. Reads alone."""
    there = _there(session, ids)
    found = {source.dataset.id: source for source in sources(session, ids)}
    gone = [one for one, entry in there.items() if entry.listed and one not in found]
    return sorted(gone + [one for one, source in found.items() if _is_stale(there.get(one), source, seen.get(one))])


def _is_stale(entry: SearchEntry | None, source: Source, seen: Seen | None) -> bool:
    return entry is None or entry.version != VERSION or not _is(entry, _made(source, entry, seen))


def sources(session: Session, ids: Sequence[int]) -> list[Source]:
    """Of those that may be found."""
    rows = select(Dataset, Organisation).join(Organisation, Organisation.id == Dataset.organisation_id)
    datasets = session.execute(rows.where(Dataset.id.in_(ids), Dataset.state.in_(PUBLIC))).all()
    live = DatasetDatastream.dataset_id.in_([dataset.id for dataset, _ in datasets if dataset.kind == LIVE])
    columns, boxes = _columns(session, live), _boxes(session, live)
    found = origins(session, [dataset for dataset, _ in datasets])
    boxes |= {one: origin.bbox for one, (origin, _url) in found.items() if origin.bbox is not None}
    files = filed.known(session, [dataset for dataset, _ in datasets])
    columns |= {one: filed.words(*known) for one, known in files.items()}
    boxes |= {one: box for one, (rows, _said) in files.items() if (box := filed.box(rows)) is not None}
    return [
        Source(
            dataset,
            publisher,
            columns.get(dataset.id, ()),
            _rounded(boxes.get(dataset.id), dataset),
            _formats(dataset, found, files),
        )
        for dataset, publisher in datasets
    ]


def _formats(dataset: Dataset, found: Origins, files: Mapping[int, filed.Known]) -> tuple[str, ...]:
    if dataset.id in found:
        return formats(found[dataset.id][0])
    if dataset.id in files:
        return filed.formats(files[dataset.id][0])
    return LIVE_FORMATS if dataset.kind == LIVE else ()


def tokens(source: Source) -> list[str]:
    """Everything by which a dataset is found, each once."""
    one = source.dataset
    keywords = "\n".join(one.keywords)
    titles = f"{one.title_ko}\n{one.title_en}"
    texts = (
        titles,
        keywords,
        "\n".join(source.columns),
        f"{source.publisher.name_ko}\n{source.publisher.name_en}",
        f"{one.description_ko}\n{one.description_en}",
    )
    found: dict[str, None] = {}
    for letter, text in zip(FIELDS, texts, strict=True):
        found |= dict.fromkeys(letter + token for token in plain(text))
        found |= dict.fromkeys(letter + CONCEPT + concept for concept in concepts(text))
    return [*(found | dict.fromkeys(beginnings(f"{titles}\n{keywords}")))]


def facts(source: Source, quality: str) -> dict[str, Any]:
    one = source.dataset
    named = f"{one.title_ko} {source.publisher.name_ko} {' '.join(one.keywords)}"
    places = dict.fromkeys(concept for concept in concepts(named) if concept in synonyms().places)
    return {
        "state": one.state,
        "kind": one.kind,
        "theme": one.theme,
        "licence": one.licence,
        "publisher": source.publisher.slug,
        "publisher_names": [source.publisher.name_ko, source.publisher.name_en],
        "quality": quality,
        "format": list(source.formats),
        "place": list(places),
        "box": source.box,
        "title": one.title_ko,
        "length": _length(one.title_ko),
    }


def _length(title: str) -> int:
    """Syllables of Korean, and words of anything else."""
    return sum(len(run) if is_paired(run) else 1 for run in runs(normal(title)))


@dataclass(frozen=True)
class Made:
    """An entry as it should be."""

    dataset: Dataset
    tokens: list[str]
    facts: dict[str, Any]
    seen: Seen
    digest: str


def _there(session: Session, ids: Sequence[int]) -> dict[int, SearchEntry]:
    return {one.dataset_id: one for one in session.scalars(select(SearchEntry).where(SearchEntry.dataset_id.in_(ids)))}


def _made(source: Source, entry: SearchEntry | None, seen: Seen | None) -> Made:
    known = Seen() if entry is None else Seen(entry.first, entry.last, entry.facts.get("quality", ""))
    said, words = seen or known, tokens(source)
    about = facts(source, said.quality)
    parts = [VERSION, about, sorted(words), said.first, said.last, source.dataset.modified_at]
    digest = hashlib.blake2b(orjson.dumps(parts), digest_size=16).hexdigest()
    return Made(source.dataset, words, about, said, digest)


def _is(entry: SearchEntry | None, made: Made) -> bool:
    return entry is not None and entry.listed and entry.digest == made.digest


def _set(session: Session, entry: SearchEntry | None, made: Made, number: int) -> None:
    if entry is None:
        entry = SearchEntry(dataset_id=made.dataset.id)
        session.add(entry)
    entry.version, entry.changed, entry.listed, entry.digest = VERSION, number, True, made.digest
    entry.facts, entry.modified = made.facts, made.dataset.modified_at
    entry.first, entry.last = made.seen.first, made.seen.last


def _columns(session: Session, live: ColumnElement[bool]) -> dict[int, tuple[str, ...]]:
    """Key and names of what is measured in each."""
    names = (ObservedProperty.key, ObservedProperty.name_ko, ObservedProperty.name_en)
    rows = select(DatasetDatastream.dataset_id, *names).join_from(DatasetDatastream, Datastream).join(ObservedProperty)
    found: dict[int, list[str]] = {}
    for one, *words in session.execute(rows.where(live).distinct().order_by(*names)):
        found.setdefault(one, []).extend(words)
    return {one: tuple(words) for one, words in found.items()}


def _boxes(session: Session, live: ColumnElement[bool]) -> dict[int, tuple[float, ...]]:
    """The box around where its Things are now."""
    later = aliased(Location)
    superseded = exists().where(later.thing_id == Location.thing_id, later.since > Location.since)
    edges = (
        *(func.min(Location.longitude), func.min(Location.latitude)),
        *(func.max(Location.longitude), func.max(Location.latitude)),
    )
    rows = select(DatasetDatastream.dataset_id, *edges).join_from(DatasetDatastream, Datastream)
    rows = rows.join(Location, Location.thing_id == Datastream.thing_id).where(live, ~superseded)
    return {one: tuple(box) for one, *box in session.execute(rows.group_by(DatasetDatastream.dataset_id))}


def _rounded(box: Iterable[float] | None, dataset: Dataset) -> tuple[float, float, float, float] | None:
    """Outward, so that it still holds everything and shows no exact place."""
    if box is None:
        return None
    decimals = BOX_DECIMALS if dataset.location_decimals is None else min(BOX_DECIMALS, dataset.location_decimals)
    unit = 10**decimals
    west, south, east, north = box
    return (
        math.floor(west * unit) / unit,
        math.floor(south * unit) / unit,
        math.ceil(east * unit) / unit,
        math.ceil(north * unit) / unit,
    )
