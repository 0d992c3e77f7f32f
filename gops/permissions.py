"""Who may do what: one table, deny by default. Services call ``require``; nothing else decides.

An action is allowed to an actor in an organisation when one of the actor's roles there has it *and* one of the
key's scopes carries it. A key acts in its own organisation alone, with one exception: platform roles (operator,
auditor), which stand in the operator's organisation, hold everywhere; they need the scope ``platform:admin``, so that
a key made for anything else never carries them by accident. ``docs/permissions.md`` is generated from this table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from gops.errors import Forbidden, NotFound, Unauthenticated

OrganisationKind = Literal[
    "municipality", "company", "university", "institute", "citizen_group", "regulator", "operator"
]
Role = Literal["owner", "publisher", "applicant", "viewer"]
PlatformRole = Literal["operator", "auditor"]
Scope = Literal[
    "data:read",
    "data:write",
    "catalog:write",
    "testbed:apply",
    "testbed:review",
    "testbed:run",
    "org:admin",
    "platform:admin",
]
Action = Literal[
    "organisation.create",  # platform
    "organisation.edit",
    "member.list",
    "member.change",
    "platform_role.change",  # any role in the operator's organisation; by its owners
    "key.own",  # list, make and revoke keys of the same person and organisation
    "key.issue_for",  # a key for another member
    "key.administer",  # list and revoke the keys of all members
    "device.list",
    "device.change",
    "registry.read_private",  # Things and Datastreams that are in no published dataset
    "registry.change",
    "observation.read_private",
    "observation.write",
    "observation.correct",  # delete readings of a range, or give them another quality
    "retention.change",  # how long readings are kept
    "refusal.read",
    "refusal.count",
    "refusal.replay",
    "dataset.publish",
    "dataset.review",  # approve what was handed in for review
    "dataset.read_private",  # drafts, and what is missing of them
    "feed.read",  # declarations and health; never their keys
    "feed.change",
    "site.change",  # sites of a municipality, also those that are not offered
    "slot.book",
    "demand.change",  # state, edit, open and close demands of an organisation; also its drafts
    "demand.support",  # one's own support of any demand
    "call.change",  # also the drafts of calls, and the scores of their applications
    "application.read",
    "application.write",
    "application.review",  # applications in own calls, and those that rank own sites
    "review.write",  # bids, conflicts and reviews in calls to which one was assigned as an evaluator
    "review.read",  # single reviews and the names of evaluators, when a call is scored
    "regulation.answer",  # checks and exemptions of calls to which one was assigned for a regulator
    "round.run",
    "round.key",  # which pseudonym is which application, before all may know
    "alert.read",  # rules, events, deliveries; never their secrets
    "alert.change",
    "audit.read",
]

ORGANISATION_KINDS: tuple[OrganisationKind, ...] = get_args(OrganisationKind)
ROLES: tuple[Role, ...] = get_args(Role)
PLATFORM_ROLES: tuple[PlatformRole, ...] = get_args(PlatformRole)
SCOPES: tuple[Scope, ...] = get_args(Scope)
ACTIONS: tuple[Action, ...] = get_args(Action)

_OPERATORS_OWN: Action = "platform_role.change"
OF_EVERY_KEY: frozenset[Action] = frozenset({"key.own"})
"""What any valid key may do, also one whose person has lost every role: ending itself must always be possible,
and what it could make would carry no more than it does."""

_ASSIGNED: frozenset[Action] = frozenset({"review.write", "regulation.answer"})
"""Of any role: what counts is the assignment to a call, which the services look up."""
_TESTBED: frozenset[Action] = frozenset({"site.change", "slot.book", "call.change", "application.review"})
_DEMANDS: frozenset[Action] = frozenset({"demand.change", "demand.support"})
_APPLY: frozenset[Action] = _DEMANDS | {"application.read", "application.write"}
_PUBLISH: frozenset[Action] = (
    _TESTBED
    | _DEMANDS
    | frozenset(
        {
            "device.list",
            "device.change",
            "registry.read_private",
            "registry.change",
            "observation.read_private",
            "observation.write",
            "observation.correct",
            "refusal.read",
            "refusal.count",
            "refusal.replay",
            "dataset.publish",
            "dataset.read_private",
            "feed.read",
            "feed.change",
            "alert.read",
            "alert.change",
            "member.list",
        }
    )
)
_OWN: frozenset[Action] = frozenset(
    {
        "organisation.edit",
        "member.change",
        "key.issue_for",
        "key.administer",
        "audit.read",
        "retention.change",
        "dataset.review",
    }
)
BY_ROLE: Mapping[Role | PlatformRole, frozenset[Action]] = {
    "owner": _PUBLISH | _APPLY | _OWN | _ASSIGNED,
    "publisher": _PUBLISH | _ASSIGNED,
    "applicant": _APPLY | _ASSIGNED,
    "viewer": _ASSIGNED | {"demand.support"},  # whoever signs up is a viewer of `public`: nobody's address is shown
    "operator": frozenset(
        {
            "organisation.create",
            "organisation.edit",
            "member.list",
            "member.change",
            "key.administer",
            "refusal.count",
            "application.read",
            "application.review",
            "round.run",
            "round.key",
            "audit.read",
        }
    ),
    "auditor": frozenset(
        {"member.list", "application.read", "review.read", "round.key", "audit.read", "refusal.count"}
    ),
}
BY_SCOPE: Mapping[Scope, frozenset[Action]] = {
    "data:read": frozenset(
        {
            "device.list",
            "registry.read_private",
            "observation.read_private",
            "refusal.read",
            "refusal.count",
            "dataset.read_private",
            "feed.read",
            "alert.read",
            "demand.support",  # a resident's key, from signing up by mail, has this scope alone
        }
    ),
    "data:write": frozenset(
        {
            "device.change",
            "registry.change",
            "observation.write",
            "observation.correct",
            "retention.change",
            "refusal.replay",
            "feed.change",
            "alert.change",
        }
    ),
    "catalog:write": frozenset({"dataset.publish", "dataset.review", "dataset.read_private"}),
    "testbed:apply": _APPLY,
    "testbed:review": _ASSIGNED | {"application.review"},
    "testbed:run": _TESTBED | _DEMANDS,
    "org:admin": frozenset(
        {
            "key.issue_for",
            "key.administer",
            "organisation.edit",
            "member.list",
            "member.change",
            "audit.read",
        }
    ),
    "platform:admin": frozenset(
        {
            "key.administer",
            "organisation.create",
            "organisation.edit",
            "member.list",
            "member.change",
            "platform_role.change",
            "application.read",
            "application.review",
            "review.read",
            "round.run",
            "round.key",
            "audit.read",
            "refusal.count",
        }
    ),
}


@dataclass(frozen=True)
class Actor:
    """Who acts, as seen at this moment; built anew for every request.

    ``roles`` are those that the person holds now in ``organisation_id``, the key's organisation.
    """

    person_id: int | None = None
    key_id: int | None = None
    organisation_id: int | None = None
    roles: frozenset[str] = frozenset()
    platform_roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    owns_operator: bool = False

    @property
    def is_anonymous(self) -> bool:
        return self.person_id is None


ANONYMOUS = Actor()


def permits(actor: Actor, action: Action, organisation_id: int | None) -> bool:
    """May ``actor`` do ``action`` in the organisation (None: on the platform itself)?"""
    if action in OF_EVERY_KEY:
        return not actor.is_anonymous and organisation_id == actor.organisation_id
    if not any(action in BY_SCOPE[scope] for scope in SCOPES if scope in actor.scopes):
        return False
    if action == _OPERATORS_OWN:
        return actor.owns_operator and "platform:admin" in actor.scopes
    return _by_platform_role(actor, action) or _at_home(actor, action, organisation_id)


def _by_platform_role(actor: Actor, action: Action) -> bool:
    if "platform:admin" not in actor.scopes or action not in BY_SCOPE["platform:admin"]:
        return False
    return any(action in BY_ROLE[role] for role in PLATFORM_ROLES if role in actor.platform_roles)


def _at_home(actor: Actor, action: Action, organisation_id: int | None) -> bool:
    if organisation_id is None or organisation_id != actor.organisation_id:
        return False
    return any(action in BY_ROLE[role] for role in ROLES if role in actor.roles)


def require(
    actor: Actor,
    action: Action,
    organisation_id: int | None,
    *,
    hidden: str | None = None,
    shown_by: Action | None = None,
) -> None:
    """Raise unless ``permits``.

    ``hidden`` names a thing whose existence is not public ("device"): then whoever may not gets ``NotFound``, the
    same answer as if there were none (``missing``), unless ``shown_by`` lets them see it. Otherwise
    ``Unauthenticated`` for the anonymous and ``Forbidden`` for others.
    """
    if permits(actor, action, organisation_id):
        return
    seen = shown_by is not None and permits(actor, shown_by, organisation_id)
    if hidden is not None and not seen:
        raise missing(hidden)
    if actor.is_anonymous:
        raise Unauthenticated(f"{action} needs an API key", expected="Authorization: Bearer <key>")
    raise Forbidden(f"this key may not {action} here", found=action, expected=who_may(action))


def missing(noun: str) -> NotFound:
    """The one answer for what is not there and for what is there for others only."""
    return NotFound(f"there is no such {noun}, or none for you", field=noun)


def who_may(action: Action) -> str:
    """The roles and scopes that have ``action``, in words."""
    roles: list[str] = sorted(role for role, actions in BY_ROLE.items() if action in actions)
    roles = roles or ["owner in the operator's organisation"]
    scopes = sorted(scope for scope, actions in BY_SCOPE.items() if action in actions)
    return f"a role of {', '.join(roles)} and a scope of {', '.join(scopes)}"


_INTRODUCTION = """\
# Who may do what

Generated from `gops/permissions.py`: `python -m gops.permissions > docs/permissions.md`.

Everything else is refused. An act needs a role **and** a scope of the key that allow it.

- `yes` holds in the key's own organisation.
- `everywhere` holds in every organisation and on the platform itself, for keys of the operator's organisation that have
  the scope `platform:admin`.
- Roles in the operator's organisation, `operator` and `auditor` among them, are given and taken by its owners alone
  (`platform_role.change`).
- Any valid key may list, make and revoke keys of its own person and organisation (`key.own`).
- What is public needs no key and is not here. Devices act through credentials of their own and write to their own
  Datastreams alone.
"""


def document() -> str:
    """The text of ``docs/permissions.md``."""
    by_role = ["## By role", "", *_table([*ROLES, *PLATFORM_ROLES], _by_role)]
    by_scope = ["## By scope", "", *_table(list(SCOPES), _by_scope)]
    return "\n".join([_INTRODUCTION, *by_role, "", *by_scope, ""])


def _by_role(role: str, action: Action) -> str:
    if action in OF_EVERY_KEY:
        return "yes"
    if action == _OPERATORS_OWN:
        return "of the operator" if role == "owner" else ""
    if action not in BY_ROLE[cast(Role, role)]:
        return ""
    everywhere = role in PLATFORM_ROLES and action in BY_SCOPE["platform:admin"]
    return "everywhere" if everywhere else "yes"


def _by_scope(scope: str, action: Action) -> str:
    return "yes" if action in OF_EVERY_KEY or action in BY_SCOPE[cast(Scope, scope)] else ""


def _table(names: list[str], cell: Callable[[str, Action], str]) -> list[str]:
    rows = [[f"`{action}`", *(cell(name, action) for name in names)] for action in ACTIONS]
    head = ["Action", *names]
    return [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(document())
