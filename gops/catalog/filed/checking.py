"""The files that datasets of files need, old revisions included: as they came, and as tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gops.catalog.filed.model import DatasetFile
from gops.catalog.model import Dataset
from gops.files.checking import Needed
from gops.files.port import StoredFile
from gops.records.database import Database


def needed(database: Database) -> Sequence[Needed]:
    query = select(Dataset.slug, DatasetFile).join_from(DatasetFile, Dataset, Dataset.id == DatasetFile.dataset_id)
    with database.read() as session:
        rows = session.execute(query.order_by(DatasetFile.id)).all()
    found = []
    for slug, row in rows:
        of = {"dataset": slug, "file": row.name, "number": row.number}
        name = f"{slug} file {row.name}, revision {row.number}"
        found.append(Needed(name, {**of, "as": "original"}, StoredFile(row.sha256, row.bytes)))
        found.append(
            Needed(f"{name}, as a table", {**of, "as": "table"}, StoredFile(row.table_sha256, row.table_bytes))
        )
    return found
