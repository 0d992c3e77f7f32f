"""Sign-up: a key for anybody at once, that nobody can use to become or to find somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from gops.accounts.bootstrap import initialise
from gops.accounts.keys import Keys
from gops.accounts.members import Members
from gops.accounts.model import Person
from gops.accounts.organisations import Organisations
from gops.accounts.signup import Signup
from gops.clock import DAY, FixedClock
from gops.errors import Invalid, Unauthenticated, Unavailable
from gops.permissions import ACTIONS, permits
from gops.records.audit import AuditRow
from gops.records.database import Database
from gops.settings import Settings
from tests.unit.accounts.conftest import HOSTILE_LINES


class Letters:
    """An outbox that remembers, and may be full."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.full = False

    def put(self, to: str, subject: str, text: str) -> None:
        if self.full:
            raise Unavailable("full")
        self.sent.append((to, subject, text))


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def operators_key(database: Database, clock: FixedClock, settings: Settings) -> Iterator[str]:
    text = initialise(database, clock, settings)
    assert text is not None
    return text


@pytest.fixture
def signup(database: Database, clock: FixedClock, settings: Settings, letters: Letters, operators_key: str) -> Signup:
    return Signup(database, clock, settings, letters)


def test_anybody_gets_a_key_at_once(signup: Signup, keys: Keys) -> None:
    actor = keys.authenticate(signup.signup("kim@example.kr", "Kim"))
    assert (actor.scopes, actor.roles, actor.platform_roles) == ({"data:read"}, {"viewer"}, frozenset())


def test_the_key_is_of_the_public_organisation_and_may_deal_with_itself_there_and_support_demands(
    signup: Signup, keys: Keys, organisations: Organisations
) -> None:
    actor = keys.authenticate(signup.signup("kim@example.kr", "Kim"))
    assert actor.organisation_id == organisations.get("public").id
    allowed = {action for action in ACTIONS if permits(actor, action, actor.organisation_id)}
    assert allowed == {"key.own", "demand.support"}


def test_the_key_ends(signup: Signup, keys: Keys, clock: FixedClock, settings: Settings) -> None:
    text = signup.signup("kim@example.kr", "Kim")
    clock.move(microseconds=settings.signup_key_days * DAY)
    with pytest.raises(Unauthenticated):
        keys.authenticate(text)


def test_an_address_that_is_known_gets_the_same_answer(signup: Signup, keys: Keys, settings: Settings) -> None:
    """Known from sign-up, or as that of the operator: a key all the same, of a person of its own."""
    seen = set()
    for email in ("kim@example.kr", "kim@example.kr", "KIM@example.kr", settings.operator_email):
        actor = keys.authenticate(signup.signup(email, "Kim"))
        assert (actor.scopes, actor.roles) == ({"data:read"}, {"viewer"})
        seen.add(actor.person_id)
    assert len(seen) == 4


def test_who_signs_up_with_the_address_of_another_is_not_that_other(
    signup: Signup, keys: Keys, members: Members, operators_key: str, organisations: Organisations
) -> None:
    """Not of one who is here already, and not of one who comes later."""
    operator = keys.authenticate(operators_key)
    squatter = signup.signup("lee@example.kr", "not Lee")
    organisations.create(operator, "suwon", "municipality", "수원시", "Suwon")
    lee = members.add(operator, "suwon", "lee@example.kr", "Lee", "owner")
    late = signup.signup("lee@example.kr", "not Lee either")
    for text in (squatter, late):
        actor = keys.authenticate(text)
        assert actor.person_id != lee.person_id
        assert not permits(actor, "member.change", organisations.get("suwon").id)
        assert [key.label for key in keys.list(actor)] == ["sign-up"]


def test_the_address_gets_a_letter_without_the_secret(signup: Signup, letters: Letters) -> None:
    text = signup.signup("Kim@Example.kr", "Kim")
    ((to, subject, body),) = letters.sent
    assert to == "kim@example.kr"
    assert "GOPS" in subject
    assert text[:13] in body
    assert text.split("_", 2)[2] not in body


def test_a_full_outbox_costs_the_letter_and_not_the_key(signup: Signup, keys: Keys, letters: Letters) -> None:
    letters.full = True
    assert keys.authenticate(signup.signup("kim@example.kr", "Kim")).person_id is not None


def test_signing_up_is_audited_without_the_address(
    signup: Signup, keys: Keys, audited: Callable[[], list[AuditRow]]
) -> None:
    actor = keys.authenticate(signup.signup("kim@example.kr", "Kim"))
    row = audited()[-1]
    assert (row.action, row.record_id, row.detail) == ("person.signup", actor.person_id, {})


@pytest.mark.parametrize("email", ["", "kim", "kim@", "kim@example.kr\nBcc: all@example.kr", "x" * 300, None, 7])
def test_no_address_no_key(signup: Signup, letters: Letters, database: Database, email: Any) -> None:
    with pytest.raises(Invalid) as raised:
        signup.signup(email, "Kim")
    assert raised.value.field == "email"
    assert letters.sent == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 1


@pytest.mark.parametrize("name", HOSTILE_LINES)
def test_a_hostile_name_is_refused(signup: Signup, name: Any) -> None:
    with pytest.raises(Invalid) as raised:
        signup.signup("kim@example.kr", name)
    assert raised.value.field == "name"


def test_signing_up_works_after_the_public_organisation_has_another_slug(
    signup: Signup, keys: Keys, organisations: Organisations, operators_key: str
) -> None:
    organisations.edit(keys.authenticate(operators_key), "public", new_slug="everybody")
    assert keys.authenticate(signup.signup("kim@example.kr", "Kim")).roles == {"viewer"}
