"""Writing notices, in the unit that makes true what they tell. Sending them is ``sending``'s, and never in its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gops.accounts.model import Membership, Person
from gops.clock import HOUR
from gops.notify.model import Notice, NoticeHook, NoticeWish

APPLICANTS = ("owner", "applicant")
PUBLISHERS = ("owner", "publisher")
OPERATORS = ("operator",)
RECEIVERS = 50  # people of one organisation that one notice goes to, the longest members first
ROWS_A_STATEMENT = 500
IDS_A_STATEMENT = 500


@dataclass(frozen=True)
class Tiding:
    """What happened to ``subject_id``, for those who hold one of ``roles`` in an organisation, and for its webhook.

    ``facts``: JSON. A value that is a mapping of ``ko`` and ``en`` is shown in the reader's language, one whose name
    ends in ``_at`` is a moment. ``key`` tells apart what happens to one subject within an hour. ``people``: of these
    alone, and not to the webhook.
    """

    event: str
    subject_id: int
    organisation_id: int
    roles: Sequence[str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    people: frozenset[int] | None = None


def tell(session: Session, now: int, *tidings: Tiding) -> None:
    """Write a notice for each receiver. The same event of the same subject is told once an hour, however often it
    comes: who takes something back and forth fills no letter boxes."""
    hooked, people = _receivers(session, tidings)
    rows = [row for tiding in tidings for row in _rows(tiding, hooked, people, now)]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        some = rows[start : start + ROWS_A_STATEMENT]
        session.execute(dialect.insert(Notice).values(some).on_conflict_do_nothing(index_elements=["once"]))


def _rows(
    tiding: Tiding, hooked: set[int], people: Mapping[tuple[int, str], Sequence[int]], now: int
) -> Iterator[dict[str, Any]]:
    home = tiding.organisation_id
    found = {person: None for role in tiding.roles for person in people.get((home, role), ())}
    if tiding.people is not None:
        found = {person: None for person in found if person in tiding.people}
    hook = [None] if home in hooked and tiding.people is None else []
    for person in [*list(found)[:RECEIVERS], *hook]:
        to = f"p{person}" if person is not None else f"o{home}"
        yield {
            "at": now,
            "event": tiding.event,
            "subject_id": tiding.subject_id,
            "organisation_id": home,
            "person_id": person,
            "facts": dict(tiding.facts),
            "once": f"{tiding.event} {tiding.subject_id} {tiding.key} {to} {now // HOUR}",
            "state": "waiting",
            "attempts": 0,
            "begun_at": now,
            "next_at": now,
        }


def _receivers(session: Session, tidings: Iterable[Tiding]) -> tuple[set[int], dict[tuple[int, str], list[int]]]:
    """The organisations that have a webhook; by organisation and role the people who have an address and want mail."""
    homes = sorted({tiding.organisation_id for tiding in tidings})
    roles = sorted({role for tiding in tidings for role in tiding.roles})
    hooked: set[int] = set()
    people: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for start in range(0, len(homes), IDS_A_STATEMENT):
        some = homes[start : start + IDS_A_STATEMENT]
        hooked |= set(session.scalars(select(NoticeHook.organisation_id).where(NoticeHook.organisation_id.in_(some))))
        query = select(Membership.organisation_id, Membership.role, Membership.person_id)
        query = query.join(Person, Person.id == Membership.person_id)
        query = query.outerjoin(NoticeWish, NoticeWish.person_id == Person.id)
        query = query.where(Membership.organisation_id.in_(some), Membership.role.in_(roles))
        query = query.where(Person.email.is_not(None), or_(NoticeWish.mail.is_(None), NoticeWish.mail.is_(True)))
        for home, role, person in session.execute(query.order_by(Membership.id)):
            people[home, role].append(person)
    return hooked, people
