"""The first start: tables, the operator's organisation and person, and the organisation of who signs up."""

from __future__ import annotations

from sqlalchemy import select

from gops.accounts import checks
from gops.accounts.granting import KeyMaker, Wish
from gops.accounts.lookup import PUBLIC
from gops.accounts.model import Membership, Organisation, Person
from gops.clock import Clock
from gops.errors import BadSetting
from gops.permissions import SCOPES, Actor
from gops.records import audit, migrate
from gops.records.database import Database, serialise
from gops.settings import Settings

FIRST_ROLES = ("owner", "operator")


def initialise(database: Database, clock: Clock, settings: Settings) -> str | None:
    """Migrate, and on the first time make the operator. The operator's key, shown this once; None when all is there.

    Processes that start at once take turns: one gets the key.
    """
    if settings.operator_slug == PUBLIC:
        raise BadSetting(
            f"GOPS_OPERATOR_SLUG: {PUBLIC} is the organisation of who signs up",
            field="GOPS_OPERATOR_SLUG",
            found=PUBLIC,
            expected="another slug",
        )
    migrate.upgrade(database)
    now = clock.micros()
    with database.write() as session:
        serialise(session, "initialise")
        if session.scalar(select(Organisation.id).where(Organisation.kind == "operator")) is not None:
            return None
        operator = Organisation(kind="operator", name_ko="운영기관", name_en="Operator", created_at=now)
        operator.slug = checks.slug(settings.operator_slug, "GOPS_OPERATOR_SLUG")
        public = Organisation(kind="citizen_group", name_ko="일반 이용자", name_en="Public", created_at=now)
        public.slug = PUBLIC
        person = Person(name="Operator", created_at=now)
        person.email = checks.email(settings.operator_email, "GOPS_OPERATOR_EMAIL")
        session.add_all([operator, public, person])
        session.flush()
        for role in FIRST_ROLES:
            session.add(Membership(person_id=person.id, organisation_id=operator.id, role=role))
        audit.record(session, now, Actor(), "platform.initialise", "organisation", operator.id, operator.id)
        wish = Wish("first key", SCOPES, settings.key_days_max)
        _key, text = KeyMaker(clock, settings).make(session, None, person.id, operator.id, wish)
    return text
