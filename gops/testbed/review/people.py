"""People who are assigned to a call: found by mail address and organisation, and as who they act."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.accounts.lookup import organisation
from gops.accounts.model import Membership, Organisation, Person
from gops.errors import Conflict
from gops.permissions import Actor, missing, require
from gops.testbed.model import Application, Call
from gops.testbed.review.model import Evaluator

REVIEWED = ("eligible", "scored")
"""States of the applications of a closed call that are judged."""


def member(session: Session, email: str, organisation_slug: str) -> tuple[Person, Organisation]:
    """A person with a role in the organisation. Raises ``NotFound``, whichever of the two is not there."""
    home = organisation(session, organisation_slug)
    query = select(Person).join(Membership, Membership.person_id == Person.id)
    of_it = query.where(Membership.organisation_id == home.id, Person.email == names.email(email)).limit(1)
    found = session.scalar(of_it)
    if found is None:
        raise missing("member of the organisation")
    return found, home


def organisations(session: Session, slugs: Iterable[str]) -> list[int]:
    return sorted({organisation(session, slug).id for slug in slugs})


def evaluator(session: Session, actor: Actor, call: Call) -> Evaluator:
    """As whom the actor judges in the call. Raises ``NotFound``, ``Unauthenticated`` or ``Forbidden``."""
    require(actor, "review.write", actor.organisation_id)
    query = select(Evaluator).where(Evaluator.call_id == call.id, Evaluator.person_id == actor.person_id)
    found = session.scalar(query)
    if found is None:
        raise missing("evaluator of this call")
    return found


def refuse_unless_closed(call: Call) -> None:
    """Raises ``Conflict`` (``call_not_closed``)."""
    if call.state != "closed":
        raise Conflict(f"the call {call.slug} is {call.state}", code="call_not_closed", field="call",
                       found=call.state, expected="a call that is closed and not yet scored")  # fmt: skip


def to_judge(session: Session, call: Call) -> dict[int, Application]:
    """The eligible applications of a closed call, by id in their order."""
    query = select(Application).where(Application.call_id == call.id, Application.state.in_(REVIEWED))
    return {row.id: row for row in session.scalars(query.order_by(Application.id))}
