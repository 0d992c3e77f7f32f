"""Revisions of what is said of a dataset: kept whole, from its publication on, and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.catalog import lookup, metadata, selection
from gops.catalog.filed.lookup import documents
from gops.catalog.history.model import DatasetRevision
from gops.catalog.model import FILES, Dataset
from gops.catalog.terms import TERMS
from gops.clock import from_micros
from gops.durations import write_duration
from gops.permissions import Actor, missing, permits
from gops.records.database import Database
from gops.records.paging import is_id, page

NOUN = "revision"
NOTE_LENGTH = 500
SAID = (
    *("slug", "state", *metadata.CHECKS, *TERMS),
    *("rule", "follow", "snapshot_every", "deprecate_reason", "replaced_by", "withdraw_reason"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One field in which two documents differ; None: it says nothing."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RevisionView:
    """``by`` is the person who made it: for the dataset's own organisation, None for others."""

    id: int
    dataset: str
    number: int
    at: int
    by: int | None
    note: str
    document: Mapping[str, Any]


def document(session: Session, dataset: Dataset) -> dict[str, Any]:
    """What is said of a dataset now, as JSON. Of its Datastreams how many there are, and a hash of their ids."""
    whole = {name: getattr(dataset, name) for name in SAID}
    ids = sorted(selection.members(session, dataset.id))
    return whole | {
        "keywords": list(dataset.keywords),
        "delay": write_duration(dataset.delay) if dataset.delay else None,
        "start": None if dataset.start is None else from_micros(dataset.start).isoformat(),
        "datastreams": {"count": len(ids), "sha256": sha256(repr(ids).encode()).hexdigest()},
        **({"files": documents(session, dataset.id)} if dataset.kind == FILES else {}),
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The fields in which two documents differ, in the order of the second."""
    names = dict.fromkeys((*after, *before))
    changed = (name for name in names if before.get(name) != after.get(name))
    return tuple(Change(name, before.get(name), after.get(name)) for name in changed)


def keep(session: Session, dataset: Dataset, at: int, by: int | None, note: str = "") -> bool:
    """Keep what is said of a dataset now as its present revision; whether that is anything new."""
    last = select(DatasetRevision).where(DatasetRevision.dataset_id == dataset.id)
    newest = session.scalar(last.order_by(DatasetRevision.number.desc()).limit(1))
    now = document(session, dataset)
    if newest is not None and newest.document == now:
        return False
    words = note.strip()[:NOTE_LENGTH]
    session.add(DatasetRevision(dataset_id=dataset.id, number=dataset.revision, at=at, by=by, note=words, document=now))
    session.flush()
    return True


def has_any(session: Session, dataset: Dataset) -> bool:
    return session.scalar(select(DatasetRevision.id).where(DatasetRevision.dataset_id == dataset.id)) is not None


class Revisions:
    """Who sees a dataset sees its revisions. Raises ``NotFound``, ``Gone``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, actor: Actor, slug: str, after: int = 0, limit: int = 100) -> Sequence[RevisionView]:
        """The oldest first; without those before its publication, of which none are kept."""
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            query = select(DatasetRevision).where(DatasetRevision.dataset_id == dataset.id)
            rows = session.scalars(page(query, DatasetRevision.id, after, limit)).all()
        return [_view(row, dataset, actor) for row in rows]

    def get(self, actor: Actor, slug: str, number: int) -> RevisionView:
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            return _view(_one(session, dataset, number), dataset, actor)

    def compare(self, actor: Actor, slug: str, before: int, after: int) -> tuple[Change, ...]:
        """What the second says otherwise than the first."""
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            first, second = _one(session, dataset, before), _one(session, dataset, after)
        return differences(first.document, second.document)


def _one(session: Session, dataset: Dataset, number: int) -> DatasetRevision:
    own = DatasetRevision.dataset_id == dataset.id
    query = select(DatasetRevision).where(own, DatasetRevision.number == number)
    found = session.scalar(query) if is_id(number) else None
    if found is None:
        raise missing(NOUN)
    return found


def _view(row: DatasetRevision, dataset: Dataset, actor: Actor) -> RevisionView:
    is_own = permits(actor, "dataset.read_private", dataset.organisation_id)
    by = row.by if is_own else None
    return RevisionView(row.id, dataset.slug, row.number, row.at, by, row.note, row.document)
