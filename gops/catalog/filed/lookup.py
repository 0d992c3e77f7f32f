"""Finding files of datasets in the records: the present ones, former states, and what is said of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.catalog.filed.dictionary import Said
from gops.catalog.filed.model import DatasetDictionary, DatasetFile
from gops.errors import NotFound
from gops.permissions import missing

NOUN = "file"


def newest(session: Session, dataset_id: int, name: str) -> DatasetFile | None:
    """The last state of a name, also of one that was removed."""
    own = (DatasetFile.dataset_id == dataset_id, DatasetFile.name == name)
    return session.scalar(select(DatasetFile).where(*own).order_by(DatasetFile.number.desc()).limit(1))


def present(session: Session, ids: Sequence[int]) -> dict[int, list[DatasetFile]]:
    """The files that these datasets have now, by name."""
    last = select(DatasetFile.dataset_id, DatasetFile.name, func.max(DatasetFile.number).label("number"))
    last_of = last.where(DatasetFile.dataset_id.in_(ids)).group_by(DatasetFile.dataset_id, DatasetFile.name).subquery()
    same = (
        (DatasetFile.dataset_id == last_of.c.dataset_id)
        & (DatasetFile.name == last_of.c.name)
        & (DatasetFile.number == last_of.c.number)
    )
    query = select(DatasetFile).join(last_of, same).where(DatasetFile.removed_at.is_(None))
    found: dict[int, list[DatasetFile]] = {one: [] for one in ids}
    for row in session.scalars(query.order_by(DatasetFile.name)):
        found[row.dataset_id].append(row)
    return found


def one(session: Session, dataset_id: int, name: str | None) -> DatasetFile:
    """The present file of that name; None: the first by name. Raises ``NotFound`` that says which there are."""
    files = present(session, [dataset_id])[dataset_id]
    for row in files:
        if name is None or row.name == name:
            return row
    known = ", ".join(row.name for row in files[:20])
    raise NotFound("there is no such file in this dataset", field="file", found=name,
                   expected=f"one of {known}" if known else "a dataset that has files")  # fmt: skip


def state(session: Session, dataset_id: int, name: str, number: int) -> DatasetFile:
    """A former or present state. Raises ``NotFound``."""
    query = select(DatasetFile).where(DatasetFile.dataset_id == dataset_id, DatasetFile.name == name)
    found = session.scalar(query.where(DatasetFile.number == number))
    if found is None:
        raise missing(NOUN)
    return found


def said(session: Session, dataset_id: int, name: str) -> dict[str, Said]:
    """What the publisher says of the columns of a file, by name of the column."""
    row = dictionary(session, dataset_id, name)
    return {} if row is None else {one["name"]: Said.of(one) for one in row.columns}


def dictionary(session: Session, dataset_id: int, name: str) -> DatasetDictionary | None:
    own = (DatasetDictionary.dataset_id == dataset_id, DatasetDictionary.name == name)
    return session.scalar(select(DatasetDictionary).where(*own))


def documents(session: Session, dataset_id: int) -> list[Mapping[str, object]]:
    """The present files as a revision of the dataset keeps them."""
    return [
        {"name": row.name, "number": row.number, "sha256": row.sha256, "rows": row.rows}
        for row in present(session, [dataset_id])[dataset_id]
    ]
