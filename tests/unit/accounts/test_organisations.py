"""Organisations: public to read, the operator's to make, their owners' to edit; a slug left behind redirects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gops.accounts.organisations import Organisations
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS, ORGANISATION_KINDS
from gops.records.audit import AuditRow
from gops.records.events import Event
from tests.conftest import People
from tests.unit.accounts.conftest import HOSTILE_LINES


def test_the_operator_makes_one_and_everybody_finds_it(organisations: Organisations, people: People) -> None:
    made = organisations.create(people.operator(), "suwon", "municipality", "수원시", "Suwon")
    found = organisations.get("suwon")
    assert (found.id, found.kind, found.name_ko, found.name_en) == (made.id, "municipality", "수원시", "Suwon")


def test_making_one_is_audited_and_told(
    organisations: Organisations,
    people: People,
    audited: Callable[[], list[AuditRow]],
    told: Callable[[], list[Event]],
) -> None:
    operator = people.operator()
    made = organisations.create(operator, "suwon", "municipality", "수원시", "Suwon")
    (row,) = audited()
    assert (row.action, row.noun, row.record_id, row.organisation_id) == (
        "organisation.create", "organisation", made.id, made.id,
    )  # fmt: skip
    assert (row.person_id, row.detail) == (operator.person_id, {"slug": "suwon", "kind": "municipality"})
    assert [(event.kind, event.payload) for event in told()] == [("organisation.changed", {"organisation": made.id})]


@pytest.mark.parametrize("role", ["owner", "publisher", "applicant", "viewer", "auditor"])
def test_nobody_else_makes_one(organisations: Organisations, people: People, role: str) -> None:
    home = people.organisation("gops", "operator") if role == "auditor" else people.organisation()
    with pytest.raises(Forbidden):
        organisations.create(people.actor(home, role), "suwon", "municipality", "수원시", "Suwon")


def test_the_anonymous_make_none(organisations: Organisations) -> None:
    with pytest.raises(Unauthenticated):
        organisations.create(ANONYMOUS, "suwon", "municipality", "수원시", "Suwon")


@pytest.mark.parametrize("kind", [kind for kind in ORGANISATION_KINDS if kind != "operator"])
def test_every_kind_but_the_operator_can_be_made(organisations: Organisations, people: People, kind: str) -> None:
    assert organisations.create(people.operator(), "suwon", kind, "수원시", "Suwon").kind == kind


def test_there_is_one_operator(organisations: Organisations, people: People) -> None:
    with pytest.raises(Invalid) as raised:
        organisations.create(people.operator(), "second", "operator", "둘", "Two")
    assert raised.value.field == "kind"
    assert "operator" not in str(raised.value.expected)


def test_a_slug_is_given_once(organisations: Organisations, people: People) -> None:
    operator = people.operator()
    organisations.create(operator, "suwon", "municipality", "수원시", "Suwon")
    with pytest.raises(Conflict) as raised:
        organisations.create(operator, "suwon", "company", "수원", "Suwon")
    assert (raised.value.code, raised.value.field, raised.value.found) == ("slug_taken", "slug", "suwon")


@pytest.mark.parametrize("name", HOSTILE_LINES)
@pytest.mark.parametrize("field", ["name_ko", "name_en"])
def test_a_hostile_name_is_refused(organisations: Organisations, people: People, field: str, name: Any) -> None:
    names = {"name_ko": "수원시", "name_en": "Suwon", field: name}
    with pytest.raises(Invalid) as raised:
        organisations.create(people.operator(), "suwon", "municipality", **names)
    assert raised.value.field == field
    with pytest.raises(NotFound):
        organisations.get("suwon")


def test_an_owner_edits_names(organisations: Organisations, people: People, told: Callable[[], list[Event]]) -> None:
    home = people.organisation("suwon")
    organisations.edit(people.actor(home, "owner"), "suwon", name_en="Suwon City")
    found = organisations.get("suwon")
    assert (found.name_en, found.name_ko) == ("Suwon City", home.name_ko)
    assert [event.kind for event in told()] == ["organisation.changed"]


def test_an_edit_that_changes_nothing_tells_nothing(
    organisations: Organisations,
    people: People,
    audited: Callable[[], list[AuditRow]],
    told: Callable[[], list[Event]],
) -> None:
    home = people.organisation("suwon")
    organisations.edit(people.actor(home, "owner"), "suwon", name_en=home.name_en, new_slug="suwon")
    assert (audited(), told()) == ([], [])


@pytest.mark.parametrize("role", ["publisher", "applicant", "viewer"])
def test_who_is_no_owner_edits_nothing(organisations: Organisations, people: People, role: str) -> None:
    home = people.organisation("suwon")
    with pytest.raises(Forbidden):
        organisations.edit(people.actor(home, role), "suwon", name_en="Mine")


def test_an_owner_edits_no_other_organisation(organisations: Organisations, people: People) -> None:
    people.organisation("suwon")
    with pytest.raises(Forbidden):
        organisations.edit(people.actor(people.organisation("yongin"), "owner"), "suwon", name_en="Mine")


def test_the_operator_edits_any(organisations: Organisations, people: People) -> None:
    people.organisation("suwon")
    assert organisations.edit(people.operator(), "suwon", name_en="Suwon City").name_en == "Suwon City"


def test_a_slug_that_was_left_redirects(organisations: Organisations, people: People) -> None:
    home = people.organisation("suwon")
    owner = people.actor(home, "owner")
    organisations.edit(owner, "suwon", new_slug="suwon-si")
    organisations.edit(owner, "suwon-si", new_slug="city-of-suwon")
    assert [organisations.find(slug)[1] for slug in ("suwon", "suwon-si", "city-of-suwon")] == [True, True, False]
    assert {organisations.get(slug).id for slug in ("suwon", "suwon-si", "city-of-suwon")} == {home.id}
    assert organisations.get("suwon").slug == "city-of-suwon"


def test_an_edit_by_a_former_slug_reaches_its_organisation(organisations: Organisations, people: People) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    organisations.edit(owner, "suwon", new_slug="suwon-si")
    assert organisations.edit(owner, "suwon", name_en="S").slug == "suwon-si"


def test_a_slug_that_was_left_goes_to_nobody_else(organisations: Organisations, people: People) -> None:
    operator = people.operator()
    people.organisation("suwon")
    people.organisation("yongin")
    organisations.edit(operator, "suwon", new_slug="suwon-si")
    with pytest.raises(Conflict, match="leads to it"):
        organisations.create(operator, "suwon", "company", "수원", "Suwon")
    with pytest.raises(Conflict, match="leads to it"):
        organisations.edit(operator, "yongin", new_slug="suwon")


def test_an_organisation_may_have_its_former_slug_back(organisations: Organisations, people: People) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    organisations.edit(owner, "suwon", new_slug="suwon-si")
    organisations.edit(owner, "suwon-si", new_slug="suwon")
    assert organisations.find("suwon")[1] is False
    assert organisations.find("suwon-si")[1] is True


def test_a_slug_that_another_has_cannot_be_taken(organisations: Organisations, people: People) -> None:
    people.organisation("yongin")
    owner = people.actor(people.organisation("suwon"), "owner")
    with pytest.raises(Conflict) as raised:
        organisations.edit(owner, "suwon", new_slug="yongin")
    assert raised.value.code == "slug_taken"
    assert organisations.get("suwon").slug == "suwon"


@pytest.mark.parametrize(
    "slug", ["nowhere", "", "UPPER", "x" * 10_000, "a'; DROP TABLE organisation; --", "a\0b", None]
)
def test_what_is_not_there_is_not_found(organisations: Organisations, slug: Any) -> None:
    with pytest.raises(NotFound):
        organisations.get(slug)


def test_the_list_is_public_ordered_and_paged(organisations: Organisations, people: People) -> None:
    made = [people.organisation().id for _ in range(5)]
    first = organisations.list(limit=2)
    rest = organisations.list(after=first[-1].id, limit=100)
    assert [row.id for row in (*first, *rest)] == made


@pytest.mark.parametrize(("after", "limit"), [(-1, 10), (0, 0), (0, -1), (2**63, 10), (0, 10**30)])
def test_a_page_that_cannot_be_is_refused(organisations: Organisations, after: int, limit: int) -> None:
    with pytest.raises(Invalid):
        organisations.list(after=after, limit=limit)
