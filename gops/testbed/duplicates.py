"""Likely duplicates of an application among those that whoever asks may know of.

An applicant learns of its own, of those of its consortia, and of those that are public because their call is final;
the operator and the call's owner of all that they see. Nobody learns here that a rival applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
STOOD = ("offered", "reserve", "rejected", "accepted", "declined", "lapsed")


@dataclass(frozen=True)
class Duplicate:
    """``title`` and ``organisation_id`` are what is public of an application of a final call."""

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
            final = Application.call_id.in_(select(Call.id).where(Call.state == "final"))
            public = final & Application.state.in_(STOOD)
            found = alike(session, row, or_(public, visibility.applications_seen(actor)))
            calls = {one.call_id for one, _ in found}
            named = session.execute(select(Call.id, Call.slug).where(Call.id.in_(calls)))
            slugs = {one.id: one.slug for one in named}
        return [_duplicate(one, slugs, like) for one, like in found]


def alike(session: Session, row: Application, among: ColumnElement[bool]) -> list[tuple[Application, Likeness]]:
    """At most ``SHOWN`` likely duplicates of ``row``, the likest first."""
    same_site = select(ApplicationSite.application_id).where(ApplicationSite.site_id.in_(row.sites))
    shares: ColumnElement[bool] = Application.id.in_(same_site)
    if row.theme is not None:
        shares = or_(shares, Application.theme == row.theme)
    query = select(Application).where(Application.id != row.id, Application.state.not_in(OVER), shares, among)
    found = {one.id: one for one in session.scalars(query.order_by(Application.id.desc()).limit(COMPARED))}
    best = likely(_described(row), [(name, _described(one)) for name, one in found.items()], SHOWN)
    return [(found[name], like) for name, like in best]


def _duplicate(row: Application, slugs: Mapping[int, str], like: Likeness) -> Duplicate:
    return Duplicate(row.id, slugs[row.call_id], row.title, row.organisation_id, like)


def _described(row: Application) -> Described:
    technology = details.of(row.details)["technology"]
    return Described(row.theme, technology, row.sites, row.first_start, row.last_start + row.duration)
