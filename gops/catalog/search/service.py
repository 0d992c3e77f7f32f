"""The search: what is published, found by words, places, times and facets. Everybody sees the same.

Withdrawn datasets and drafts are never found; deprecated ones come after others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.catalog.licences import LICENCES
from gops.catalog.model import Dataset
from gops.catalog.search import (
    asking,
    facets,
    following,  # noqa: F401 - from here on entries follow their datasets
    ranking,
    suggesting,
)
from gops.catalog.search.columns import FACETS, Columns, Places, Shelf
from gops.catalog.search.entries import Seen, index, stale
from gops.catalog.search.labels import KINDS, QUALITY, label
from gops.catalog.search.model import SearchEntry
from gops.catalog.search.positions import Position
from gops.catalog.search.text_index import text_index
from gops.catalog.states import PUBLIC
from gops.catalog.vocabularies import THEMES
from gops.errors import Invalid
from gops.geo import BBox
from gops.records.database import Database
from gops.records.events import Event

SORTS = ("relevance", "modified", "title")
VALUES = 20  # of one filter
SHOWN_VALUES = 50  # of one facet; the rest are counted together
AT_ONCE = 200  # datasets indexed in one unit: others wait for the write lock meanwhile
CLOSED: Mapping[str, Collection[str]] = {"theme": THEMES, "licence": LICENCES, "kind": KINDS, "quality": QUALITY}
"""Filters whose values are known beforehand."""
Seeing = Callable[[Sequence[int]], Mapping[int, Seen]]


@dataclass(frozen=True)
class Asked:
    """``filters``: for names of ``FACETS`` the values of which a dataset has one. ``start``, ``end``: microseconds."""

    q: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bbox: BBox | None = None
    start: int | None = None
    end: int | None = None
    sort: str = "relevance"
    limit: int = 20
    after: str = ""


@dataclass(frozen=True)
class Hit:
    """``facts`` as ``entries.facts`` wrote them; ``first`` and ``last`` as ``SearchEntry`` has them."""

    dataset: Dataset
    publisher: Organisation
    facts: Mapping[str, Any]
    first: int | None
    last: int | None


@dataclass(frozen=True)
class Value:
    """A value of a facet with its names, and how many datasets have it."""

    value: str
    ko: str
    en: str
    count: int


@dataclass(frozen=True)
class Facet:
    """``more`` values are not among ``values``."""

    name: str
    values: tuple[Value, ...]
    more: int = 0


@dataclass(frozen=True)
class Found:
    """A page. ``matched`` is ``all`` where each hit has all words, ``some`` where no dataset has all of them.

    ``next`` is the ``after`` of the next page; ``did_you_mean`` a query that finds something.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: tuple[Facet, ...]
    next: str | None
    matched: str
    did_you_mean: str | None


class Search:
    """``find``, ``suggest``; ``refresh`` and ``reindex`` bring the index up to date where no change of a dataset did.

    ``places`` says which boxes lie where; ``seeing`` what is known outside of the records. ``handlers`` belong into the
    event pump.
    """

    def __init__(self, database: Database, places: Places | None = None, seeing: Seeing = lambda _ids: {}) -> None:
        self._database = database
        self._shelf = Shelf(places)
        self.seeing = seeing
        self.handlers: dict[str, tuple[Callable[[Event], None], ...]] = {
            "dataset.published": (self._heard,),
            "dataset.changed": (self._heard,),
        }

    def find(self, asked: Asked) -> Found:
        """Raises ``Invalid`` for what no search can mean."""
        check(asked)
        terms, position = asking.read(asked.q), Position.read(asked.after)
        with self._database.read() as session:
            columns = self._shelf.columns(session)
            points, matched = self._points(session, columns, terms)
            base = points > 0
            if asked.bbox is not None:
                base = base & facets.in_box(columns, asked.bbox)
            if asked.start is not None or asked.end is not None:
                base = base & facets.in_time(columns, asked.start, asked.end)
            masks = facets.filtered(columns, asked.filters)
            hits = np.flatnonzero(facets.together(masks, base))
            wanted = ranking.ordered(columns, hits, points, asked.sort, position.number + asked.limit + 1)
            at = position.after(columns.ids[wanted])
            page = columns.ids[wanted[at : at + asked.limit]].tolist()
            is_last = len(wanted) <= at + asked.limit
            meant = suggesting.meant(session, asked.q, columns) if matched == "some" or not np.any(base) else None
            return Found(
                total=len(hits),
                hits=_hits(session, page),
                facets=_labelled(columns, facets.counts(columns, base, masks)),
                next=None if is_last else Position(at + asked.limit, page[-1]).text(),
                matched=matched,
                did_you_mean=meant,
            )

    def suggest(self, q: str, limit: int) -> tuple[suggesting.Suggestion, ...]:
        """What a query that begins like this may become: names, keywords, titles. Raises ``Invalid``."""
        with self._database.read() as session:
            return suggesting.suggest(session, q, limit, self._shelf.columns(session))

    def refresh(self, *, everything: bool = False) -> int:
        """Index what is missing or was indexed by other rules, and what changed outside of a dataset (names, places,
        times of readings); how many entries changed. ``everything`` writes all of them anew."""
        changed, after = 0, 0
        while ids := self._next(after):
            after = ids[-1]
            changed += self._look(ids, everything)
        with self._database.read() as session:
            self._shelf.columns(session)  # so that nobody waits for them
        return changed

    def _look(self, ids: Sequence[int], everything: bool = False) -> int:
        seen = self.seeing(ids)
        if not everything:
            with self._database.read() as session:
                ids = stale(session, ids, seen)
        if not ids:
            return 0
        with self._database.write() as session:
            return index(session, ids, seen, anew=everything)

    def _heard(self, event: Event) -> None:
        """A dataset that has just changed is looked at by ``seeing`` now, not in an hour."""
        self._look([event.payload["dataset"]])

    def _next(self, after: int) -> list[int]:
        """Datasets that are or were to be found, above ``after``."""
        listed = select(SearchEntry.dataset_id).where(SearchEntry.listed)
        wanted = or_(Dataset.state.in_(PUBLIC), Dataset.id.in_(listed))
        query = select(Dataset.id).where(Dataset.id > after, wanted).order_by(Dataset.id).limit(AT_ONCE)
        with self._database.read() as session:
            return list(session.scalars(query))

    def _points(self, session: Session, columns: Columns, terms: tuple[asking.Term, ...]) -> tuple[ranking.Scores, str]:
        if not terms:
            return ranking.everything(columns), "all"
        engine = text_index(session)
        points = ranking.scores(terms, engine.find(session, ranking.groups(terms)), columns)
        if np.any(points):
            return points, "all"
        loose = asking.loosely(terms)
        return ranking.scores(loose, engine.find(session, ranking.groups(loose)), columns), "some"


def check(asked: Asked) -> None:
    if asked.sort not in SORTS:
        raise Invalid("there is no such order", field="sort", found=asked.sort, expected=f"one of {', '.join(SORTS)}")
    for name, values in asked.filters.items():
        if name not in FACETS:
            raise Invalid("there is no such filter", field=name, found=name, expected=f"one of {', '.join(FACETS)}")
        if len(values) > VALUES:
            raise Invalid(
                f"{name} has too many values", code="too_many", field=name, found=len(values),
                expected=f"at most {VALUES}",
            )  # fmt: skip
    if asked.start is not None and asked.end is not None and asked.start >= asked.end:
        raise Invalid("from is not before to", code="bad_range", field="from", expected="a from before to")


def refuse_unknown(filters: Mapping[str, Sequence[str]]) -> None:
    """Raise ``Invalid`` for a value that is a mistake. ``Search`` itself finds nothing for it."""
    for name, known in CLOSED.items():
        unknown = next((value for value in filters.get(name, ()) if value not in known), None)
        if unknown is not None:
            raise Invalid(f"there is no such {name}", field=name, found=unknown, expected=", ".join(known))


def _hits(session: Session, ids: Sequence[int]) -> tuple[Hit, ...]:
    entry = SearchEntry
    rows = select(Dataset, Organisation, entry.facts, entry.first, entry.last)
    rows = rows.join(Organisation, Organisation.id == Dataset.organisation_id)
    rows = rows.join(entry, entry.dataset_id == Dataset.id).where(Dataset.id.in_(ids), entry.listed)
    found = {row[0].id: Hit(*row) for row in session.execute(rows)}
    return tuple(found[one] for one in ids if one in found)


def _labelled(columns: Columns, counted: Mapping[str, Sequence[facets.Counted]]) -> tuple[Facet, ...]:
    return tuple(
        Facet(
            name,
            tuple(
                Value(one.value, *label(name, one.value, columns.publishers), one.count)
                for one in values[:SHOWN_VALUES]
            ),
            max(0, len(values) - SHOWN_VALUES),
        )
        for name, values in counted.items()
    )
