"""Applications: what a company hands in to a call, and may take back until the call closes.

``Draft`` is what an applicant writes. Ranked sites are sites of the call that are offered; windows lie in the call's
calendar. What else stands against an application is told by its verdicts, and decided at the close.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, true
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.permissions import Actor, require
from gops.records import audit, events
from gops.records.database import Database, serialise
from gops.records.paging import page
from gops.sensors.texts import prose
from gops.settings import Settings
from gops.testbed import calls, checks, consortium, details, judging, lifecycles, notices, terms, visibility, weeks
from gops.testbed.checks import wrong
from gops.testbed.duplicates import alike
from gops.testbed.eligibility import TITLES, Place, Verdict, judge
from gops.testbed.lifecycles import APPLICATION
from gops.testbed.model import Application, ApplicationSite, Call
from gops.testbed.resources import stated
from gops.testbed.timetable import state_at

NONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Draft:
    """``sites`` are ids, the best first; starts are weeks; ``needs`` by resource, in each week.

    ``theme``: one of ``checks.THEMES``; ``details``: the document of ``details``.
    """

    title: str
    sites: Sequence[int]
    needs: Mapping[str, int]
    duration: int
    first_start: int
    last_start: int
    trl: int
    summary: str = ""
    band: str | None = None
    theme: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Applications:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def create(self, actor: Actor, call_slug: str, organisation_slug: str, draft: Draft) -> Application:
        """A draft in a call that is published or open. Raises ``Invalid``, ``Conflict``."""
        now = self._clock.micros()
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug)
            home = organisation(session, organisation_slug)
            require(actor, "application.write", home.id)
            _refuse_unless(call, now, ("published", "open"))
            serialise(session, f"applications {call.id}")
            self._refuse_more(session, call, home.id)
            there = judging.places(session, call)
            row = Application(
                call_id=call.id,
                organisation_id=home.id,
                person_id=actor.person_id,
                state=APPLICATION.states[0],
                verdicts=[],
                created_at=now,
                **self._clean(call, draft, there),
            )
            session.add(row)
            session.flush()
            self._rank(session, call, row, there)
            self._note(session, actor, "application.create", row)
        return row

    def edit(self, actor: Actor, application_id: int, **given: Any) -> Application:
        """Change fields of a ``Draft``; only while it is one, and until the call closes."""
        with self._database.write() as session:
            row, call = self._writable(session, actor, application_id)
            if row.state != "draft":
                raise Conflict(
                    f"application {row.id} is {row.state}", code="not_a_draft", field="state", found=row.state,
                    expected="a draft; take it back first",
                )  # fmt: skip
            there = judging.places(session, call)
            wanted = {key: value for key, value in given.items() if value is not None}
            wanted |= {key: None for key in ("band", "theme") if given.get(key, "") is None}
            for key, value in self._clean(call, replace(_draft_of(row), **wanted), there).items():
                setattr(row, key, value)
            self._rank(session, call, row, there)
            consortium.ask_again(session, row)
            self._note(session, actor, "application.edit", row, changed=sorted(wanted))
        return row

    def submit(self, actor: Actor, application_id: int, nonce: str) -> Application:
        """Hand in, while the call is open. ``nonce``: 16 bytes in hex, the applicant's hand in the seed; a new one each
        time. All of the consortium must have confirmed, and every ranked site be feasible (``Invalid``,
        ``site_infeasible``).
        """
        if not isinstance(nonce, str) or not NONCE.fullmatch(nonce):
            raise wrong("bad_nonce", "nonce", nonce, "32 small hex digits, such as `openssl rand -hex 16` gives")
        with self._database.write() as session:
            row, call = self._writable(session, actor, application_id)
            _refuse_unless(call, self._clock.micros(), ("open",))
            lifecycles.move(APPLICATION, row, "submitted")
            there = judging.places(session, call)
            self._clean(call, _draft_of(row), there)  # a site may have been withdrawn since
            consortium.refuse_unconfirmed(session, row)
            found = judging.judged(session, call, row, there)
            _refuse_infeasible(row, found)
            _refuse_used(session, row, nonce)
            row.nonce = bytes.fromhex(nonce)
            row.submitted_at = self._clock.micros()
            row.verdicts = [verdict.document() for verdict in found]
            self._note(session, actor, "application.submit", row)
            others = [one.id for one, _ in alike(session, row, true())]
            if others:  # for the operator; an applicant asks ``Duplicates`` for those that it may know of
                events.append(session, row.submitted_at, "application.alike", application=row.id, others=others)
                notices.alike(session, row.submitted_at, call, row, others)
        return row

    def take_back(self, actor: Actor, application_id: int) -> Application:
        """Make it a draft again, until the call closes."""
        with self._database.write() as session:
            row, _ = self._writable(session, actor, application_id)
            lifecycles.move(APPLICATION, row, "draft")
            row.submitted_at = None  # the nonce stays, so that it is not used again
            self._note(session, actor, "application.take_back", row)
        return row

    def withdraw(self, actor: Actor, application_id: int) -> Application:
        """For good, until the call closes."""
        with self._database.write() as session:
            row, _ = self._writable(session, actor, application_id)
            lifecycles.move(APPLICATION, row, "withdrawn")
            self._note(session, actor, "application.withdraw", row)
        return row

    def get(self, actor: Actor, application_id: int) -> Application:
        """For those whom meaning.md names; others ``NotFound``."""
        with self._database.read() as session:
            found = visibility.application(session, actor, application_id)
            visibility.hide_scores(session, actor, [found])
            visibility.hide_confidential(session, actor, [found])
        return found

    def sites(self, actor: Actor, application_id: int) -> Sequence[tuple[int, Sequence[Verdict]]]:
        """Every site of the call with what stands against the application there; nothing: it can be ranked."""
        with self._database.read() as session:
            row = visibility.application(session, actor, application_id)
            call = session.get_one(Call, row.call_id)
            there = judging.places(session, call)
            pilot = replace(judging.pilot(session, row), sites=sorted(there))
            found = judge(terms.rules(call.terms), pilot, there)
        return [(site, [verdict for verdict in found if verdict.site == site]) for site in sorted(there)]

    def list(
        self,
        actor: Actor,
        call_slug: str | None = None,
        state: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[Application]:
        """Those that the actor sees in full; of a call, in a state."""
        visibility.refuse_anonymous(actor)
        query = select(Application).where(visibility.applications_seen(actor))
        if state is not None:
            query = query.where(Application.state == checks.state(APPLICATION, state))
        with self._database.read() as session:
            if call_slug is not None:
                query = query.where(Application.call_id == visibility.call(session, actor, call_slug).id)
            found = session.scalars(page(query, Application.id, after, limit)).all()
            visibility.hide_scores(session, actor, found)
            visibility.hide_confidential(session, actor, found)
        return found

    def public(self, actor: Actor, call_slug: str, after: int = 0, limit: int = 100) -> Sequence[Application]:
        """The applications that stood in a final call. Only title, organisation and state of them are public."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            if call.state != "final":
                return []
            stood: ColumnElement[bool] = Application.state.in_(
                ("offered", "reserve", "rejected", "accepted", "declined", "lapsed")
            )
            query = select(Application).where(Application.call_id == call.id, stood)
            return session.scalars(page(query, Application.id, after, limit)).all()

    def _writable(self, session: Session, actor: Actor, application_id: int) -> tuple[Application, Call]:
        """The application and its call, both held, the call first and brought to the state that the clock gives."""
        seen = visibility.application(session, actor, application_id)
        call = session.get_one(Call, seen.call_id, with_for_update={"key_share": True})
        now = self._clock.micros()
        require(actor, "application.write", seen.organisation_id)
        _refuse_unless(call, now, ("published", "open"))
        calls.advance(session, call, now)
        row = visibility.application_to_change(session, actor, application_id)
        session.refresh(row)
        return row, call

    def _refuse_more(self, session: Session, call: Call, home: int) -> None:
        live = (Application.call_id == call.id, Application.state != "withdrawn")
        count = select(func.count()).select_from(Application).where(*live)
        own = session.scalar(count.where(Application.organisation_id == home)) or 0
        for found, setting in (
            (own, "call_own_applications"),
            (session.scalar(count) or 0, "call_applications"),
        ):
            most: int = getattr(self._settings, setting)
            if found >= most:
                raise Conflict(
                    f"the call {call.slug} has {found} applications of {most}", code="too_many", field="call",
                    found=found + 1, expected=f"at most {most} (GOPS_{setting.upper()})",
                )  # fmt: skip

    def _clean(self, call: Call, draft: Draft, there: Mapping[int, Place]) -> dict[str, Any]:
        bands = [band["id"] for band in call.terms["bands"]]
        duration = names.whole(draft.duration, 1, int(call.terms["weeks"]), "duration")
        first, last = _window(call, draft, duration)
        return {
            "title": names.name(draft.title, "title"),
            "summary": prose(draft.summary, "summary"),
            "sites": self._sites(draft.sites, there),
            "needs": checks.needs(draft.needs, known=stated(call.terms["resources"])),
            "duration": duration,
            "first_start": first,
            "last_start": last,
            "band": None if draft.band is None else names.one_of(draft.band, bands, "band"),
            "trl": names.whole(draft.trl, *checks.TRL, "trl"),
            "theme": None if draft.theme is None else names.one_of(draft.theme, checks.THEMES, "theme"),
            "details": details.read(draft.details),
        }

    def _sites(self, given: Sequence[int], there: Mapping[int, Place]) -> Sequence[int]:
        most = self._settings.application_sites
        if not isinstance(given, list | tuple) or not 0 < len(given) <= most:
            raise wrong("bad_ranks", "sites", given, f"1 to {most} ids of sites (GOPS_APPLICATION_SITES)")
        for rank, site in enumerate(given):
            place = there.get(site) if isinstance(site, int) and not isinstance(site, bool) else None
            if place is None:
                raise wrong("site_not_in_call", f"sites[{rank}]", site, "the id of a site of the call")
            if not place.offered:
                raise wrong("site_not_offered", f"sites[{rank}]", site, "a site that is offered")
        if len(set(given)) != len(given):
            raise wrong("bad_ranks", "sites", given, "every site once")
        return list(given)

    def _rank(self, session: Session, call: Call, row: Application, there: Mapping[int, Place]) -> None:
        session.execute(delete(ApplicationSite).where(ApplicationSite.application_id == row.id))
        session.add_all(ApplicationSite(application_id=row.id, site_id=site) for site in row.sites)
        row.verdicts = judging.verdicts(session, call, row, there)

    def _note(self, session: Session, actor: Actor, action: str, row: Application, **detail: Any) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "application", row.id, row.organisation_id, **detail)
        notices.applied(session, now, row, action)
        events.append(session, now, "application.changed", application=row.id)


def _draft_of(row: Application) -> Draft:
    return Draft(row.title, row.sites, row.needs, row.duration, row.first_start, row.last_start, row.trl, row.summary,
                 row.band, row.theme, details.of(row.details))  # fmt: skip


def _refuse_infeasible(row: Application, found: Sequence[Verdict]) -> None:
    """Raises ``Invalid``. An exemption can be requested only for what was handed in, so the close decides of it."""
    for verdict in found:
        if verdict.site is not None and verdict.code != "exemption_missing":
            raise Invalid(
                f"site {verdict.site} cannot be ranked: {TITLES[verdict.code][1]}",
                code="site_infeasible", field=f"sites[{row.sites.index(verdict.site)}]",
                found=f"{verdict.code}: {verdict.field} {verdict.found}", expected=verdict.expected,
            )  # fmt: skip


def _refuse_used(session: Session, row: Application, nonce: str) -> None:
    """Raises ``Invalid`` (``nonce_used``); also for the one that it was handed in with before."""
    used = select(Application.id).where(Application.call_id == row.call_id, Application.nonce == bytes.fromhex(nonce))
    if session.scalar(used.limit(1)) is not None:
        raise wrong("nonce_used", "nonce", nonce, "one that was never used in this call")


def _window(call: Call, draft: Draft, duration: int) -> tuple[int, int]:
    first, last = draft.first_start, draft.last_start
    if last < first:
        raise wrong("window_reversed", "last_start", weeks.name(last), f"not before first_start, {weeks.name(first)}")
    begins, ends = terms.first_week(call.terms), terms.end_week(call.terms)
    if first < begins:
        raise wrong("window_outside", "first_start", weeks.name(first), f"from {weeks.name(begins)} on, as the call")
    if last + duration > ends:
        latest = weeks.name(ends - duration)
        raise wrong("window_outside", "last_start", weeks.name(last), f"at latest {latest}, to end with the call")
    return first, last


def _refuse_unless(call: Call, now: int, states: tuple[str, ...]) -> None:
    state = state_at(call, now)
    if state not in states:
        raise Conflict(
            f"the call {call.slug} is {state}", code="call_not_open", field="call", found=state,
            expected="a call that is " + " or ".join(states),
        )  # fmt: skip
