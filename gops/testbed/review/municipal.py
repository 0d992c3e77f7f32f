"""Scores that municipalities give, each for its own sites: for calls whose terms say so, under ``fair``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.checks import whole
from gops.accounts.lookup import organisation
from gops.accounts.model import Organisation
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, require
from gops.records import audit, events
from gops.records.database import Database
from gops.testbed import calls, visibility
from gops.testbed.allocation.instance import SCORE_MAX
from gops.testbed.checks import wrong
from gops.testbed.judging import open_sites
from gops.testbed.model import Application, Call, Site
from gops.testbed.review import asked, people
from gops.testbed.review.model import MunicipalScore


class MunicipalScores:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def enter(self, actor: Actor, call_slug: str, organisation_slug: str, scores: Mapping[int, int]) -> dict[int, int]:
        """By a municipality, for applications that rank sites of its own; entered again they are corrected, until the
        call is scored. All that it has given. Nobody sees them before that, other municipalities least of all."""
        for application, score in scores.items():
            whole(score, 0, SCORE_MAX, f"scores.{application}")
        now = self._clock.micros()
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug, lock=True)
            home = organisation(session, organisation_slug)
            require(actor, "application.review", home.id)
            calls.advance(session, call, now)
            people.refuse_unless_closed(call)
            _refuse_panel(call)
            rows = people.to_judge(session, call)
            wanted = municipalities(session, list(rows.values()))
            for application in scores:
                if home.id not in wanted.get(application, ()):
                    raise wrong("not_eligible", f"scores.{application}", application,
                                "an application that is eligible at a site of the municipality")  # fmt: skip
            given = {row.application_id: row for row in _given(session, rows) if row.organisation_id == home.id}
            for application, score in scores.items():
                if application not in given:
                    given[application] = MunicipalScore(application_id=application, organisation_id=home.id)
                    session.add(given[application])
                given[application].score = score
            audit.record(session, now, actor, "score.municipal", "call", call.id, home.id,
                         applications=sorted(scores))  # fmt: skip
            events.append(session, now, "call.changed", call=call.id)
            return {row.application_id: row.score for row in given.values()}


def municipalities(session: Session, rows: Sequence[Application]) -> dict[int, dict[int, str]]:
    """Of each application the municipalities (id and slug) at whose sites it is eligible."""
    sites = sorted({site for row in rows for site in open_sites(row)})
    query = select(Site.id, Organisation.id.label("home"), Organisation.slug)
    found = session.execute(query.join(Organisation, Organisation.id == Site.organisation_id).where(Site.id.in_(sites)))
    towns = {row.id: (row.home, row.slug) for row in found}
    return {row.id: dict(towns[site] for site in open_sites(row)) for row in rows}


def by_town(session: Session, rows: Sequence[Application]) -> dict[int, dict[int, int]]:
    """Of each application the scores that it was given, by municipality."""
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for row in _given(session, [row.id for row in rows]):
        found[row.application_id][row.organisation_id] = row.score
    return found


def by_site(session: Session, call: Call, rows: Sequence[Application]) -> dict[tuple[int, int], int]:
    """Scores by (application, site); none in a call with one list of scores."""
    if not asked.is_municipal(call.terms):
        return {}
    sites = sorted({site for row in rows for site in open_sites(row)})
    homes = session.execute(select(Site.id, Site.organisation_id).where(Site.id.in_(sites)))
    home = {row.id: row.organisation_id for row in homes}
    given = by_town(session, rows)
    return {
        (row.id, site): given[row.id][home[site]]
        for row in rows
        for site in open_sites(row)
        if home[site] in given[row.id]
    }


def correct(session: Session, application: Application, score: int) -> None:
    """An upheld appeal about a score corrects it everywhere."""
    for row in _given(session, [application.id]):
        row.score = score


def _given(session: Session, applications: Sequence[int] | Mapping[int, Application]) -> Sequence[MunicipalScore]:
    query = select(MunicipalScore).where(MunicipalScore.application_id.in_(list(applications)))
    return session.scalars(query.order_by(MunicipalScore.application_id, MunicipalScore.organisation_id)).all()


def _refuse_panel(call: Call) -> None:
    if not asked.is_municipal(call.terms):
        raise Conflict(f"a panel scores in {call.slug}", code="scoring_otherwise", field="call", found="panel",
                       expected="a call whose terms say scoring municipal")  # fmt: skip
