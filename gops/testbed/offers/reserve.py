"""The reserve list: who was not placed, in the order of the round; what is freed goes to the first whom it fits.

Its order is that of the round file: the higher score first, of equal ones the smaller tie. Each is offered its best
contract (the earlier ranked site, then the earlier start) that what is free now allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from gops import areas
from gops.settings import Settings
from gops.testbed import preparing, resources, terms, weeks
from gops.testbed.allocation import ties
from gops.testbed.booking import Booking, book, lock_sites
from gops.testbed.calendar import Calendar, calendars
from gops.testbed.judging import open_sites
from gops.testbed.lifecycles import SLOTS_THAT_HOLD
from gops.testbed.model import Application, Call, CallSite, Round, Site, Slot
from gops.testbed.offers import giving
from gops.testbed.offers.limits import Limits


@dataclass(frozen=True)
class Contract:
    """A site and the weeks [first_week, end_week) at it."""

    site: int
    first_week: int
    end_week: int


def move_up(session: Session, call: Call, now: int, settings: Settings) -> list[Application]:
    """Offer what is free to the reserve list of a held, final call; who was offered something.

    The call is held by the caller, its sites are from here on.
    """
    waiting = in_order(session, call) if call.state == "final" else []
    if not waiting:
        return []
    sites = lock_sites(session, {site for row in waiting for site in open_sites(row)})
    offered = {key: site for key, site in sites.items() if site.state == "offered"}
    first = max(terms.first_week(call.terms), weeks.of(now, settings.zone) + 1)
    moved = []
    free = _Free(session, call, offered, first)
    for application in waiting:
        found = free.best(application)
        if found is None:
            continue
        asked = Booking(found.first_week, found.end_week, resources.of_application(call, application),
                        application.organisation_id, application.id, note=call.slug)  # fmt: skip
        slot = book(session, offered[found.site], asked, now)
        free.look_again(session, found.site)
        free.limits.take(application, offered[found.site])
        giving.give(session, call, application, slot, now, settings)
        moved.append(application)
    return moved


def in_order(session: Session, call: Call) -> list[Application]:
    """The applications in reserve, the first to move up first."""
    query = select(Application).where(Application.call_id == call.id, Application.state == "reserve")
    rows = session.scalars(query.order_by(Application.id)).all()
    if not rows:
        return []
    places = _places(session, call)
    return sorted(rows, key=lambda row: places[row.id])


def _places(session: Session, call: Call) -> dict[int, tuple[int, bytes]]:
    """What the round file says of each application's turn, by its id."""
    final = select(Round).where(Round.call_id == call.id, Round.state == "final").options(undefer(Round.file))
    document = orjson.loads(session.scalars(final).one().file)
    key = session.scalar(select(Call.pseudonym_key).where(Call.id == call.id))
    assert key is not None, "a call has its key from publication on"
    ids = session.scalars(select(Application.id).where(Application.call_id == call.id, Application.score.is_not(None)))
    names = preparing.pseudonyms(key, ids.all())
    seed = bytes.fromhex(document["inputs"]["seed"]["seed"])
    scores = {row["id"]: max(row["scores"]) for row in document["inputs"]["instance"]["applications"]}
    return {row: (-scores[name], ties.tie(seed, name)) for row, name in names.items() if name in scores}


class _Free:
    """What is left of the sites of a call from a week on, and where which band is heard."""

    def __init__(self, session: Session, call: Call, sites: Mapping[int, Site], first_week: int) -> None:
        self._call, self._sites = call, sites
        self._first, self._end = first_week, max(first_week, terms.end_week(call.terms))
        self._reach = _reach(session, call, sites)
        self._left: dict[int, Calendar] = calendars(session, sites.values(), self._first, self._end)
        self._bands = _on_band(session, self._call, self._first)
        self.limits = Limits(session, call)

    def best(self, application: Application) -> Contract | None:
        """Its best contract that fits."""
        for site in open_sites(application):
            if site not in self._sites or not self.limits.allow(application, self._sites[site]):
                continue
            for start in range(max(self._first, application.first_start), application.last_start + 1):
                found = Contract(site, start, start + application.duration)
                if found.end_week <= self._end and self._fits(application, found):
                    return found
        return None

    def look_again(self, session: Session, site: int) -> None:
        """After a booking there."""
        self._left |= calendars(session, [self._sites[site]], self._first, self._end)
        self._bands = _on_band(session, self._call, self._first)

    def _fits(self, application: Application, wanted: Contract) -> bool:
        calendar = self._left[wanted.site]
        span = slice(wanted.first_week - self._first, wanted.end_week - self._first)
        if not calendar.closed.isdisjoint(range(wanted.first_week, wanted.end_week)):
            return False
        enough = all(min(calendar.left.get(name, [0])[span], default=0) >= need
                     for name, need in resources.of_application(self._call, application).items())  # fmt: skip
        return enough and not self._disturbed(application, wanted)

    def _disturbed(self, application: Application, wanted: Contract) -> bool:
        if application.band is None:
            return False
        near = self._reach.get((application.band, wanted.site), frozenset({wanted.site}))
        return any(
            slot.site in near and slot.first_week < wanted.end_week and wanted.first_week < slot.end_week
            for slot in self._bands.get(application.band, ())
        )


def _on_band(session: Session, call: Call, first_week: int) -> dict[str, list[Contract]]:
    """Who of the call is on which band, from a week on."""
    query = select(Application.band, Slot.site_id, Slot.first_week, Slot.end_week)
    query = query.join(Slot, Slot.application_id == Application.id).where(Application.band.is_not(None))
    query = query.where(Application.call_id == call.id)
    found: dict[str, list[Contract]] = {}
    for band, *contract in session.execute(query.where(Slot.state.in_(SLOTS_THAT_HOLD), Slot.end_week > first_week)):
        found.setdefault(str(band), []).append(Contract(*contract))
    return found


def _reach(session: Session, call: Call, sites: Mapping[int, Site]) -> dict[tuple[str, int], frozenset[int]]:
    """By band and site the sites at which somebody on that band disturbs, itself among them."""
    bands: Sequence[Any] = call.terms["bands"]
    if not bands:
        return {}
    widest = max(band["separation_m"] for band in bands) * 100
    of_call = select(Site.id, Site.geojson).join(CallSite, CallSite.site_id == Site.id)
    every = session.execute(of_call.where(CallSite.call_id == call.id))
    pairs = areas.distances_cm({str(key): shape for key, shape in every}, widest)
    found: dict[tuple[str, int], set[int]] = {(band["id"], site): {site} for band in bands for site in sites}
    for one, other, distance in pairs:
        for band in bands:
            if distance < band["separation_m"] * 100:
                for here, there in ((int(one), int(other)), (int(other), int(one))):
                    if (band["id"], here) in found:
                        found[band["id"], here].add(there)
    return {key: frozenset(near) for key, near in found.items()}
