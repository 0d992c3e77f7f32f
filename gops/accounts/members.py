"""Who has which role in an organisation. A person is made on first mention of a mail address.

Roles in the operator's organisation, platform roles among them, are given and taken by its owners alone: an operator
who could change them could make themselves an owner.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks
from gops.accounts.lookup import organisation
from gops.accounts.model import Membership, Organisation, Person
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.permissions import PLATFORM_ROLES, ROLES, Action, Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique, serialise
from gops.records.paging import is_id, page


@dataclass(frozen=True)
class Member:
    """One role of one person. ``id`` is the membership's; a person with two roles is listed twice."""

    id: int
    person_id: int
    email: str | None
    name: str
    role: str


class Members:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, actor: Actor, slug: str, after: int = 0, limit: int = 100) -> Sequence[Member]:
        with self._database.read() as session:
            home = organisation(session, slug)
            require(actor, "member.list", home.id)
            query = (
                select(Membership, Person)
                .join(Person, Person.id == Membership.person_id)
                .where(Membership.organisation_id == home.id)
            )
            rows = session.execute(page(query, Membership.id, after, limit)).all()
        return [_member(held, person) for held, person in rows]

    def add(self, actor: Actor, slug: str, email: str, name: str, role: str) -> Member:
        """Give ``role``; giving it twice changes nothing. ``name`` is what this organisation calls the person.

        Raises ``NotFound``, ``Forbidden``, ``Invalid``.
        """
        with self._database.write() as session:
            home = organisation(session, slug, lock=True)
            require(actor, _change(home), home.id)
            _check_role(home, role)
            person = self._person(session, checks.email(email), checks.name(name))
            held = _membership(session, person.id, home.id, role)
            if held is None:
                held = Membership(person_id=person.id, organisation_id=home.id, role=role, name=checks.name(name))
                session.add(held)
                session.flush()
                self._note(session, actor, "member.add", held)
        return _member(held, person)

    def remove(self, actor: Actor, slug: str, person_id: int, role: str) -> None:
        """Take ``role``. Raises ``NotFound``, ``Forbidden``, or ``Conflict`` (``last_owner``)."""
        with self._database.write() as session:
            home = organisation(session, slug, lock=True)
            require(actor, _change(home), home.id)
            held = _membership(session, person_id, home.id, role) if is_id(person_id) else None
            if held is None:
                raise missing("member")
            if role == "owner" and _owners(session, home.id) == 1:
                raise Conflict(
                    f"this is the last owner of {home.slug}",
                    code="last_owner",
                    field="role",
                    found=role,
                    expected="another owner before this one goes",
                )
            session.delete(held)
            self._note(session, actor, "member.remove", held)

    def _person(self, session: Session, email: str, name: str) -> Person:
        serialise(session, "person.email")
        found = session.scalar(select(Person).where(Person.email == email))
        if found is None:
            found = Person(email=email, name=name, created_at=self._clock.micros())
            session.add(found)
            flush_unique(session, Conflict(f"{email} is a person already", field="email"))
        return found

    def _note(self, session: Session, actor: Actor, action: str, held: Membership) -> None:
        now = self._clock.micros()
        person, home = held.person_id, held.organisation_id
        audit.record(session, now, actor, action, "member", person, home, role=held.role)
        events.append(session, now, "member.changed", person=person, organisation=home)


def _change(home: Organisation) -> Action:
    return "platform_role.change" if home.kind == "operator" else "member.change"


def _check_role(home: Organisation, role: str) -> None:
    checks.one_of(role, (*ROLES, *PLATFORM_ROLES), "role")
    if role in PLATFORM_ROLES and home.kind != "operator":
        raise Invalid(
            f"{role} is a role of the whole platform, which {home.slug} cannot give",
            code="platform_role",
            field="role",
            found=role,
            expected="one of " + ", ".join(ROLES) + f"; {role} in the operator's organisation only",
        )


def _membership(session: Session, person_id: int, organisation_id: int, role: str) -> Membership | None:
    return session.scalar(
        select(Membership).where(
            Membership.person_id == person_id, Membership.organisation_id == organisation_id, Membership.role == role
        )
    )


def _owners(session: Session, organisation_id: int) -> int:
    owners = select(func.count()).where(Membership.organisation_id == organisation_id, Membership.role == "owner")
    return session.scalar(owners) or 0


def roles_of(session: Session, person_id: int, organisation_id: int) -> builtins.list[str]:
    """Every role that the person holds there now."""
    held = select(Membership.role).where(
        Membership.person_id == person_id, Membership.organisation_id == organisation_id
    )
    return builtins.list(session.scalars(held))


def _member(held: Membership, person: Person) -> Member:
    return Member(held.id, person.id, person.email, held.name or person.name, held.role)
