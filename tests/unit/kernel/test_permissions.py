"""Who may do what, cell by cell, against a table written by hand from docs and not from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from gops.errors import Forbidden, NotFound, Unauthenticated
from gops.permissions import (
    ACTIONS,
    ANONYMOUS,
    PLATFORM_ROLES,
    ROLES,
    SCOPES,
    Action,
    Actor,
    document,
    missing,
    permits,
    require,
)

ROOT = Path(__file__).parents[3]
HOME, ELSEWHERE, OPERATOR = 1, 2, 9
EVERYTHING = frozenset(SCOPES)

# own: who may in their own organisation; everywhere: who may in any, with platform:admin
BY_ROLE: dict[str, tuple[str, str]] = {
    # action                     own                everywhere
    "organisation.create":      ("",                "operator"),
    "organisation.edit":        ("owner",           "operator"),
    "member.list":              ("owner publisher", "operator auditor"),
    "member.change":            ("owner",           "operator"),
    "key.issue_for":            ("owner",           ""),
    "key.administer":           ("owner",           "operator"),
    "device.list":              ("owner publisher", ""),
    "device.change":            ("owner publisher", ""),
    "registry.read_private":    ("owner publisher", ""),
    "registry.change":          ("owner publisher", ""),
    "observation.read_private": ("owner publisher", ""),
    "observation.write":        ("owner publisher", ""),
    "observation.correct":      ("owner publisher", ""),
    "retention.change":         ("owner",           ""),
    "refusal.read":             ("owner publisher", ""),
    "refusal.count":            ("owner publisher", "operator auditor"),
    "refusal.replay":           ("owner publisher", ""),
    "dataset.publish":          ("owner publisher", ""),
    "dataset.review":           ("owner",           ""),
    "dataset.read_private":     ("owner publisher", ""),
    "feed.read":                ("owner publisher", ""),
    "feed.change":              ("owner publisher", ""),
    "alert.read":               ("owner publisher", ""),
    "alert.change":             ("owner publisher", ""),
    "site.change":              ("owner publisher", ""),
    "slot.book":                ("owner publisher", ""),
    "demand.change":            ("owner publisher applicant", ""),
    "demand.support":           ("owner publisher applicant viewer", ""),
    "call.change":              ("owner publisher", ""),
    "application.read":         ("owner applicant", "operator auditor"),
    "application.write":        ("owner applicant", ""),
    "application.review":       ("owner publisher", "operator"),
    "review.write":             ("owner publisher applicant viewer", ""),
    "review.read":              ("",                "auditor"),
    "regulation.answer":        ("owner publisher applicant viewer", ""),
    "round.run":                ("",                "operator"),
    "round.key":                ("",                "operator auditor"),
    "audit.read":               ("owner",           "operator auditor"),
}  # fmt: skip
BY_SCOPE: dict[str, str] = {
    "organisation.create":      "platform:admin",
    "organisation.edit":        "org:admin platform:admin",
    "member.list":              "org:admin platform:admin",
    "member.change":            "org:admin platform:admin",
    "platform_role.change":     "platform:admin",
    "key.issue_for":            "org:admin",
    "key.administer":           "org:admin platform:admin",
    "device.list":              "data:read",
    "device.change":            "data:write",
    "registry.read_private":    "data:read",
    "registry.change":          "data:write",
    "observation.read_private": "data:read",
    "observation.write":        "data:write",
    "observation.correct":      "data:write",
    "retention.change":         "data:write",
    "refusal.read":             "data:read",
    "refusal.count":            "data:read platform:admin",
    "refusal.replay":           "data:write",
    "dataset.publish":          "catalog:write",
    "dataset.review":           "catalog:write",
    "dataset.read_private":     "data:read catalog:write",
    "feed.read":                "data:read",
    "feed.change":              "data:write",
    "alert.read":               "data:read",
    "alert.change":             "data:write",
    "site.change":              "testbed:run",
    "slot.book":                "testbed:run",
    "demand.change":            "testbed:apply testbed:run",
    "demand.support":           "data:read testbed:apply testbed:run",
    "call.change":              "testbed:run",
    "application.read":         "testbed:apply platform:admin",
    "application.write":        "testbed:apply",
    "application.review":       "testbed:review testbed:run platform:admin",
    "review.write":             "testbed:review",
    "review.read":              "platform:admin",
    "regulation.answer":        "testbed:review",
    "round.run":                "platform:admin",
    "round.key":                "platform:admin",
    "audit.read":               "org:admin platform:admin",
}  # fmt: skip
SPECIAL = {"platform_role.change", "key.own"}


def holder(*roles: str, scopes: frozenset[str] = EVERYTHING, home: int = HOME) -> Actor:
    return Actor(
        person_id=7,
        key_id=8,
        organisation_id=home,
        roles=frozenset(roles) & frozenset(ROLES),
        platform_roles=frozenset(roles) & frozenset(PLATFORM_ROLES),
        scopes=scopes,
    )


def test_the_tables_here_speak_of_every_action() -> None:
    assert set(BY_ROLE) | SPECIAL == set(ACTIONS) == set(get_args(Action))
    assert set(BY_SCOPE) | {"key.own"} == set(ACTIONS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", sorted(BY_ROLE))
def test_a_role_in_its_own_organisation(role: str, action: Any) -> None:
    assert permits(holder(role), action, HOME) is (role in BY_ROLE[action][0].split())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("place", [ELSEWHERE, None])
def test_a_role_counts_for_nothing_elsewhere(role: str, action: Any, place: int | None) -> None:
    assert not permits(holder(role), action, place)


@pytest.mark.parametrize("role", PLATFORM_ROLES)
@pytest.mark.parametrize("action", sorted(BY_ROLE))
@pytest.mark.parametrize("place", [OPERATOR, HOME, ELSEWHERE, None])
def test_a_platform_role_holds_everywhere_or_nowhere(role: str, action: Any, place: int | None) -> None:
    assert permits(holder(role, home=OPERATOR), action, place) is (role in BY_ROLE[action][1].split())


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("action", sorted(BY_ROLE))
def test_a_scope_narrows_what_an_owner_may(scope: str, action: Any) -> None:
    allowed = "owner" in BY_ROLE[action][0].split() and scope in BY_SCOPE[action].split()
    assert permits(holder("owner", scopes=frozenset({scope})), action, HOME) is allowed


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("action", sorted(BY_ROLE))
def test_a_platform_role_needs_the_scope_of_the_platform(scope: str, action: Any) -> None:
    actor = holder("operator", scopes=frozenset({scope}), home=OPERATOR)
    allowed = "operator" in BY_ROLE[action][1].split() and scope == "platform:admin"
    assert permits(actor, action, ELSEWHERE) is allowed


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("place", [HOME, ELSEWHERE, None])
def test_the_anonymous_may_nothing(action: Any, place: int | None) -> None:
    assert not permits(ANONYMOUS, action, place)


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"key.own"}))
def test_scopes_without_a_role_and_roles_without_a_scope_are_nothing(action: Any) -> None:
    assert not permits(holder(scopes=EVERYTHING), action, HOME)
    assert not permits(holder(*ROLES, *PLATFORM_ROLES, scopes=frozenset()), action, HOME)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_unknown_role_or_scope_is_nothing(action: Any) -> None:
    odd = Actor(
        person_id=1,
        organisation_id=HOME,
        roles=frozenset({"root", "operator"}),
        platform_roles=frozenset({"owner"}),
        scopes=frozenset({"*", ""}),
    )
    assert permits(odd, action, HOME) is (action == "key.own")


@pytest.mark.parametrize(
    ("owns", "scopes", "allowed"),
    [
        (True, {"platform:admin"}, True),
        (True, set(SCOPES) - {"platform:admin"}, False),
        (False, set(SCOPES), False),
    ],
)
def test_roles_at_the_operator_are_its_owners_to_change(owns: bool, scopes: set[str], allowed: bool) -> None:
    actor = Actor(
        person_id=1,
        organisation_id=OPERATOR,
        roles=frozenset({"owner"}),
        platform_roles=frozenset({"operator"}),
        scopes=frozenset(scopes),
        owns_operator=owns,
    )
    assert permits(actor, "platform_role.change", OPERATOR) is allowed


@pytest.mark.parametrize("scope", [*SCOPES, None])
def test_any_key_may_deal_with_its_own_kind_at_home_alone(scope: str | None) -> None:
    actor = holder(scopes=frozenset({scope} if scope else ()))
    assert permits(actor, "key.own", HOME)
    assert not permits(actor, "key.own", ELSEWHERE)
    assert not permits(actor, "key.own", None)


def test_who_may_not_is_told_what_it_takes() -> None:
    with pytest.raises(Forbidden) as raised:
        require(holder("viewer"), "device.change", HOME)
    assert raised.value.found == "device.change"
    assert raised.value.expected == "a role of owner, publisher and a scope of data:write"


def test_the_anonymous_are_asked_for_a_key() -> None:
    with pytest.raises(Unauthenticated) as raised:
        require(ANONYMOUS, "device.change", HOME)
    assert "Bearer" in str(raised.value.expected)


def test_what_is_hidden_is_not_there_for_who_may_not() -> None:
    """The same answer, word for word, as where there is none."""
    with pytest.raises(NotFound) as raised:
        require(holder("owner"), "device.list", ELSEWHERE, hidden="device")
    assert (raised.value.message, raised.value.field) == (missing("device").message, "device")


def test_who_may_see_a_hidden_thing_is_told_that_they_may_not_change_it() -> None:
    reader = holder("owner", scopes=frozenset({"data:read"}))
    with pytest.raises(Forbidden):
        require(reader, "device.change", HOME, hidden="device", shown_by="device.list")
    with pytest.raises(NotFound):
        require(reader, "device.change", ELSEWHERE, hidden="device", shown_by="device.list")


def test_who_may_passes() -> None:
    require(holder("publisher"), "device.change", HOME, hidden="device")


def test_the_page_is_the_table() -> None:
    """Anew: python -m gops.permissions > docs/permissions.md"""
    assert (ROOT / "docs" / "permissions.md").read_text() == document()


@pytest.mark.parametrize("role", [*ROLES, *PLATFORM_ROLES])
@pytest.mark.parametrize("action", sorted(BY_ROLE))
def test_the_page_says_what_the_hand_written_table_says(role: str, action: str) -> None:
    section = document().split("## By role")[1].split("## By scope")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in section.splitlines() if "|" in line]
    columns = rows[0][1:]
    line = next(row for row in rows if row[0] == f"`{action}`")
    cell = dict(zip(columns, [*line[1:], *[""] * len(columns)], strict=False))[role]
    own, everywhere = (text.split() for text in BY_ROLE[action])
    assert cell == ("everywhere" if role in everywhere else "yes" if role in own else "")
