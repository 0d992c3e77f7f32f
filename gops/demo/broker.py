"""The demo's testbed: one call that is open, and one that is final, with its applications, scores, round and a cluster.

Both go through the services and their rules. What lies in the past is done by services whose clock stands there: the
allocated call was open for its days, closed, was scored, its round was computed, verified, published and final, and one
who was offered a place took it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gops import compose
from gops.clock import DAY, Clock, FixedClock, from_micros
from gops.demo import boards
from gops.demo.pilots import BANDS, CALL_WEEKS, COMPANIES, Company, Pilot, pilots
from gops.demo.registry import MARK, OPERATOR
from gops.demo.sites import SITES, DemoSite
from gops.errors import NotFound
from gops.permissions import PLATFORM_ROLES, ROLES, SCOPES, Actor
from gops.testbed import weeks
from gops.testbed.applications import Draft

if TYPE_CHECKING:
    from gops.record_services import Records
    from gops.settings import Settings

OPEN = "demo-open-call"
ALLOCATED = "demo-first-call"
OPEN_DAYS = 35
BEGUN_DAYS = 70
"""The allocated call was published so many days ago."""
APPEAL_DAYS = 24
"""Longer than the window for appeals, ten working days."""
CRITERIA = (
    ("시민 체감 효과 (effect for residents)", 40),
    ("기술 완성도 (technical readiness)", 30),
    ("지속 운영 계획 (operation afterwards)", 30),
)
SITES_OF_CALL = tuple(site for number, site in enumerate(SITES) if number % 14 == 0 or site.kind == "technovalley")


def fill(services: Records, chosen: Settings, clock: Clock) -> None:
    """Both calls and the demands, where they are missing; the sites are there. Raises what the services raise."""
    open_call(services, chosen.operator_slug, clock, chosen.zone)
    boards.state_demands(services)
    if not _is_there(services, ALLOCATED):
        past = FixedClock(from_micros(clock.micros() - BEGUN_DAYS * DAY))
        earlier = compose.records(chosen, past)
        try:
            allocated_call(earlier, chosen.operator_slug, past, chosen.zone)
        finally:
            earlier.database.close()


def open_call(services: Records, operator: str, clock: Clock, zone: ZoneInfo) -> None:
    """Publish the open call, about all sites that are offered, unless there is one. ``operator``: a slug."""
    if _is_there(services, OPEN):
        return
    now = clock.micros()
    with services.database.together():
        _publish(
            services, operator, OPEN, "경기 스마트시티 실증 공모 (시연)", "Smart city pilots, demo call", now, [], zone
        )


def allocated_call(services: Records, operator: str, clock: FixedClock, zone: ZoneInfo) -> None:
    """The allocated call from its publication until its round is final, unless it is there; all of it or nothing.

    ``services`` go by ``clock``, which stands at the publication and is moved.
    """
    if _is_there(services, ALLOCATED):
        return
    now = clock.micros()
    title_ko, title_en = "경기 스마트시티 실증 공모 1차 (시연)", "Smart city pilots, first demo call"
    with services.database.together():
        ids = {site.name_en: site.id for site in services.sites.list(OPERATOR, limit=1000)}
        named = [ids[site.name_en] for site in SITES_OF_CALL if site.name_en in ids]
        actor = _publish(services, operator, ALLOCATED, title_ko, title_en, now, named, zone)
        begins = weeks.parse(services.calls.get(actor, ALLOCATED).terms["first_week"])
        clock.move(days=5)
        there = [site for site in SITES_OF_CALL if site.name_en in ids]
        scores = dict(_hand_in(services, there, ids, begins))
        clock.move(days=OPEN_DAYS)
        _allocate(services, actor, scores)
        clock.move(days=APPEAL_DAYS)
        _finish(services, actor)


def _is_there(services: Records, slug: str) -> bool:
    try:
        services.calls.get(OPERATOR, slug)
    except NotFound:
        return False
    return True


def _publish(
    services: Records, operator: str, slug: str, title_ko: str, title_en: str, now: int, sites: Sequence[int],
    zone: ZoneInfo,
) -> Actor:  # fmt: skip
    """The operator's first person, who acts for the call from here on."""
    actor = Actor(
        person_id=services.members.list(OPERATOR, operator, limit=1)[0].person_id,
        organisation_id=services.organisations.get(operator).id,
        roles=frozenset(ROLES),
        platform_roles=frozenset(PLATFORM_ROLES),
        scopes=frozenset(SCOPES),
    )
    closes = now + OPEN_DAYS * DAY
    services.calls.create(
        actor,
        operator,
        slug=slug,
        title_ko=title_ko,
        title_en=title_en,
        description=f"시연용으로 지어낸 {from_micros(now).astimezone(zone):%Y}년 공모입니다. ({MARK})",
        opens_at=now,
        closes_at=closes,
        terms=_terms(weeks.of(now + BEGUN_DAYS * DAY, zone) + 2, sites),
    )
    services.calls.publish(actor, slug)
    return actor


def _terms(first_week: int, sites: Sequence[int]) -> dict[str, Any]:
    return {
        "mechanism": "ranked",
        "first_week": weeks.name(first_week),
        "weeks": CALL_WEEKS,
        "criteria": [{"name": name, "weight": weight} for name, weight in CRITERIA],
        "rules": {"organisation_kinds": ["company", "university"], "trl_min": 4, "duration_max": 20},
        "bands": [{"id": band, "separation_m": 500} for band in BANDS],
        "sites": list(sites),
    }


def _hand_in(
    services: Records, sites: Sequence[DemoSite], ids: Mapping[str, int], begins: int
) -> Iterator[tuple[int, int]]:
    """The application and the score of each pilot."""
    actors: dict[Company, Actor] = {}
    for pilot in pilots(sites):
        if pilot.company not in actors:
            actors[pilot.company] = _applicant(services, pilot.company)
        actor = actors[pilot.company]
        made = services.applications.create(actor, ALLOCATED, pilot.company.slug, _draft(pilot, ids, begins))
        services.applications.submit(actor, made.id, pilot.nonce)
        yield made.id, pilot.score


def _draft(pilot: Pilot, ids: Mapping[str, int], begins: int) -> Draft:
    return Draft(
        title=pilot.title,
        sites=[ids[name] for name in pilot.sites],
        needs=pilot.needs,
        duration=pilot.duration,
        first_start=begins + pilot.first_start,
        last_start=begins + pilot.last_start,
        trl=pilot.trl,
        summary=f"{pilot.company.name_ko}: {pilot.title}. {MARK}",
        band=pilot.band,
    )


def _applicant(services: Records, company: Company) -> Actor:
    try:
        home = services.organisations.get(company.slug)
    except NotFound:
        home = services.organisations.create(OPERATOR, company.slug, "company", company.name_ko, company.name_en)
    member = services.members.add(
        OPERATOR, company.slug, company.applicant, f"{company.name_ko} 실증 담당", "applicant"
    )
    return Actor(
        person_id=member.person_id,
        organisation_id=home.id,
        roles=frozenset({"applicant"}),
        scopes=frozenset({"testbed:apply"}),
    )


def _allocate(services: Records, actor: Actor, scores: Mapping[int, int]) -> None:
    services.calls.advance()  # the clock has closed the call: its applications are judged
    eligible = services.applications.list(actor, ALLOCATED, state="eligible", limit=1000)
    services.scores.enter(actor, ALLOCATED, {row.id: scores[row.id] for row in eligible})
    services.scores.finish(actor, ALLOCATED)
    computed = services.rounds.compute(actor, ALLOCATED)
    services.rounds.publish(actor, ALLOCATED, computed.revision)


def _finish(services: Records, actor: Actor) -> None:
    """The round is final; the first who was offered a place takes it, and a cluster forms."""
    (last,) = services.rounds.list(actor, ALLOCATED)
    services.rounds.finish(actor, ALLOCATED, last.revision)
    offer = services.offers.list(actor, ALLOCATED, limit=1)[0]
    taken = services.applications.get(actor, offer.application_id)
    companies = {services.organisations.get(row.slug).id: row for row in COMPANIES}
    applicant = _applicant(services, companies[taken.organisation_id])
    services.offers.answer(applicant, offer.id, "accepted")
    boards.carry_through(services, applicant, services.clusters.list(applicant)[0])
