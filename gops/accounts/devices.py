"""Devices: who speaks. A name in an organisation and a secret, of which only the SHA-256 is kept.

A revoked device keeps its name, its Thing and its readings, so nobody else can ever speak under its address.
Registering that name again is a conflict; ``rotate`` gives the device a new secret and lets it speak again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts import checks, secret
from gops.accounts.lookup import find_device, organisation
from gops.accounts.model import Device
from gops.accounts.sealing import Seal
from gops.accounts.verifier import verifier
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.paging import page

Standing = Literal["active", "revoked"]


@dataclass(frozen=True)
class DeviceIdentity:
    """Who has proved to be a device. ``address`` is as the device spells it in its topics: its organisation's slug
    there may be a former one."""

    device_id: int
    organisation_id: int
    address: str


class Devices:
    """``on_register`` are called in the unit that makes a device, for what comes into being with it. ``seal`` keeps
    new secrets for a broker that is to be told them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        on_register: Sequence[Callable[[Session, Device], None]] = (),
        seal: Seal | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_register = on_register
        self._seal = seal

    def register(self, actor: Actor, org_slug: str, name: str, description: str = "") -> tuple[Device, str]:
        """The device and its secret, which is shown this once. Raises ``Conflict`` for a name that is or was taken."""
        with self._database.write() as session:
            home = organisation(session, org_slug)
            require(actor, "device.change", home.id)
            text = secret.new()
            device = Device(
                organisation_id=home.id,
                name=checks.device_name(name),
                description=checks.remark(description, "description"),
                created_at=self._clock.micros(),
            )
            self._give(device, text)
            _refuse_taken(session, device)
            session.add(device)
            flush_unique(session, _taken(name, "active"))
            for hook in self._on_register:
                hook(session, device)
            self._note(session, actor, "device.register", "device.registered", device, name=device.name)
        return device, text

    def rotate(self, actor: Actor, address: str) -> str:
        """A new secret, shown this once; the old one ends. A revoked device may speak again."""
        with self._database.write() as session:
            device = self._changeable(session, actor, address)
            text = secret.new()
            self._give(device, text)
            was_revoked = device.revoked_at is not None
            device.revoked_at = None
            self._note(session, actor, "device.rotate", "device.secret_changed", device, was_revoked=was_revoked)
        return text

    def revoke(self, actor: Actor, address: str, reason: str) -> Device:
        """End its access at once; a second time changes nothing."""
        why = checks.reason(reason)
        with self._database.write() as session:
            device = self._changeable(session, actor, address)
            if device.revoked_at is None:
                device.revoked_at = self._clock.micros()
                device.sealed = None
                self._note(session, actor, "device.revoke", "device.revoked", device, reason=why)
        return device

    def list(
        self, actor: Actor, org_slug: str, after: int = 0, limit: int = 100, among: Sequence[int] | None = None
    ) -> Sequence[Device]:
        """Ordered by id; ``among`` these ids alone, at most 10,000 of them."""
        with self._database.read() as session:
            home = organisation(session, org_slug)
            require(actor, "device.list", home.id)
            query = select(Device).where(Device.organisation_id == home.id)
            if among is not None:
                query = query.where(Device.id.in_(among))
            return session.scalars(page(query, Device.id, after, limit)).all()

    def get(self, actor: Actor, address: str) -> Device:
        """Raises ``NotFound`` also for a device that the actor may not see."""
        with self._database.read() as session:
            found = find_device(session, address)
            require(actor, "device.list", found[1].id if found else None, hidden="device")
            if found is None:
                raise missing("device")
            return found[0]

    def authenticate(self, username: str, password: str) -> DeviceIdentity | None:
        """The device that ``{org}/{device}`` and its secret prove, or None.

        An unknown device, a wrong secret and a revoked device take the same steps.
        """
        with self._database.read() as session:
            found = find_device(session, username)
        right = secret.matches(password, found[0].digest if found else secret.NOBODY)
        if found is None or not right or found[0].revoked_at is not None:
            return None
        device, home = found
        return DeviceIdentity(device.id, home.id, username)

    def known(self, address: str) -> Standing | None:
        """How a device stands; None when there is none at this address."""
        with self._database.read() as session:
            found = find_device(session, address)
        if found is None:
            return None
        return "active" if found[0].revoked_at is None else "revoked"

    def _changeable(self, session: Session, actor: Actor, address: str) -> Device:
        found = find_device(session, address, lock=True)
        if found is None:
            raise missing("device")
        require(actor, "device.change", found[1].id, hidden="device", shown_by="device.list")
        return found[0]

    def _give(self, device: Device, text: str) -> None:
        device.digest = secret.digest(text)
        device.verifier = verifier(text)
        device.sealed = self._seal.close(text) if self._seal else None

    def _note(self, session: Session, actor: Actor, action: str, event: str, device: Device, **detail: object) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "device", device.id, device.organisation_id, **detail)
        events.append(session, now, event, device=device.id)


def _refuse_taken(session: Session, device: Device) -> None:
    same_name = select(Device).where(Device.organisation_id == device.organisation_id, Device.name == device.name)
    other = session.scalar(same_name)
    if other is not None:
        raise _taken(device.name, "active" if other.revoked_at is None else "revoked")


def _taken(name: str, standing: Standing) -> Conflict:
    way_out = "another name" if standing == "active" else "another name, or a new secret for it (rotate)"
    state = "" if standing == "active" else "revoked "
    return Conflict(
        f"{name} is the name of a {state}device here", code="name_taken", field="name", found=name, expected=way_out
    )
