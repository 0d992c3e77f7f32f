"""Calls: what is asked, when, and by which terms. The terms are frozen and hashed when a call is published.

A call opens and closes by the clock. Whoever reads it sees the state that the clock gives; ``advance`` writes it down,
and so does everything that changes a call or its applications.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.accounts.lookup import organisation
from gops.clock import DAY, Clock, from_micros
from gops.errors import Conflict, Forbidden, Invalid
from gops.permissions import Actor, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.paging import page
from gops.sensors.bounds import refuse_more
from gops.sensors.texts import prose, reason
from gops.settings import Settings
from gops.testbed import checks, judging, lifecycles, limited, notices, resources, terms, visibility, weeks
from gops.testbed.allocation import ties
from gops.testbed.allocation.roundfile import digest
from gops.testbed.demands import telling
from gops.testbed.demands.reopening import reopen
from gops.testbed.lifecycles import CALL, SLOT, SLOTS_THAT_HOLD
from gops.testbed.model import Application, Call, CallSite, Site, Slot
from gops.testbed.timetable import set_deadlines, state_at, state_column

OWNERS = ("municipality", "operator")
EDITABLE = ("title_ko", "title_en", "description", "opens_at", "closes_at")


class Calls:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def create(
        self,
        actor: Actor,
        organisation_slug: str,
        *,
        slug: str,
        title_ko: str,
        title_en: str,
        opens_at: int,
        closes_at: int,
        terms: Mapping[str, Any],
        description: str = "",
    ) -> Call:
        """A draft. Moments in microseconds. Raises ``Invalid``, or ``Conflict`` (``slug_taken``)."""
        call = Call(
            slug=names.slug(slug),
            title_ko=names.name(title_ko, "title_ko"),
            title_en=names.name(title_en, "title_en"),
            description=prose(description),
            state=CALL.states[0],
            opens_at=opens_at,
            closes_at=closes_at,
            terms=self._terms(terms),
            created_at=self._clock.micros(),
        )
        self._times(call)
        with self._database.write() as session:
            home = organisation(session, organisation_slug)
            require(actor, "call.change", home.id)
            if home.kind not in OWNERS:
                raise Forbidden(f"{home.slug} makes no calls", code="not_a_municipality", field="organisation",
                                found=home.kind, expected="a municipality or the operator")  # fmt: skip
            refuse_more(session, self._settings, "organisation_calls", Call.organisation_id == home.id, home.id)
            call.organisation_id = home.id
            session.add(call)
            flush_unique(session, _taken(call.slug))
            self._note(session, actor, "call.create", call, slug=call.slug)
        return call

    def edit(self, actor: Actor, slug: str, *, terms: Mapping[str, Any] | None = None, **given: Any) -> Call:
        """Change what is given of a draft: titles, description, times, or all of the terms."""
        wanted = {key: value for key, value in given.items() if value is not None}
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, slug)
            if call.state != "draft":
                raise Conflict(f"the call {slug} is {call.state} and its terms are frozen", code="call_frozen",
                               field="state", found=call.state, expected="a call that is a draft")  # fmt: skip
            for key in sorted(wanted):
                setattr(call, key, self._clean(key, wanted[key]))
            if terms is not None:
                call.terms = self._terms(terms)
            self._times(call)
            if wanted or terms is not None:
                self._note(session, actor, "call.edit", call, changed=sorted(wanted) + ["terms"] * (terms is not None))
        return call

    def publish(self, actor: Actor, slug: str) -> Call:
        """Freeze the terms with the sites offered now, draw the secrets, publish their hashes."""
        now = self._clock.micros()
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, slug)
            lifecycles.move(CALL, call, "published")
            self._timely(call, now)
            call.terms = {**call.terms, "sites": _frozen_sites(session, call)}
            _refuse_unknown_resources(session, call)
            limited.refuse_unknown(session, call.terms)
            call.terms_hash = digest(call.terms)
            seed, key = ties.draw(), ties.draw()
            call.operator_seed, call.operator_seed_hash = seed, ties.commitment(seed)
            call.pseudonym_key, call.pseudonym_key_hash = key, ties.commitment(key)
            call.published_at = now
            set_deadlines(call, self._settings)
            telling.call_published(session, now, call)
            advance(session, call, now)
            self._note(session, actor, "call.publish", call, terms_hash=call.terms_hash)
            events.append(session, now, "call.published", call=call.id)
        return call

    def cancel(self, actor: Actor, slug: str, why: str) -> Call:
        """End a call before it is final; slots that its round reserved are given back, and demands that it had taken
        up are open again."""
        text = reason(why)
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, slug)
            advance(session, call, self._clock.micros())
            lifecycles.move(CALL, call, "cancelled")
            call.reason = text
            of_call = select(Slot).join(Application, Slot.application_id == Application.id)
            for slot in session.scalars(of_call.where(Application.call_id == call.id, Slot.state.in_(SLOTS_THAT_HOLD))):
                lifecycles.move(SLOT, slot, "cancelled")
            reopen(session, self._clock.micros(), actor, call)
            self._note(session, actor, "call.cancel", call, reason=text)
            notices.call_told(session, self._clock.micros(), call, "call.cancelled", reason=text)
            events.append(session, self._clock.micros(), "call.cancelled", call=call.id)
        return call

    def get(self, actor: Actor, slug: str) -> Call:
        with self._database.read() as session:
            found = visibility.call(session, actor, slug)
        found.state = state_at(found, self._clock.micros())
        return found

    def list(self, actor: Actor, state: str | None = None, after: int = 0, limit: int = 100) -> Sequence[Call]:
        """Those that the actor sees; in a state, by the clock."""
        now = self._clock.micros()
        query = select(Call).where(visibility.calls_seen(actor))
        if state is not None:
            query = query.where(state_column(now) == checks.state(CALL, state))
        with self._database.read() as session:
            found = session.scalars(page(query, Call.id, after, limit)).all()
        for call in found:
            call.state = state_at(call, now)
        return found

    def slugs(self, call_ids: Collection[int]) -> dict[int, str]:
        """The slugs of calls that whoever asks knows of already."""
        with self._database.read() as session:
            rows = session.execute(select(Call.id, Call.slug).where(Call.id.in_(call_ids)))
            return {row.id: row.slug for row in rows}

    def advance(self) -> int:
        """Open and close what is due; how many calls. For a scheduler, every minute or so."""
        now = self._clock.micros()
        due = select(Call.id).where(Call.state != state_column(now)).order_by(Call.id)
        with self._database.read() as session:
            waiting = session.scalars(due).all()
        for call_id in waiting:
            with self._database.write() as session:
                call = session.get_one(Call, call_id, with_for_update={"key_share": True})
                if advance(session, call, now):
                    events.append(session, now, "call.changed", call=call.id)
        return len(waiting)

    def _terms(self, given: Mapping[str, Any]) -> dict[str, Any]:
        now = weeks.of(self._clock.micros(), self._settings.zone)
        return terms.read(given, self._settings, now)

    def _clean(self, key: str, value: Any) -> Any:
        assert key in EDITABLE, key
        if key == "description":
            return prose(value)
        return value if key.endswith("_at") else names.name(value, key)

    def _times(self, call: Call) -> None:
        starts = weeks.begins(terms.first_week(call.terms), self._settings.zone)
        for early, late, field, expected in (
            (call.opens_at, call.closes_at, "closes_at", "a time after opens_at"),
            (call.closes_at, starts, "terms.first_week", "a week that begins after closes_at"),
        ):
            if early >= late:
                found = from_micros(late).astimezone(self._settings.zone).isoformat()
                raise Invalid(f"{field} is too early", code="bad_timetable", field=field, found=found,
                              expected=expected)  # fmt: skip
        set_deadlines(call, self._settings)

    def _timely(self, call: Call, now: int) -> None:
        days = self._settings.call_open_days
        opens = max(call.opens_at, now)
        open_days = max(0, call.closes_at - opens) / DAY
        if open_days < days:
            raise Invalid(
                f"the call would be open for {open_days:.1f} days",
                code="open_too_short", field="closes_at", found=f"{open_days:.1f} days",
                expected=f"at least {days} days after it opens (GOPS_CALL_OPEN_DAYS)",
            )  # fmt: skip
        call.opens_at = opens

    def _note(self, session: Session, actor: Actor, action: str, call: Call, **detail: Any) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "call", call.id, call.organisation_id, **detail)
        events.append(session, now, "call.changed", call=call.id)


def advance(session: Session, call: Call, now: int) -> bool:
    """Bring a held call to the state that the clock gives; at its close applications are judged."""
    wanted, before = state_at(call, now), call.state
    if wanted in ("open", "closed") and call.state == "published":
        lifecycles.move(CALL, call, "open")
        if wanted == "open":
            telling.call_opened(session, now, call)
    if wanted == "closed" and call.state == "open":
        lifecycles.move(CALL, call, "closed")
        judging.close(session, call)
        notices.judged(session, now, call)
    return call.state != before


def _frozen_sites(session: Session, call: Call) -> list[int]:
    """The sites of the call: those it names, all of them offered; if it names none, whatever is offered."""
    named = call.terms["sites"]
    offered = session.scalars(select(Site.id).where(Site.state == "offered").order_by(Site.id)).all()
    missing = sorted(set(named) - set(offered))
    if missing or not offered:
        raise Invalid("a call is about sites that are offered", code="site_not_offered", field="terms.sites",
                      found=", ".join(map(str, missing[:20])) or "none", expected="sites that are offered")  # fmt: skip
    chosen = named or list(offered)
    session.add_all(CallSite(call_id=call.id, site_id=site) for site in chosen)
    return list(chosen)


def _refuse_unknown_resources(session: Session, call: Call) -> None:
    of_call = select(Site.capacity, Site.details).join(CallSite, CallSite.site_id == Site.id)
    rows = session.execute(of_call.where(CallSite.call_id == call.id))
    resources.refuse_unknown(call.terms["resources"], [(row.capacity, row.details) for row in rows])


def _taken(slug: str) -> Conflict:
    return Conflict(f"there is a call {slug} already", code="slug_taken", field="slug", found=slug,
                    expected="a slug that no call has")  # fmt: skip
