"""Finding organisations by slug, present or former, and devices by address, within a unit."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.checks import DEVICE_NAME, SLUG
from gops.accounts.model import Device, FormerSlug, Organisation
from gops.permissions import missing

ORGANISATION = "organisation"
PUBLIC = "public"
"""Slug of the organisation that everybody who signs up belongs to."""


def find_organisation(session: Session, slug: str, *, lock: bool = False) -> Organisation | None:
    """The organisation that has ``slug``, or had it before.

    ``lock`` keeps other write units from locking or changing it; they may go on referring to it.
    """
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        return None
    query = select(Organisation).where(Organisation.slug == slug)
    former = select(FormerSlug.record_id).where(FormerSlug.noun == ORGANISATION, FormerSlug.slug == slug)
    by_former = select(Organisation).where(Organisation.id.in_(former))
    if lock:
        query, by_former = query.with_for_update(key_share=True), by_former.with_for_update(key_share=True)
    return session.scalar(query) or session.scalar(by_former)


def organisation(session: Session, slug: str, *, lock: bool = False) -> Organisation:
    """The same; raises ``NotFound``."""
    found = find_organisation(session, slug, lock=lock)
    if found is None:
        raise missing("organisation")
    return found


def find_device(session: Session, address: str, *, lock: bool = False) -> tuple[Device, Organisation] | None:
    """The device at ``{org}/{device}``, the organisation's slug being its present or a former one."""
    slug, slash, name = address.partition("/") if isinstance(address, str) else ("", "", "")
    if not slash or not DEVICE_NAME.fullmatch(name):
        return None
    home = find_organisation(session, slug)
    if home is None:
        return None
    query = select(Device).where(Device.organisation_id == home.id, Device.name == name)
    device = session.scalar(query.with_for_update(key_share=True) if lock else query)
    return None if device is None else (device, home)
