"""Reading the audit of administrative acts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gops.accounts.lookup import organisation
from gops.permissions import Actor, require
from gops.records.audit import AuditRow
from gops.records.database import Database
from gops.records.paging import page


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, actor: Actor, organisation_slug: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[AuditRow]:
        """Acts in one organisation, or all acts on the platform; oldest first."""
        with self._database.read() as session:
            home = None if organisation_slug is None else organisation(session, organisation_slug)
            require(actor, "audit.read", home.id if home else None)
            query = select(AuditRow)
            if home is not None:
                query = query.where(AuditRow.organisation_id == home.id)
            return session.scalars(page(query, AuditRow.id, after, limit)).all()
