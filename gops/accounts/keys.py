"""API keys: ``gops_{prefix}_{secret}``. A key belongs to a person in an organisation and never reaches beyond it.

It carries, at every use, what its person may do there at that moment, narrowed by its scopes. A key that it issues is
of the same person and organisation and has at most its scopes; so whoever holds one key of somebody gains nothing
elsewhere, whoever issued it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts import checks, secret
from gops.accounts.granting import TEXT, KeyMaker, Wish
from gops.accounts.lookup import find_organisation, organisation
from gops.accounts.members import roles_of
from gops.accounts.model import ApiKey, Organisation, Person
from gops.clock import Clock, from_micros
from gops.errors import Forbidden, Unauthenticated
from gops.permissions import PLATFORM_ROLES, ROLES, Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.events import Event
from gops.records.paging import is_id, page
from gops.records.remembered import Remembered
from gops.settings import Settings

REMEMBER_SECONDS = 1.0  # a change takes effect in every process within 2 s, also where no event came through


@dataclass(frozen=True)
class _Checked:
    actor: Actor
    expires_at: int


class Keys:
    """``forget`` belongs into the event pump, for ``key.revoked`` and ``member.changed``."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._maker = KeyMaker(clock, settings)
        self._remembered: Remembered[_Checked] = Remembered(settings.keys_remembered, REMEMBER_SECONDS)

    def authenticate(self, text: str) -> Actor:
        """Who acts with this key, and what they may do now. Raises ``Unauthenticated``."""
        parts = TEXT.fullmatch(text)
        if parts is None:
            raise _unknown()
        prefix, digest = parts[1], secret.digest(parts[2])
        checked = self._remembered.find((prefix, digest), lambda: self._check(prefix, parts[2]))
        self._refuse_expired(checked.expires_at)
        return checked.actor

    def forget(self, _event: Event | None = None) -> None:
        """Look every key up anew."""
        self._remembered.forget()

    def issue(
        self, actor: Actor, label: str, scopes: Collection[str], days: int, organisation_slug: str | None = None
    ) -> tuple[ApiKey, str]:
        """A further key of the actor's own, and its text, which is shown this once.

        ``organisation_slug`` may name the organisation of the actor's key and no other. Raises ``Forbidden``,
        ``Invalid``, or ``Conflict`` (``too_many_keys``).
        """
        require(actor, "key.own", actor.organisation_id)
        assert actor.person_id is not None, "key.own is a person's"
        assert actor.organisation_id is not None, "every key has an organisation"
        with self._database.write() as session:
            if organisation_slug is not None:
                _refuse_elsewhere(session, actor, organisation_slug)
            wish = Wish(label, scopes, days)
            return self._maker.make(session, actor, actor.person_id, actor.organisation_id, wish)

    def issue_for(
        self, actor: Actor, organisation_id: int, email: str, label: str, scopes: Collection[str], days: int
    ) -> tuple[ApiKey, str]:
        """A key for another member of the organisation. Its holder acts as that member there; the audit says who
        issued it. Raises as ``issue`` does, and ``NotFound`` for who has no role there."""
        require(actor, "key.issue_for", organisation_id)
        with self._database.write() as session:
            person = session.scalar(select(Person).where(Person.email == checks.email(email)))
            if person is None or not roles_of(session, person.id, organisation_id):
                raise missing("member")
            return self._maker.make(session, actor, person.id, organisation_id, Wish(label, scopes, days))

    def list(self, actor: Actor, after: int = 0, limit: int = 100) -> Sequence[ApiKey]:
        """The keys of the actor's person in the actor's organisation, ended ones too."""
        require(actor, "key.own", actor.organisation_id)
        own = select(ApiKey).where(ApiKey.person_id == actor.person_id, ApiKey.organisation_id == actor.organisation_id)
        with self._database.read() as session:
            return session.scalars(page(own, ApiKey.id, after, limit)).all()

    def list_all(self, actor: Actor, slug: str, after: int = 0, limit: int = 100) -> Sequence[ApiKey]:
        """The keys of every member of an organisation."""
        with self._database.read() as session:
            home = organisation(session, slug)
            require(actor, "key.administer", home.id)
            query = select(ApiKey).where(ApiKey.organisation_id == home.id)
            return session.scalars(page(query, ApiKey.id, after, limit)).all()

    def revoke(self, actor: Actor, key_id: int) -> ApiKey:
        """End a key; a second time changes nothing. Raises ``NotFound`` also for one that is not the actor's to end."""
        with self._database.write() as session:
            found = session.get(ApiKey, key_id, with_for_update=True) if is_id(key_id) else None
            if found is None:
                raise missing("key")
            own = actor.person_id == found.person_id and permits(actor, "key.own", found.organisation_id)
            if not own:
                require(actor, "key.administer", found.organisation_id, hidden="key")
            if found.revoked_at is None:
                found.revoked_at = now = self._clock.micros()
                place = found.organisation_id
                audit.record(session, now, actor, "key.revoke", "key", found.id, place, prefix=found.prefix)
                events.append(session, now, "key.revoked", key=found.id)
        self.forget()
        return found

    def _check(self, prefix: str, text: str) -> _Checked:
        with self._database.read() as session:
            query = select(ApiKey, Organisation.kind).join(Organisation, Organisation.id == ApiKey.organisation_id)
            row = session.execute(query.where(ApiKey.prefix == prefix)).one_or_none()
            right = secret.matches(text, row[0].digest if row else secret.NOBODY)
            if row is None or not right:
                raise _unknown()
            key, kind = row
            roles = roles_of(session, key.person_id, key.organisation_id)
        if key.revoked_at is not None:
            raise Unauthenticated("this key was revoked", code="key_revoked")
        self._refuse_expired(key.expires_at)
        return _Checked(_actor(key, kind, frozenset(roles)), key.expires_at)

    def _refuse_expired(self, expires_at: int) -> None:
        if self._clock.micros() >= expires_at:
            raise Unauthenticated(f"this key ended at {from_micros(expires_at).isoformat()}", code="key_expired")


def _actor(key: ApiKey, kind: str, roles: frozenset[str]) -> Actor:
    at_operator = kind == "operator"
    return Actor(
        person_id=key.person_id,
        key_id=key.id,
        organisation_id=key.organisation_id,
        roles=roles & frozenset(ROLES),
        platform_roles=roles & frozenset(PLATFORM_ROLES) if at_operator else frozenset(),
        scopes=frozenset(key.scopes),
        owns_operator=at_operator and "owner" in roles,
    )


def _refuse_elsewhere(session: Session, actor: Actor, slug: str) -> None:
    home = find_organisation(session, slug)
    if home is None or home.id != actor.organisation_id:
        raise Forbidden(
            "a key issues keys for its own organisation only",
            code="key_is_confined",
            field="organisation",
            found=checks.shown(slug),
            expected="the organisation of this key, or a key issued there by one of its owners",
        )


def _unknown() -> Unauthenticated:
    return Unauthenticated("this is no API key of this GOPS", code="unknown_key", expected="gops_XXXXXXXX_...")
