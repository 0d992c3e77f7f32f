"""The end of Datastreams, and telling others of a change."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gops.errors import Conflict
from gops.records import events
from gops.sensors.model import Datastream, FieldMapping


def tell(session: Session, at: int, ids: Sequence[int]) -> None:
    """Append that these Datastreams changed, and with them the mapping of every device that writes to one."""
    for one in ids:
        events.append(session, at, "datastream.changed", datastream=one)
    query = select(FieldMapping.device_id).where(FieldMapping.datastream_id.in_(ids)).distinct()
    for device_id in session.scalars(query.order_by(FieldMapping.device_id)).all():
        events.append(session, at, "mapping.changed", device=device_id)


def end_datastreams(session: Session, of: ColumnElement[bool], at: int, reason: str) -> list[int]:
    """End every living Datastream for which ``of`` holds; their ids. What is mapped to them is refused from then on."""
    query = select(Datastream).where(of, Datastream.ended_at.is_(None)).order_by(Datastream.id)
    ended = session.scalars(query.with_for_update(key_share=True)).all()
    for datastream in ended:
        datastream.ended_at, datastream.end_reason = at, reason
    session.flush()
    ids = [datastream.id for datastream in ended]
    tell(session, at, ids)
    return ids


def refuse_ended(datastream: Datastream) -> None:
    if datastream.ended_at is not None:
        raise Conflict(
            f"Datastream {datastream.id} has ended: {datastream.end_reason}",
            code="ended_datastream",
            field="datastream",
            found=datastream.id,
            expected="a Datastream that is in use",
        )
