"""Who is to be let in by a broker: devices that are not revoked, and living keys that may read.

A device's user name is its address, under each slug that its organisation has or had. A key's is ``key-{prefix}``,
with the whole key as password. User names reach files and topics, so each is checked against its pattern again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gops.accounts.granting import READ_SCOPE
from gops.accounts.lookup import ORGANISATION
from gops.accounts.model import ApiKey, Device, FormerSlug, Organisation
from gops.errors import Invalid
from gops.ingest.topics import is_address

Kind = Literal["device", "key"]
KEY_PREFIX = "key-"
_is_key_user = re.compile(r"key-[A-Za-z0-9]{8}").fullmatch


@dataclass(frozen=True)
class BrokerLogin:
    """``verifier`` is None for a secret that was given before GOPS kept verifiers: only a new secret helps.

    ``sealed`` is None once the broker has the secret.
    """

    user: str
    kind: Kind
    record_id: int
    verifier: str | None
    sealed: str | None

    def __post_init__(self) -> None:
        if not is_ours(self.user):
            raise Invalid(
                "this can be no user name at a broker",
                code="bad_user_name",
                field="user",
                found=ascii(self.user)[:80],
                expected="{organisation}/{device}, or key-{prefix of the key}",
            )


def is_ours(user: str) -> bool:
    """Is a user name of a form that GOPS alone gives? Every other one at a broker is left as it is."""
    return is_address(user) or _is_key_user(user) is not None


def wanted(session: Session, now: int) -> dict[str, BrokerLogin]:
    """By user name, ordered by it."""
    found = {login.user: login for login in (*_devices(session), *_keys(session, now))}
    return dict(sorted(found.items()))


def delivered(session: Session, login: BrokerLogin) -> None:
    """The broker has this secret. One that came meanwhile stays."""
    table = Device if login.kind == "device" else ApiKey
    session.execute(update(table).where(table.id == login.record_id, table.sealed == login.sealed).values(sealed=None))


def _devices(session: Session) -> Iterator[BrokerLogin]:
    slugs: defaultdict[int, list[str]] = defaultdict(list)
    for organisation, slug in session.execute(select(Organisation.id, Organisation.slug)):
        slugs[organisation].append(slug)
    former = select(FormerSlug.record_id, FormerSlug.slug).where(FormerSlug.noun == ORGANISATION)
    for organisation, slug in session.execute(former):
        slugs[organisation].append(slug)
    query = select(Device.id, Device.organisation_id, Device.name, Device.verifier, Device.sealed)
    for device, home, name, verifier, sealed in session.execute(query.where(Device.revoked_at.is_(None))):
        for slug in slugs[home]:
            yield BrokerLogin(f"{slug}/{name}", "device", device, verifier, sealed)


def _keys(session: Session, now: int) -> Iterator[BrokerLogin]:
    query = select(ApiKey.id, ApiKey.prefix, ApiKey.scopes, ApiKey.verifier, ApiKey.sealed)
    for key, prefix, scopes, verifier, sealed in session.execute(
        query.where(ApiKey.revoked_at.is_(None), ApiKey.expires_at > now)
    ):
        if READ_SCOPE in scopes:
            yield BrokerLogin(KEY_PREFIX + prefix, "key", key, verifier, sealed)
