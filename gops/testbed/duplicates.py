"""Likely duplicates of an application among those that whoever asks sees.

An applicant learns of its own and of those of its consortia, the operator and the call's owner of all that they see.
Nobody learns here that a rival applied, nor, by trying words on a draft, what a rival wrote: what is confidential to
whoever asks is not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from gops.permissions import Actor
from gops.records.database import Database
from gops.testbed import details, visibility
from gops.testbed.likeness import Described, Likeness, likely
from gops.testbed.model import Application, ApplicationSite, Call

COMPARED = 2000  # the newest that share a theme or a site with it
SHOWN = 20
OVER = ("draft", "withdrawn")


@dataclass(frozen=True)
class Duplicate:
    id: int
    call: str
    title: str
    organisation_id: int
    likeness: Likeness


class Duplicates:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, actor: Actor, application_id: int) -> Sequence[Duplicate]:
        """The likest first. Raises ``NotFound``."""
        with self._database.read() as session:
            row = visibility.application(session, actor, application_id)
            found = alike(session, row, visibility.applications_seen(actor), actor)
            calls = {one.call_id for one, _ in found}
            named = session.execute(select(Call.id, Call.slug).where(Call.id.in_(calls)))
            slugs = {one.id: one.slug for one in named}
        return [_duplicate(one, slugs, like) for one, like in found]


def alike(
    session: Session, row: Application, among: ColumnElement[bool], actor: Actor | None = None
) -> list[tuple[Application, Likeness]]:
    """At most ``SHOWN`` likely duplicates of ``row``, the likest first; without ``actor`` all of each is compared."""
    same_site = select(ApplicationSite.application_id).where(ApplicationSite.site_id.in_(row.sites))
    shares: ColumnElement[bool] = Application.id.in_(same_site)
    if row.theme is not None:
        shares = or_(shares, Application.theme == row.theme)
    query = select(Application).where(Application.id != row.id, Application.state.not_in(OVER), shares, among)
    found = {one.id: one for one in session.scalars(query.order_by(Application.id.desc()).limit(COMPARED))}
    rows = [row, *found.values()]
    whole = {one.id for one in rows} if actor is None else visibility.sees_confidential(session, actor, rows)
    others = [(name, _described(one, whole)) for name, one in found.items()]
    best = likely(_described(row, whole), others, SHOWN)
    return [(found[name], like) for name, like in best]


def _duplicate(row: Application, slugs: Mapping[int, str], like: Likeness) -> Duplicate:
    return Duplicate(row.id, slugs[row.call_id], row.title, row.organisation_id, like)


def _described(row: Application, whole: Collection[int]) -> Described:
    said = details.of(row.details)
    technology = details.without_confidential(said).get("technology", ()) if row.id not in whole else said["technology"]
    return Described(row.theme, technology, row.sites, row.first_start, row.last_start + row.duration)
