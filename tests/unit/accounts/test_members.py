"""Roles: given and taken by owners; those at the operator by its owners alone; the last owner stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gops.accounts.members import Members
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS, PLATFORM_ROLES, ROLES
from gops.records.audit import AuditRow
from gops.records.events import Event
from tests.conftest import People
from tests.unit.accounts.conftest import HOSTILE_LINES


def roles(members: Members, actor: Any, slug: str) -> set[tuple[str | None, str]]:
    return {(row.email, row.role) for row in members.list(actor, slug)}


@pytest.mark.parametrize("role", ROLES)
def test_an_owner_gives_a_role(members: Members, people: People, role: str) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    given = members.add(owner, "suwon", "Lee@example.kr", "Lee", role)
    assert (given.email, given.name, given.role) == ("lee@example.kr", "Lee", role)
    assert ("lee@example.kr", role) in roles(members, owner, "suwon")


def test_giving_and_taking_is_audited_and_told(
    members: Members, people: People, audited: Callable[[], list[AuditRow]], told: Callable[[], list[Event]]
) -> None:
    home = people.organisation("suwon")
    owner = people.actor(home, "owner")
    given = members.add(owner, "suwon", "lee@example.kr", "Lee", "viewer")
    members.remove(owner, "suwon", given.person_id, "viewer")
    assert [(row.action, row.record_id, row.organisation_id, row.detail) for row in audited()] == [
        ("member.add", given.person_id, home.id, {"role": "viewer"}),
        ("member.remove", given.person_id, home.id, {"role": "viewer"}),
    ]
    payload = {"person": given.person_id, "organisation": home.id}
    assert [(event.kind, event.payload) for event in told()] == [("member.changed", payload)] * 2


def test_giving_a_role_twice_changes_nothing(
    members: Members, people: People, audited: Callable[[], list[AuditRow]]
) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    first = members.add(owner, "suwon", "lee@example.kr", "Lee", "viewer")
    assert members.add(owner, "suwon", "LEE@example.kr", "Other", "viewer") == first
    assert len(audited()) == 1


def test_one_person_is_one_in_all_organisations(members: Members, people: People) -> None:
    """Each sees the name that it gave: knowing an address does not tell what others call its owner."""
    one = people.actor(people.organisation("suwon"), "owner")
    two = people.actor(people.organisation("yongin"), "owner")
    first = members.add(one, "suwon", "lee@example.kr", "Lee", "viewer")
    second = members.add(two, "yongin", "lee@example.kr", "Renamed", "owner")
    assert second.person_id == first.person_id
    assert second.name == "Renamed"
    assert "Lee" not in {row.name for row in members.list(two, "yongin")}
    assert "Lee" in {row.name for row in members.list(one, "suwon")}


@pytest.mark.parametrize("role", ["publisher", "applicant", "viewer"])
def test_who_is_no_owner_gives_nothing(members: Members, people: People, role: str) -> None:
    actor = people.actor(people.organisation("suwon"), role)
    with pytest.raises(Forbidden):
        members.add(actor, "suwon", "lee@example.kr", "Lee", "viewer")
    with pytest.raises(Forbidden):
        members.remove(actor, "suwon", actor.person_id or 0, role)


def test_an_owner_gives_nothing_in_another_organisation(members: Members, people: People) -> None:
    people.organisation("yongin")
    owner = people.actor(people.organisation("suwon"), "owner")
    with pytest.raises(Forbidden):
        members.add(owner, "yongin", "lee@example.kr", "Lee", "viewer")
    with pytest.raises(Forbidden):
        members.list(owner, "yongin")


def test_the_anonymous_give_and_see_nothing(members: Members, people: People) -> None:
    people.organisation("suwon")
    with pytest.raises(Unauthenticated):
        members.add(ANONYMOUS, "suwon", "lee@example.kr", "Lee", "viewer")
    with pytest.raises(Unauthenticated):
        members.list(ANONYMOUS, "suwon")


@pytest.mark.parametrize("role", ["applicant", "viewer"])
def test_addresses_are_not_shown_to_who_only_reads(members: Members, people: People, role: str) -> None:
    """Everybody who signs up is a viewer of one organisation."""
    with pytest.raises(Forbidden):
        members.list(people.actor(people.organisation("suwon"), role), "suwon")


def test_the_operator_gives_roles_in_any_other_organisation(members: Members, people: People) -> None:
    people.organisation("suwon")
    assert members.add(people.operator(), "suwon", "lee@example.kr", "Lee", "owner").role == "owner"


@pytest.mark.parametrize("role", [*ROLES, *PLATFORM_ROLES])
def test_an_operator_who_is_no_owner_cannot_raise_themselves(members: Members, people: People, role: str) -> None:
    operator = people.actor(people.organisation("gops", "operator"), "operator")
    with pytest.raises(Forbidden):
        members.add(operator, "gops", "lee@example.kr", "Lee", role)


@pytest.mark.parametrize("role", PLATFORM_ROLES)
def test_the_operators_owner_gives_and_takes_platform_roles(members: Members, people: People, role: str) -> None:
    owner = people.actor(people.organisation("gops", "operator"), "owner")
    given = members.add(owner, "gops", "lee@example.kr", "Lee", role)
    members.remove(owner, "gops", given.person_id, role)
    assert ("lee@example.kr", role) not in roles(members, owner, "gops")


@pytest.mark.parametrize("role", PLATFORM_ROLES)
def test_no_other_organisation_gives_platform_roles(members: Members, people: People, role: str) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    people.organisation("gops", "operator")
    with pytest.raises(Invalid) as raised:
        members.add(owner, "suwon", "lee@example.kr", "Lee", role)
    assert (raised.value.code, raised.value.field, raised.value.found) == ("platform_role", "role", role)


def test_the_last_owner_stays(members: Members, people: People) -> None:
    home = people.organisation("suwon")
    owner = people.actor(home, "owner", "publisher")
    with pytest.raises(Conflict) as raised:
        members.remove(owner, "suwon", owner.person_id or 0, "owner")
    assert raised.value.code == "last_owner"
    members.remove(owner, "suwon", owner.person_id or 0, "publisher")


def test_an_owner_may_go_when_there_is_another(members: Members, people: People) -> None:
    home = people.organisation("suwon")
    owner = people.actor(home, "owner")
    people.member(home, "owner")
    members.remove(owner, "suwon", owner.person_id or 0, "owner")
    assert owner.person_id not in {row.person_id for row in members.list(people.actor(home, "owner"), "suwon")}


@pytest.mark.parametrize("person", [0, -1, 404, 2**63, 10**30])
def test_taking_from_nobody_is_not_found(members: Members, people: People, person: int) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    with pytest.raises(NotFound):
        members.remove(owner, "suwon", person, "viewer")


def test_taking_a_role_that_is_not_held_is_not_found(members: Members, people: People) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    with pytest.raises(NotFound):
        members.remove(owner, "suwon", owner.person_id or 0, "viewer")


@pytest.mark.parametrize("role", ["root", "", "OWNER", None, 1])
def test_a_role_that_does_not_exist_is_refused(members: Members, people: People, role: Any) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    with pytest.raises(Invalid) as raised:
        members.add(owner, "suwon", "lee@example.kr", "Lee", role)
    assert raised.value.field == "role"


@pytest.mark.parametrize("name", HOSTILE_LINES)
def test_a_hostile_name_is_refused(members: Members, people: People, name: Any) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    with pytest.raises(Invalid) as raised:
        members.add(owner, "suwon", "lee@example.kr", name, "viewer")
    assert raised.value.field == "name"


def test_the_list_is_paged_by_membership(members: Members, people: People) -> None:
    home = people.organisation("suwon")
    owner = people.actor(home, "owner")
    people.member(home, "viewer", "publisher")
    first = members.list(owner, "suwon", limit=2)
    rest = members.list(owner, "suwon", after=first[-1].id)
    assert [row.role for row in (*first, *rest)] == ["owner", "viewer", "publisher"]
