"""Finding files of datasets in the records: the present ones, former states, and what is said of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.catalog.filed.dictionary import Said
from gops.catalog.filed.model import DatasetDictionary, DatasetFile
from gops.clock import from_micros
from gops.errors import Gone, NotFound
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


def as_of(session: Session, dataset_id: int, name: str | None, at: int) -> DatasetFile:
    """The state that the file of that name (None: the first there was) had at ``at``, in microseconds.

    Raises ``NotFound`` (``no_state``) before its first, and ``Gone`` (``file_removed``) after it was taken out.
    """
    own = (DatasetFile.dataset_id == dataset_id, *(() if name is None else (DatasetFile.name == name,)))
    last = select(DatasetFile.name, func.max(DatasetFile.number).label("number"))
    then = last.where(*own, DatasetFile.at <= at).group_by(DatasetFile.name).subquery()
    same = (DatasetFile.name == then.c.name) & (DatasetFile.number == then.c.number)
    rows = session.scalars(select(DatasetFile).join(then, same).where(*own).order_by(DatasetFile.name)).all()
    for row in rows:
        if row.removed_at is None or row.removed_at > at:
            return row
    if rows:
        raise _removed(rows[0])
    first = session.scalar(select(func.min(DatasetFile.at)).where(*own))
    if first is None:
        return one(session, dataset_id, name)  # raises: there never was one
    message = f"there was no such file at that time; its first state is of {from_micros(first).isoformat()}"
    raise NotFound(message, code="no_state", field="asof", found=from_micros(at).isoformat(),
                   expected=f"{from_micros(first).isoformat()} or later")  # fmt: skip


def _removed(last: DatasetFile) -> Gone:
    assert last.removed_at is not None, "only of what was taken out"
    gone = from_micros(last.removed_at).isoformat()
    message = f"{last.name} was taken out of the dataset at {gone}; its {last.number} states can still be cited"
    return Gone(message, code="file_removed", field="asof", found=last.name, expected=f"a time before {gone}")


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
