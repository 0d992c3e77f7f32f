"""Who sees and changes which site, call and application. What one may not see is ``NotFound``, in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session

from gops.errors import Unauthenticated
from gops.permissions import Action, Actor, missing, permits, require
from gops.records.paging import is_id
from gops.testbed import details
from gops.testbed.call_model import Member
from gops.testbed.model import Application, ApplicationSite, Call, Round, Site
from gops.testbed.review.model import Evaluator, Review

PUBLIC_CALLS = ("published", "open", "closed", "scored", "allocated", "final")
NOBODYS = 0  # no organisation has this id


def home_of(actor: Actor, action: Action) -> int:
    """The organisation in which the actor may do ``action``; ``NOBODYS`` where there is none."""
    home = actor.organisation_id
    return home if home is not None and permits(actor, action, home) else NOBODYS


def refuse_anonymous(actor: Actor) -> None:
    """For lists of what is nobody's but the asker's: without a key there is no such list."""
    if actor.is_anonymous:
        raise Unauthenticated("this list needs an API key", expected="Authorization: Bearer <key>")


def sites_seen(actor: Actor) -> ColumnElement[bool]:
    return or_(Site.state == "offered", Site.organisation_id == home_of(actor, "site.change"))


def site(session: Session, actor: Actor, site_id: int) -> Site:
    """Raises ``NotFound``."""
    found = session.scalar(select(Site).where(Site.id == site_id, sites_seen(actor))) if is_id(site_id) else None
    if found is None:
        raise missing("site")
    return found


def site_to_change(session: Session, actor: Actor, site_id: int, action: Action = "site.change") -> Site:
    """Locked. Raises ``NotFound``, ``Unauthenticated`` or ``Forbidden``."""
    query = select(Site).where(Site.id == site_id, sites_seen(actor))
    found = session.scalar(query.with_for_update(key_share=True)) if is_id(site_id) else None
    if found is None:
        raise missing("site")
    require(actor, action, found.organisation_id)
    return found


def calls_seen(actor: Actor) -> ColumnElement[bool]:
    """A call is public from its publication on, cancelled too if it was published by then."""
    public = or_(Call.state.in_(PUBLIC_CALLS), and_(Call.state == "cancelled", Call.published_at.is_not(None)))
    return or_(public, Call.organisation_id == home_of(actor, "call.change"))


def call(session: Session, actor: Actor, slug: str, *, lock: bool = False) -> Call:
    """Raises ``NotFound``."""
    query = select(Call).where(Call.slug == slug, calls_seen(actor))
    found = session.scalar(query.with_for_update(key_share=True) if lock else query)
    if found is None:
        raise missing("call")
    return found


def call_to_change(session: Session, actor: Actor, slug: str, action: Action = "call.change") -> Call:
    """Locked. Raises ``NotFound``, ``Unauthenticated`` or ``Forbidden``."""
    found = call(session, actor, slug, lock=True)
    require(actor, action, found.organisation_id)
    return found


def applications_seen(actor: Actor) -> ColumnElement[bool]:
    """Whole applications: of the own organisation or consortium; handed in to own calls or ranking own sites; assigned
    to review; all, for the operator and the auditor. Drafts are the applicants' alone."""
    own = _applies(home_of(actor, "application.read"))
    if permits(actor, "application.read", None) or permits(actor, "application.review", None):
        return or_(own, Application.state != "draft")
    own = or_(own, _judges(actor))
    home = home_of(actor, "application.review")
    in_own_call = exists().where(Call.id == Application.call_id, Call.organisation_id == home)
    at_own_site = exists().where(
        ApplicationSite.application_id == Application.id,
        ApplicationSite.site_id == Site.id,
        Site.organisation_id == home,
    )
    return or_(own, and_(Application.state != "draft", or_(in_own_call, at_own_site)))


def _judges(actor: Actor) -> ColumnElement[bool]:
    """Assigned to the actor as an evaluator, until the call is final or cancelled."""
    if not permits(actor, "review.write", actor.organisation_id):
        return false()
    return exists().where(
        Review.application_id == Application.id,
        Review.state != "removed",
        Evaluator.id == Review.evaluator_id,
        Evaluator.person_id == actor.person_id,
        Call.id == Evaluator.call_id,
        Call.state.in_(("closed", "scored", "allocated")),
    )


def _applies(home: int) -> ColumnElement[bool]:
    """Of the organisation, or of a consortium that it was asked to join and did not decline."""
    joins = exists().where(
        Member.application_id == Application.id, Member.organisation_id == home, Member.state != "declined"
    )
    return or_(Application.organisation_id == home, joins)


def application(session: Session, actor: Actor, application_id: int) -> Application:
    """Raises ``NotFound``."""
    query = select(Application).where(Application.id == application_id, applications_seen(actor))
    found = session.scalar(query) if is_id(application_id) else None
    if found is None:
        raise missing("application")
    return found


def application_to_change(session: Session, actor: Actor, application_id: int) -> Application:
    """Locked. Raises ``NotFound``, ``Unauthenticated`` or ``Forbidden``."""
    query = select(Application).where(Application.id == application_id, applications_seen(actor))
    found = session.scalar(query.with_for_update(key_share=True)) if is_id(application_id) else None
    if found is None:
        raise missing("application")
    require(actor, "application.write", found.organisation_id)
    return found


def hide_scores(session: Session, actor: Actor, rows: Sequence[Application]) -> None:
    """Before its round is published a score is seen by the call's owner, the operator and the auditor alone.

    The rows are read to be shown, in a unit that cannot write.
    """
    if permits(actor, "application.read", None):
        return
    calls = {row.call_id for row in rows}
    published = select(Round.call_id).where(Round.call_id.in_(calls), Round.published_at.is_not(None))
    own = select(Call.id).where(Call.id.in_(calls), Call.organisation_id == home_of(actor, "application.review"))
    shown = {*session.scalars(published), *session.scalars(own)}
    for row in rows:
        if row.call_id not in shown:
            row.score = None


def hide_confidential(session: Session, actor: Actor, rows: Sequence[Application]) -> None:
    """What an applicant calls confidential is seen by the consortium, the call's owner, operator and auditor.

    The rows are read to be shown, in a unit that cannot write.
    """
    shown = sees_confidential(session, actor, rows)
    for row in rows:
        if row.id not in shown and row.details is not None:
            row.verdicts = details.verdicts_shown(row.details, row.verdicts)
            row.details = details.without_confidential(row.details)


def sees_confidential(session: Session, actor: Actor, rows: Sequence[Application]) -> set[int]:
    """The ids of those of ``rows``, all of which the actor sees, that it sees with their confidential parts.

    Left out are municipalities that see an application for their sites alone.
    """
    if permits(actor, "application.read", None) or permits(actor, "application.review", None):
        return {row.id for row in rows}
    home = home_of(actor, "application.review")
    in_own_call = exists().where(Call.id == Application.call_id, Call.organisation_id == home)
    query = select(Application.id).where(
        Application.id.in_([row.id for row in rows]),
        or_(_applies(home_of(actor, "application.read")), _judges(actor), in_own_call),
    )
    return set(session.scalars(query))
