"""Conflicts of interest: what evaluators declare, and what follows from where people are and were.

============== ====================================================================
applicant       the evaluator handed the application in
organisation    the evaluator has a role in the applicant's organisation
consortium      the same of another organisation of its consortium
employer        one of these is among the evaluator's recent employers
declared        the evaluator says so
============== ====================================================================
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Membership
from gops.errors import Conflict
from gops.testbed.call_model import Member
from gops.testbed.model import Application
from gops.testbed.review.assigning import Pair
from gops.testbed.review.model import Evaluator, ReviewBid

Conflicts = Mapping[Pair, str]
"""Why, by (application, evaluator)."""


def conflicts(session: Session, evaluators: Sequence[Evaluator], applications: Sequence[Application]) -> Conflicts:
    """Of all pairs, as things stand now."""
    homes = _homes(session, [one.person_id for one in evaluators])
    partners = _partners(session, [row.id for row in applications])
    declared = _declared(session, [one.id for one in evaluators])
    found: dict[Pair, str] = {}
    for one in evaluators:
        own = {*homes[one.person_id], one.organisation_id}
        for row in applications:
            why = _why(one, row, own, partners[row.id], (row.id, one.id) in declared)
            if why is not None:
                found[row.id, one.id] = why
    return found


def _why(one: Evaluator, row: Application, own: set[int], partners: set[int], declared: bool) -> str | None:
    if one.person_id == row.person_id:
        return "applicant"
    if row.organisation_id in own:
        return "organisation"
    if partners & own:
        return "consortium"
    if {row.organisation_id, *partners} & set(one.employers):
        return "employer"
    return "declared" if declared else None


def refuse(session: Session, one: Evaluator, row: Application) -> None:
    """Raises ``Conflict`` (``conflict_of_interest``)."""
    found = conflicts(session, [one], [row]).get((row.id, one.id))
    if found is not None:
        raise Conflict(f"evaluator {one.id} has a conflict of interest with application {row.id}",
                       code="conflict_of_interest", field="evaluator", found=found,
                       expected="an evaluator without a conflict")  # fmt: skip


def _homes(session: Session, people: Iterable[int]) -> defaultdict[int, set[int]]:
    query = select(Membership.person_id, Membership.organisation_id).where(Membership.person_id.in_(list(people)))
    return _sets((row.person_id, row.organisation_id) for row in session.execute(query))


def _partners(session: Session, applications: Iterable[int]) -> defaultdict[int, set[int]]:
    query = select(Member.application_id, Member.organisation_id)
    wanted = query.where(Member.application_id.in_(list(applications)), Member.state != "declined")
    return _sets((row.application_id, row.organisation_id) for row in session.execute(wanted))


def _declared(session: Session, evaluators: Iterable[int]) -> set[Pair]:
    query = select(ReviewBid.application_id, ReviewBid.evaluator_id)
    wanted = query.where(ReviewBid.evaluator_id.in_(list(evaluators)), ReviewBid.bid == "conflict")
    return {(row.application_id, row.evaluator_id) for row in session.execute(wanted)}


def _sets(rows: Iterable[tuple[int, int]]) -> defaultdict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for key, value in rows:
        found[key].add(value)
    return found
