"""What the records say of Datastreams, for files that leave GOPS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from gops.accounts.model import Organisation
from gops.errors import NotFound
from gops.records.database import Database
from gops.sensors.model import Datastream, ObservedProperty, Thing

SHOWN = 5  # unknown ids that the error names


def datastreams(database: Database, wanted: Sequence[int] | None = None) -> dict[int, dict[str, Any]]:
    """By id, all or those ``wanted``: organisation, thing, name, observed property, unit, kind, period and label.

    Raises ``NotFound`` for an id that there is not.
    """
    query = (
        select(
            Datastream.id,
            Organisation.slug,
            Thing.name,
            Datastream.name,
            ObservedProperty.key,
            Datastream.unit,
            Datastream.kind,
            Datastream.period,
            Datastream.label,
        )
        .join(Thing, Thing.id == Datastream.thing_id)
        .join(Organisation, Organisation.id == Datastream.organisation_id)
        .join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
        .order_by(Datastream.id)
    )
    names = ("organisation", "thing", "name", "observed_property", "unit", "kind", "period", "label")
    with database.read() as session:
        found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in session.execute(query)}
    if wanted is None:
        return found
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        raise NotFound(
            f"there is no Datastream {', '.join(map(str, unknown[:SHOWN]))}",
            field="--datastream",
            found=unknown[:SHOWN],
        )
    return {one: found[one] for one in sorted(set(wanted))}
