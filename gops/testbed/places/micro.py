"""Micro-slots: short slots outside of a call, granted at once while enough of the site stays free.

A site allows them by ``details.micro``: what stays free in every week (``keep``), and the longest one; whoever owns the
place must have agreed, or need not (``details.consent``), since nobody asks any more. A company gets
so many in a quarter of the year as the setting says, one unless told otherwise; one that was cancelled before it
began does not count. There is nothing to wait for, so the slot is ready at once, and the clock starts and ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Conflict, Forbidden
from gops.permissions import Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database, serialise
from gops.records.paging import is_id
from gops.sensors.texts import line
from gops.settings import Settings
from gops.testbed import checks, lifecycles, notices, resources, visibility, weeks
from gops.testbed.booking import Booking, book, lock_sites
from gops.testbed.calendar import calendars
from gops.testbed.checks import wrong
from gops.testbed.lifecycles import SLOT
from gops.testbed.model import Site, Slot
from gops.testbed.offers.model import SlotTerm
from gops.testbed.places.model import MicroSlot

KINDS = ("company", "university", "institute", "citizen_group")
CONSENTED = ("given", "not_needed")


class MicroSlots:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def take(
        self,
        actor: Actor,
        site_id: int,
        organisation_slug: str,
        first_week: int,
        length: int,
        amounts: Mapping[str, int],
        note: str = "",
    ) -> Slot:
        """A ready slot, from next week on at the earliest. Raises ``Conflict``: ``no_micro_slots``,
        ``no_consent``, ``micro_slot_used``, ``micro_threshold``, ``no_capacity``, ``site_closed``,
        ``site_not_offered``."""
        now = self._clock.micros()
        first, end = self._span(first_week, length, now)
        with self._database.write() as session:
            home = organisation(session, organisation_slug)
            require(actor, "application.write", home.id)
            if home.kind not in KINDS:
                raise Forbidden(f"{home.slug} takes no micro-slots", code="wrong_organisation_kind",
                                field="organisation", found=home.kind,
                                expected="an organisation of kind " + ", ".join(KINDS))  # fmt: skip
            visibility.site(session, actor, site_id)
            serialise(session, f"micro {home.id}")
            site = lock_sites(session, [site_id])[site_id]
            rule = _rule(site, length)
            needs = checks.needs(amounts, "amounts", resources.of_site(site))
            self._refuse_used(session, home.id, first)
            slot = book(session, site, Booking(first, end, needs, home.id, None, line(note, "note", 2000)), now)
            _refuse_below(session, site, slot, rule["keep"])
            self._grant(session, slot, first)
            self._note(session, actor, "slot.micro", slot, site.organisation_id)
            notices.slot_changed(session, now, slot, "slot.micro")
        return slot

    def give_back(self, actor: Actor, slot_id: int) -> Slot:
        """By who took it, before it begins; it counts no more. Raises ``Conflict`` (``illegal_move``)."""
        with self._database.write() as session:
            found = session.get(Slot, slot_id) if is_id(slot_id) else None
            if found is None or session.scalar(select(MicroSlot.id).where(MicroSlot.slot_id == slot_id)) is None:
                raise missing("slot")
            require(actor, "application.write", found.organisation_id, hidden="slot")
            site = lock_sites(session, [found.site_id])[found.site_id]
            session.refresh(found, with_for_update=True)
            lifecycles.move(SLOT, found, "cancelled")
            self._note(session, actor, "slot.cancelled", found, site.organisation_id)
            notices.slot_changed(session, self._clock.micros(), found, "slot.given_back")
        return found

    def _span(self, first_week: int, length: int, now: int) -> tuple[int, int]:
        this, ahead = weeks.of(now, self._settings.zone), self._settings.micro_ahead_weeks
        if not this < first_week <= this + ahead:
            low, high = weeks.name(this + 1), weeks.name(this + ahead)
            expected = f"a Monday from {low} to {high} (GOPS_MICRO_AHEAD_WEEKS)"
            raise wrong("bad_week", "first_week", weeks.name(first_week), expected)
        return checks.span(first_week, length, this, ahead, self._settings.call_weeks, "slot")

    def _refuse_used(self, session: Session, organisation_id: int, first: int) -> None:
        used = session.scalar(
            select(func.count())
            .select_from(MicroSlot)
            .join(Slot, Slot.id == MicroSlot.slot_id)
            .where(MicroSlot.organisation_id == organisation_id, MicroSlot.quarter == quarter(first),
                   Slot.state != "cancelled")
        )  # fmt: skip
        most = self._settings.micro_slots_quarter
        if (used or 0) >= most:
            raise Conflict(
                f"the organisation has {used} micro-slots in that quarter", code="micro_slot_used",
                field="first_week", found=used, expected=f"fewer than {most} (GOPS_MICRO_SLOTS_QUARTER)",
            )  # fmt: skip

    def _grant(self, session: Session, slot: Slot, first: int) -> None:
        for state in ("conditions", "ready"):
            lifecycles.move(SLOT, slot, state)
        zone = self._settings.zone
        session.add_all([
            MicroSlot(slot_id=slot.id, organisation_id=slot.organisation_id, quarter=quarter(first)),
            SlotTerm(slot_id=slot.id, starts_at=weeks.begins(first, zone), ends_at=weeks.begins(slot.end_week, zone)),
        ])  # fmt: skip

    def _note(self, session: Session, actor: Actor, action: str, slot: Slot, municipality: int) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "slot", slot.id, municipality)
        events.append(session, now, "slot.changed", slot=slot.id)


def quarter(week: int) -> int:
    """That of a week's Monday: year * 4 + 0..3."""
    monday = weeks.monday(week)
    return monday.year * 4 + (monday.month - 1) // 3


def _rule(site: Site, length: int) -> Mapping[str, Any]:
    rule: Mapping[str, Any] | None = site.facts["micro"]
    if rule is None:
        raise Conflict(f"site {site.id} gives no micro-slots", code="no_micro_slots", field="site", found=site.id,
                       expected="a site with details.micro")  # fmt: skip
    if site.facts["consent"] not in CONSENTED:
        raise Conflict(f"nobody has said that the owner of site {site.id} agrees", code="no_consent", field="site",
                       found=site.facts["consent"],
                       expected="a site whose details.consent is " + " or ".join(CONSENTED))  # fmt: skip
    if length > rule["weeks"]:
        raise wrong("invalid_value", "weeks", length, f"at most {rule['weeks']} at this site")
    return rule


def _refuse_below(session: Session, site: Site, slot: Slot, keep: Mapping[str, int]) -> None:
    """With the slot booked, what is left must be what the site keeps, of every resource and in every week."""
    left = calendars(session, [site], slot.first_week, slot.end_week)[site.id].left
    for name, least in keep.items():
        for week, amount in enumerate(left.get(name, [0]), start=slot.first_week):
            if amount < least:
                raise Conflict(
                    f"in the week of {weeks.name(week)} only {max(0, amount)} of {name} would stay free",
                    code="micro_threshold", field=f"amounts.{name}", found=slot.amounts.get(name, 0),
                    expected=f"at least {least} of {name} left free",
                )  # fmt: skip
