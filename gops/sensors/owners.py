"""What the registry asks of accounts: whose a slug is, and which device stands at an address.

``compose`` gives it ``gops.accounts.lookup``. Ranks keep the two rooms apart.
"""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy.orm import Session

from gops.permissions import Action, Actor, missing, require


class Accounts(Protocol):
    """Organisations have ``id`` and ``slug``; devices ``id``, ``organisation_id``, ``name`` and ``revoked_at``."""

    def organisation(self, session: Session, slug: str) -> Any:
        """By its slug, present or former. Raises ``NotFound``."""

    def find_device(self, session: Session, address: str) -> tuple[Any, Any] | None:
        """The device at ``{org}/{device}`` and its organisation."""


def device_at(session: Session, accounts: Accounts, actor: Actor, action: Action, address: str) -> Any:
    """The device at ``address`` where ``actor`` may do ``action``; a foreign one is ``NotFound``."""
    found = accounts.find_device(session, address)
    if found is None:
        raise missing("device")
    require(actor, action, found[1].id, hidden="device", shown_by="device.list")
    return found[0]
