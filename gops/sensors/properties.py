"""Observed properties: one list for the whole platform, public, so that cities can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.clock import Clock
from gops.errors import Conflict, NotFound
from gops.kinds import KINDS, Kind
from gops.permissions import Actor, require
from gops.records import audit
from gops.records.database import Database, flush_unique
from gops.records.paging import is_id, page
from gops.sensors import texts
from gops.sensors.bounds import refuse_more
from gops.sensors.declaration import check_unit
from gops.sensors.model import ObservedProperty
from gops.sensors.seed import SEED
from gops.settings import Settings


class ObservedProperties:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def create(
        self, actor: Actor, key: str, name_ko: str, name_en: str, unit: str, kind: str, definition: str = ""
    ) -> ObservedProperty:
        """Add to the list; by whoever may change a registry. Raises ``Conflict`` for a key that stands in it."""
        require(actor, "registry.change", actor.organisation_id)
        known = cast(Kind, texts.one_of(kind, KINDS, "kind"))
        check_unit(unit, known)
        made = ObservedProperty(
            key=texts.key(key),
            name_ko=texts.name(name_ko, "name_ko"),
            name_en=texts.name(name_en, "name_en"),
            definition=texts.iri(definition),
            unit=unit,
            kind=known,
        )
        with self._database.write() as session:
            refuse_more(session, self._settings, "observed_properties", ObservedProperty.id > 0)
            session.add(made)
            flush_unique(session, _taken(made.key))
            now = self._clock.micros()
            audit.record(
                session, now, actor, "property.create", "property", made.id, actor.organisation_id, key=made.key
            )
        return made

    def get(self, key: str) -> ObservedProperty:
        """Raises ``NotFound``."""
        with self._database.read() as session:
            return property_of(session, key)

    def many(self, ids: Iterable[int]) -> dict[int, ObservedProperty]:
        """Those of these ids that there are, by id."""
        with self._database.read() as session:
            found = session.scalars(
                select(ObservedProperty).where(ObservedProperty.id.in_({one for one in ids if is_id(one)}))
            )
            return {row.id: row for row in found}

    def list(self, after: int = 0, limit: int = 100) -> Sequence[ObservedProperty]:
        with self._database.read() as session:
            return session.scalars(page(select(ObservedProperty), ObservedProperty.id, after, limit)).all()


def property_of(session: Session, key: str) -> ObservedProperty:
    known = isinstance(key, str) and texts.KEY.fullmatch(key)
    found = session.scalar(select(ObservedProperty).where(ObservedProperty.key == key)) if known else None
    if found is None:
        expected = "the key of an observed property, such as pm10"
        raise NotFound("there is no such observed property", field="observed_property", found=key, expected=expected)
    return found


def seed(session: Session) -> int:
    """Put what is missing of the built-in list into the records; how many that were. What stands is left as it is."""
    there = set(session.scalars(select(ObservedProperty.key)))
    new = [row for row in SEED if row.key not in there]
    session.add_all(
        ObservedProperty(
            key=row.key,
            name_ko=row.name_ko,
            name_en=row.name_en,
            unit=row.unit,
            kind=row.kind,
            definition=row.definition,
        )
        for row in new
    )
    session.flush()
    return len(new)


def _taken(key: str) -> Conflict:
    return Conflict(
        f"there is an observed property {key} already",
        code="key_taken",
        field="key",
        found=key,
        expected="a key that no observed property has",
    )
