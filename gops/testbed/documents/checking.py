"""The files that documents of applications need. Their names stay out of it: they are the applicant's."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gops.files.checking import Needed
from gops.files.port import StoredFile
from gops.records.database import Database
from gops.testbed.call_model import Document


def needed(database: Database) -> Sequence[Needed]:
    columns = (Document.application_id, Document.id, Document.sha256, Document.bytes)
    with database.read() as session:
        rows = session.execute(select(*columns).order_by(Document.id)).all()
    return [
        Needed(
            f"application {application} document {document}",
            {"application": application, "document": document},
            StoredFile(sha256, size),
        )
        for application, document, sha256, size in rows
    ]
