"""Catalogs that an organisation harvests: declared, asked to run, and what their runs brought.

A source is its organisation's business: others find none. Its datasets are public as soon as they are harvested.
With the setting ``catalog_review`` only an owner declares or changes one, since nobody reviews its datasets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks
from gops.accounts.lookup import organisation
from gops.accounts.model import Organisation
from gops.catalog.harvest.applying import NAME
from gops.catalog.harvest.found import Found
from gops.catalog.harvest.links import Seen, seen_links
from gops.catalog.harvest.model import PROTOCOLS, HarvestItem, HarvestRun, HarvestSource
from gops.catalog.vocabularies import THEMES
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.outbound import Outbound
from gops.permissions import Action, Actor, missing, require
from gops.records import audit
from gops.records.database import Database, flush_unique
from gops.records.paging import is_id, page
from gops.sensors import texts
from gops.sensors.bounds import refuse_more
from gops.settings import Settings

NOUN = "harvest source"
READING: Action = "dataset.read_private"
URL_LENGTH = 2000
EVERY_HOURS = (1, 24 * 31)
LANGUAGES = ("ko", "en")
FIELDS = ("protocol", "url", "name", "theme", "language", "every_hours", "enabled")


@dataclass(frozen=True, slots=True)
class SourceView:
    """``datasets``: how many of it stand."""

    row: HarvestSource
    organisation: str
    datasets: int

    @property
    def id(self) -> int:
        return self.row.id


class HarvestSources:
    def __init__(self, database: Database, clock: Clock, settings: Settings, outbound: Outbound) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbound = outbound

    def create(self, actor: Actor, home: str, said: Mapping[str, Any]) -> SourceView:
        """Declare a catalog; it is harvested within the minute, unless ``enabled`` is false.

        Raises ``Invalid`` (also what ``Outbound.check`` does of the address, and ``own_catalog``), ``Conflict``
        (``source_taken``, ``too_many``).
        """
        with self._database.read() as session:
            require(actor, self._changing, organisation(session, home).id)
        words = self._checked({"language": "ko", "every_hours": 24, "enabled": True} | dict(said), complete=True)
        now = self._clock.micros()
        with self._database.write() as session:
            place = organisation(session, home, lock=True)
            require(actor, self._changing, place.id)
            own = HarvestSource.organisation_id == place.id
            refuse_more(session, self._settings, "organisation_harvests", own, place.id)
            row = HarvestSource(organisation_id=place.id, created_at=now, next_at=now, believe=False, **words)
            session.add(row)
            flush_unique(session, _taken(row.url))
            audit.record(session, now, actor, "harvest.create", NAME, row.id, place.id, url=row.url)
        return SourceView(row, place.slug, 0)

    def list(self, actor: Actor, home: str, after: int = 0, limit: int = 100) -> Sequence[SourceView]:
        with self._database.read() as session:
            place = organisation(session, home)
            require(actor, "dataset.read_private", place.id)
            query = select(HarvestSource).where(
                HarvestSource.organisation_id == place.id, HarvestSource.ended_at.is_(None)
            )
            rows = session.scalars(page(query, HarvestSource.id, after, limit)).all()
            return [_view(session, row, place.slug) for row in rows]

    def get(self, actor: Actor, source_id: int) -> SourceView:
        with self._database.read() as session:
            row = _own(session, actor, source_id, READING)
            return _view(session, row, _slug(session, row))

    def edit(self, actor: Actor, source_id: int, changes: Mapping[str, Any]) -> SourceView:
        """Change what is given. It is read anew, and what it says is mapped anew."""
        words = self._checked(changes, complete=False)
        with self._database.write() as session:
            row = _own(session, actor, source_id, self._changing)
            for name, value in words.items():
                setattr(row, name, value)
            row.validators, row.next_at = None, min(row.next_at, self._clock.micros())
            flush_unique(session, _taken(row.url))
            now = self._clock.micros()
            audit.record(session, now, actor, "harvest.edit", NAME, row.id, row.organisation_id, changed=sorted(words))
            return _view(session, row, _slug(session, row))

    def ask(self, actor: Actor, source_id: int, believe: bool = False) -> SourceView:
        """Have it harvested within the minute; with ``believe`` whatever it lacks. Raises ``Conflict``
        (``harvest_running``, ``source_off``)."""
        now = self._clock.micros()
        with self._database.write() as session:
            row = _own(session, actor, source_id, self._changing)
            if not row.enabled:
                raise Conflict("it is switched off", code="source_off", field="enabled", found=False, expected="true")
            if row.claimed_until is not None and row.claimed_until > now:
                raise _running(row)
            row.next_at, row.believe = now, believe
            if believe:
                row.validators = None
            audit.record(session, now, actor, "harvest.ask", NAME, row.id, row.organisation_id, believe=believe)
            return _view(session, row, _slug(session, row))

    def delete(self, actor: Actor, source_id: int) -> None:
        """It is nothing any more; within the minute what was harvested from it is withdrawn. Raises ``Conflict``
        (``harvest_running``)."""
        now = self._clock.micros()
        with self._database.write() as session:
            row = _own(session, actor, source_id, self._changing)
            if row.claimed_until is not None and row.claimed_until > now:
                raise _running(row)
            row.enabled, row.ended_at = False, now
            audit.record(session, now, actor, "harvest.delete", NAME, row.id, row.organisation_id, url=row.url)

    def runs(self, actor: Actor, source_id: int, after: int = 0, limit: int = 100) -> Sequence[HarvestRun]:
        """The oldest first; the last hundred are kept."""
        with self._database.read() as session:
            row = _own(session, actor, source_id, READING)
            query = select(HarvestRun).where(HarvestRun.source_id == row.id)
            return session.scalars(page(query, HarvestRun.id, after, limit)).all()

    def origin(self, dataset_id: int) -> tuple[Found, str] | None:
        """What its source says of a harvested dataset, and the address of that; None for others."""
        query = select(HarvestItem, HarvestSource.url).join(HarvestSource, HarvestSource.id == HarvestItem.source_id)
        with self._database.read() as session:
            found = session.execute(query.where(HarvestItem.dataset_id == dataset_id)).first()
        return None if found is None else (Found.of(found[0].document), found[1])

    def seen(self, dataset_id: int) -> Mapping[str, Seen]:
        """What the links of a harvested dataset answered when they were last tried, by address."""
        with self._database.read() as session:
            return seen_links(session, [dataset_id]).get(dataset_id, {})

    @property
    def _changing(self) -> Action:
        return "dataset.review" if self._settings.catalog_review else "dataset.publish"

    def _checked(self, said: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
        words = {name: _CHECKS[name](said[name], name) for name in FIELDS if name in said}
        if complete:
            for name in FIELDS:
                if name not in words:
                    raise Invalid(f"{name} is missing", code="required", field=name, expected="a value")
        if "url" in words:
            base = self._settings.base_url.rstrip("/")
            if base and (words["url"] + "/").startswith(base + "/"):
                raise Invalid("this is the catalog of this GOPS", code="own_catalog", field="url", found=words["url"])
            self._outbound.check(words["url"])
        return words


def _url(value: Any, field: str) -> str:
    if not isinstance(value, str) or len(value) > URL_LENGTH:
        raise Invalid("this is no address", field=field, expected=f"an address of at most {URL_LENGTH} characters")
    return value.strip()


def _hours(value: Any, field: str) -> int:
    low, high = EVERY_HOURS
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Invalid("not a fitting number of hours", field=field, found=value, expected=f"{low} to {high}")
    return value


def _flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid("neither true nor false", field=field, found=value, expected="true or false")
    return value


_CHECKS: Mapping[str, Any] = {
    "protocol": lambda value, field: checks.one_of(value, PROTOCOLS, field),
    "url": _url,
    "name": texts.name,
    "theme": lambda value, field: checks.one_of(value, THEMES, field),
    "language": lambda value, field: checks.one_of(value, LANGUAGES, field),
    "every_hours": _hours,
    "enabled": _flag,
}


def _own(session: Session, actor: Actor, source_id: int, action: Action) -> HarvestSource:
    """Locked, unless it is only read."""
    query = select(HarvestSource).where(HarvestSource.id == source_id, HarvestSource.ended_at.is_(None))
    if action != READING:
        query = query.with_for_update()
    row = session.scalar(query) if is_id(source_id) else None
    if row is None:
        raise missing(NOUN)
    require(actor, action, row.organisation_id, hidden=NOUN, shown_by=READING)
    return row


def _slug(session: Session, row: HarvestSource) -> str:
    return session.get_one(Organisation, row.organisation_id).slug


def _view(session: Session, row: HarvestSource, slug: str) -> SourceView:
    own = HarvestItem.source_id == row.id, HarvestItem.removed_at.is_(None)
    return SourceView(row, slug, session.scalar(select(func.count()).where(*own)) or 0)


def _taken(url: str) -> Conflict:
    message = "this catalog is harvested already"
    return Conflict(message, code="source_taken", field="url", found=url, expected="each catalog once")


def _running(row: HarvestSource) -> Conflict:
    message = f"source {row.id} is being harvested"
    return Conflict(message, code="harvest_running", field="claimed_until", expected="try when the run has ended")
