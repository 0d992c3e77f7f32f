"""Whatever writes a dataset, its entry of the search is written in the same transaction, before it commits.

By events of SQLAlchemy, not by a call in each service: several write datasets (by hand, by a rule, from files, from
another catalog), and one that forgot the call would leave the search wrong without a sign.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, object_session

from gops.catalog.model import Dataset
from gops.catalog.search.entries import index

CHANGED = "search.changed"


@event.listens_for(Dataset, "after_insert")
@event.listens_for(Dataset, "after_update")
def _note(_mapper: Any, _connection: Any, dataset: Dataset) -> None:
    session = object_session(dataset)
    if session is not None:
        session.info.setdefault(CHANGED, set()).add(dataset.id)


@event.listens_for(Session, "before_commit")
def _index_changed(session: Session) -> None:
    session.flush()
    changed = session.info.pop(CHANGED, None)
    if changed:
        index(session, sorted(changed))
