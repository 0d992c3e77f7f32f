"""API keys: ``gops_{prefix}_{secret}``. A key belongs to a person in an organisation and never reaches beyond it.

It carries, at every use, what its person may do there at that moment, narrowed by its scopes. A key that it issues is
of the same person and organisation and has at most its scopes; so whoever holds one key of somebody gains nothing
elsewhere, whoever issued it.
"""

from __future__ import annotations

import builtins
import re
import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks, secret
from gops.accounts.lookup import find_organisation, organisation
from gops.accounts.members import roles_of
from gops.accounts.model import ApiKey, Organisation, Person
from gops.accounts.remembered import Remembered
from gops.clock import DAY, Clock, from_micros
from gops.errors import Conflict, Forbidden, Invalid, Unauthenticated, Unavailable
from gops.permissions import PLATFORM_ROLES, ROLES, SCOPES, Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.events import Event
from gops.records.paging import is_id, page
from gops.settings import Settings

TEXT = re.compile(r"gops_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})")
PREFIX_LENGTH = 8
REMEMBER_SECONDS = 1.0  # a change takes effect in every process within 2 s
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class _Checked:
    actor: Actor
    expires_at: int


class Keys:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
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
        """Look every key up anew; a handler of ``key.revoked`` and ``member.changed``."""
        self._remembered.forget()

    def issue(
        self, actor: Actor, label: str, scopes: Collection[str], days: int, organisation_slug: str | None = None
    ) -> tuple[ApiKey, str]:
        """A further key of the actor's own, and its text, which is shown this once.

        ``organisation_slug`` may name the organisation of the actor's key and no other. Raises ``Forbidden``,
        ``Invalid``, or ``Conflict`` (``too_many_keys``).
        """
        require(actor, "key.issue", actor.organisation_id)
        if actor.person_id is None or actor.organisation_id is None:
            raise Forbidden("a key is a person's; issue it for one", found="no person", expected="issue_for")
        with self._database.write() as session:
            if organisation_slug is not None:
                _refuse_elsewhere(session, actor, organisation_slug)
            return self._make(session, actor, actor.person_id, actor.organisation_id, label, scopes, days)

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
            return self._make(session, actor, person.id, organisation_id, label, scopes, days)

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
                found.revoked_at = self._clock.micros()
                self._note(session, actor, "key.revoke", found)
                events.append(session, found.revoked_at, "key.revoked", key=found.id)
        self.forget()
        return found

    def make_in(self, session: Session, person_id: int, organisation_id: int, label: str, scopes: Collection[str],
                days: int) -> tuple[ApiKey, str]:  # fmt: skip
        """A key that GOPS itself issues in this unit: to the first operator, and to who signs up."""
        itself = Actor(scopes=frozenset(SCOPES))
        return self._make(session, itself, person_id, organisation_id, label, scopes, days)

    def _make(self, session: Session, actor: Actor, person_id: int, organisation_id: int, label: str,
              scopes: Collection[str], days: int) -> tuple[ApiKey, str]:  # fmt: skip
        now = self._clock.micros()
        self._refuse_too_many(session, person_id, organisation_id, now)
        text = secret.new()
        made = ApiKey(
            person_id=person_id,
            organisation_id=organisation_id,
            label=checks.name(label, "label"),
            prefix="".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH)),
            digest=secret.digest(text),
            scopes=_checked_scopes(session, actor, organisation_id, scopes),
            created_at=now,
            expires_at=now + DAY * checks.whole(days, 1, self._settings.key_days_max, "days", "GOPS_KEY_DAYS_MAX"),
        )
        session.add(made)
        flush_unique(session, Unavailable("the key's prefix was taken by chance; try again"))
        self._note(session, actor, "key.issue", made, person=person_id, scopes=made.scopes)
        return made, f"gops_{made.prefix}_{text}"

    def _refuse_too_many(self, session: Session, person_id: int, organisation_id: int, now: int) -> None:
        session.get(Person, person_id, with_for_update=True)  # units that count the same person's keys take turns
        live = select(func.count()).where(
            ApiKey.person_id == person_id,
            ApiKey.organisation_id == organisation_id,
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > now,
        )
        count, most = session.scalar(live) or 0, self._settings.keys_per_person
        if count >= most:
            raise Conflict(
                f"this person has {count} keys in this organisation that have not ended",
                code="too_many_keys",
                found=count,
                expected=f"fewer than {most} (GOPS_KEYS_PER_PERSON); revoke one",
            )

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

    def _note(self, session: Session, actor: Actor, action: str, key: ApiKey, **detail: object) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "key", key.id, key.organisation_id, prefix=key.prefix, **detail)


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


def _checked_scopes(
    session: Session, actor: Actor, organisation_id: int, scopes: Collection[str]
) -> builtins.list[str]:
    if isinstance(scopes, str) or not scopes:
        expected = "one or more of " + ", ".join(SCOPES)
        raise Invalid(f"a key without scopes could do nothing; expected {expected}", field="scopes", expected=expected)
    for scope in scopes:
        checks.one_of(scope, SCOPES, "scopes")
        if scope not in actor.scopes:
            raise Forbidden(
                f"a key without the scope {scope} cannot pass it on",
                code="scope_exceeds",
                field="scopes",
                found=scope,
                expected="one or more of " + ", ".join(sorted(actor.scopes)),
            )
    home = session.get(Organisation, organisation_id)
    if "platform:admin" in scopes and (home is None or home.kind != "operator"):
        raise Invalid(
            "platform:admin is for keys of the operator's organisation",
            code="platform_scope",
            field="scopes",
            found="platform:admin",
            expected="one or more of " + ", ".join(scope for scope in SCOPES if scope != "platform:admin"),
        )
    return [scope for scope in SCOPES if scope in scopes]


def _refuse_elsewhere(session: Session, actor: Actor, slug: str) -> None:
    home = find_organisation(session, slug)
    if home is None or home.id != actor.organisation_id:
        raise Forbidden(
            "a key issues keys for its own organisation only",
            code="key_is_confined",
            field="organisation",
            found=slug if home is not None else None,
            expected="the organisation of this key, or a key issued there by one of its owners",
        )


def _unknown() -> Unauthenticated:
    return Unauthenticated("this is no API key of this GOPS", code="unknown_key", expected="gops_XXXXXXXX_...")
