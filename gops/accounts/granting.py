"""Making a key: what it may carry, how long it lasts, and how many there may be."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks, secret
from gops.accounts.model import ApiKey, Organisation, Person
from gops.accounts.sealing import seal_of
from gops.accounts.verifier import verifier
from gops.clock import DAY, Clock
from gops.errors import Conflict, Forbidden, Invalid, Unavailable
from gops.permissions import SCOPES, Actor, permits
from gops.records import audit, events
from gops.records.database import MAX_ID, flush_unique
from gops.settings import Settings

TEXT = re.compile(r"gops_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})")
PREFIX_LENGTH = 8
READ_SCOPE = "data:read"
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Wish:
    """What somebody asks of a new key."""

    label: str
    scopes: Collection[str]
    days: int


class KeyMaker:
    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._seal = seal_of(settings)

    def make(
        self, session: Session, actor: Actor | None, person_id: int, organisation_id: int, wish: Wish
    ) -> tuple[ApiKey, str]:
        """A key and its text. ``actor`` None is GOPS itself, which may give every scope. It ends no later than the
        key that asks for it, unless that may issue keys for others: who was lent a key for a week has it for a week.

        Raises ``Invalid``, ``Forbidden`` (``scope_exceeds``) or ``Conflict`` (``too_many_keys``).
        """
        now = self._clock.micros()
        self._refuse_too_many(session, person_id, organisation_id, now)
        text = secret.new()
        days = checks.whole(wish.days, 1, self._settings.key_days_max, "days", "GOPS_KEY_DAYS_MAX")
        made = ApiKey(
            person_id=person_id,
            organisation_id=organisation_id,
            label=checks.name(wish.label, "label"),
            prefix="".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH)),
            digest=secret.digest(text),
            scopes=_scopes(session, actor, organisation_id, wish.scopes),
            created_at=now,
            expires_at=min(now + DAY * days, _latest_end(session, actor, organisation_id)),
        )
        whole = f"gops_{made.prefix}_{text}"
        if READ_SCOPE in made.scopes:  # such a key is a login at the broker as well
            made.verifier = verifier(whole)
            made.sealed = self._seal.close(whole) if self._seal else None
        session.add(made)
        flush_unique(session, Unavailable("the key's prefix was taken by chance; try again"))
        audit.record(
            session,
            now,
            actor or Actor(),
            "key.issue",
            "key",
            made.id,
            organisation_id,
            prefix=made.prefix,
            person=person_id,
            scopes=made.scopes,
        )
        events.append(session, now, "key.issued", key=made.id)
        return made, whole

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


def _latest_end(session: Session, actor: Actor | None, organisation_id: int) -> int:
    if actor is None or actor.key_id is None or permits(actor, "key.issue_for", organisation_id):
        return MAX_ID
    return session.get_one(ApiKey, actor.key_id).expires_at


def _scopes(session: Session, actor: Actor | None, organisation_id: int, wanted: Collection[str]) -> list[str]:
    """The wanted scopes in their usual order."""
    if isinstance(wanted, str) or not wanted:
        expected = "one or more of " + ", ".join(SCOPES)
        raise Invalid(f"a key without scopes could do nothing; expected {expected}", field="scopes", expected=expected)
    for scope in wanted:
        checks.one_of(scope, SCOPES, "scopes")
        if actor is not None and scope not in actor.scopes:
            raise _exceeds(scope, actor)
    home = session.get(Organisation, organisation_id)
    if "platform:admin" in wanted and (home is None or home.kind != "operator"):
        raise Invalid(
            "platform:admin is for keys of the operator's organisation",
            code="platform_scope",
            field="scopes",
            found="platform:admin",
            expected="one or more of " + ", ".join(scope for scope in SCOPES if scope != "platform:admin"),
        )
    return [scope for scope in SCOPES if scope in wanted]


def _exceeds(scope: str, actor: Actor) -> Forbidden:
    return Forbidden(
        f"a key without the scope {scope} cannot pass it on",
        code="scope_exceeds",
        field="scopes",
        found=scope,
        expected="one or more of " + ", ".join(scope for scope in SCOPES if scope in actor.scopes),
    )
