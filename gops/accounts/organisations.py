"""Organisations: public to all; made by the operator, edited by their owners."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gops.accounts import checks
from gops.accounts.lookup import ORGANISATION, organisation
from gops.accounts.model import FormerSlug, Organisation
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import ORGANISATION_KINDS, Actor, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique, serialise
from gops.records.paging import page

KINDS = tuple(kind for kind in ORGANISATION_KINDS if kind != "operator")  # there is one operator; `gops init` makes it


class Organisations:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, actor: Actor, slug: str, kind: str, name_ko: str, name_en: str) -> Organisation:
        """Raises ``Invalid``, or ``Conflict`` when the slug is or was another's."""
        require(actor, "organisation.create", None)
        made = Organisation(
            slug=checks.slug(slug),
            kind=checks.one_of(kind, KINDS, "kind"),
            name_ko=checks.name(name_ko, "name_ko"),
            name_en=checks.name(name_en, "name_en"),
            created_at=self._clock.micros(),
        )
        with self._database.write() as session:
            serialise(session, "organisation.slug")
            _refuse_former(session, made.slug)
            session.add(made)
            flush_unique(session, _taken(made.slug))
            self._note(session, actor, "organisation.create", made, slug=made.slug, kind=made.kind)
        return made

    def edit(
        self,
        actor: Actor,
        slug: str,
        *,
        new_slug: str | None = None,
        name_ko: str | None = None,
        name_en: str | None = None,
    ) -> Organisation:
        """Change what is given. A slug that is left redirects, and comes back to nobody but its own organisation.

        Raises ``NotFound``, ``Invalid``, or ``Conflict`` when the new slug is or was another's.
        """
        given = {
            "slug": None if new_slug is None else checks.slug(new_slug),
            "name_ko": None if name_ko is None else checks.name(name_ko, "name_ko"),
            "name_en": None if name_en is None else checks.name(name_en, "name_en"),
        }
        with self._database.write() as session:
            serialise(session, "organisation.slug")
            found = organisation(session, slug, lock=True)
            require(actor, "organisation.edit", found.id)
            changed = {field: new for field, new in given.items() if new is not None and new != getattr(found, field)}
            if not changed:
                return found
            if "slug" in changed:
                _leave_slug(session, found, str(changed["slug"]))
            for field, new in changed.items():
                setattr(found, field, new)
            flush_unique(session, _taken(found.slug))
            self._note(session, actor, "organisation.edit", found, **changed)
        return found

    def get(self, slug: str) -> Organisation:
        """By its present or a former slug. Raises ``NotFound``."""
        return self.find(slug)[0]

    def find(self, slug: str) -> tuple[Organisation, bool]:
        """The organisation, and whether ``slug`` is a former one of it. Raises ``NotFound``."""
        with self._database.read() as session:
            found = organisation(session, slug)
        return found, found.slug != slug

    def list(self, after: int = 0, limit: int = 100) -> Sequence[Organisation]:
        with self._database.read() as session:
            return session.scalars(page(select(Organisation), Organisation.id, after, limit)).all()

    def _note(self, session: Session, actor: Actor, action: str, row: Organisation, **detail: object) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, ORGANISATION, row.id, row.id, **detail)
        events.append(session, now, "organisation.changed", organisation=row.id)


def _leave_slug(session: Session, row: Organisation, new: str) -> None:
    own = delete(FormerSlug).where(
        FormerSlug.noun == ORGANISATION, FormerSlug.slug == new, FormerSlug.record_id == row.id
    )
    session.execute(own)
    _refuse_former(session, new)
    session.add(FormerSlug(noun=ORGANISATION, slug=row.slug, record_id=row.id))


def _refuse_former(session: Session, slug: str) -> None:
    former = select(FormerSlug.id).where(FormerSlug.noun == ORGANISATION, FormerSlug.slug == slug)
    if session.scalar(former) is not None:
        raise Conflict(
            f"{slug} was another organisation's slug and leads to it",
            code="slug_taken",
            field="slug",
            found=slug,
            expected="a slug that no organisation has or had",
        )


def _taken(slug: str) -> Conflict:
    return Conflict(
        f"there is an organisation {slug} already",
        code="slug_taken",
        field="slug",
        found=slug,
        expected="a slug that no organisation has or had",
    )
