"""Making Datastreams public and private, many in one unit: what datasets ask of the registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gops.sensors.model import Datastream

IDS_A_STATEMENT = 5000  # SQLite takes 32,766 variables


def set_public(session: Session, datastream_ids: Collection[int], public: bool) -> Sequence[int]:
    """Make these public, or private; those that were not so before, locked until the unit ends."""
    changed: list[int] = []
    asked = sorted(datastream_ids)
    for first in range(0, len(asked), IDS_A_STATEMENT):
        ids = asked[first : first + IDS_A_STATEMENT]
        wanted = Datastream.id.in_(ids), Datastream.public.is_not(public)
        found = session.scalars(select(Datastream.id).where(*wanted).with_for_update(key_share=True)).all()
        if found:
            session.execute(update(Datastream).where(Datastream.id.in_(found)).values(public=public))
        changed += found
    return changed
