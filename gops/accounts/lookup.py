"""Finding organisations by slug, present or former, and devices by address, within a unit."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, select
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
    found = session.scalar(_by_slug(lock), {"slug": slug})
    return found if found is not None else session.scalar(_by_former_slug(lock), {"slug": slug})


@cache
def _by_slug(lock: bool) -> Select[Organisation]:
    """Made once: to build a statement anew takes as long as to execute it."""
    query = select(Organisation).where(Organisation.slug == bindparam("slug"))
    return query.with_for_update(key_share=True) if lock else query


@cache
def _by_former_slug(lock: bool) -> Select[Organisation]:
    former = select(FormerSlug.record_id).where(FormerSlug.noun == ORGANISATION, FormerSlug.slug == bindparam("slug"))
    query = select(Organisation).where(Organisation.id.in_(former))
    return query.with_for_update(key_share=True) if lock else query


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
