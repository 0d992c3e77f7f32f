"""Who may do what: one table, deny by default. Services call ``require``; nothing else decides.

An action is allowed to an actor in an organisation when one of the actor's roles there has it *and* one of the
key's scopes carries it. Platform roles (operator, auditor) hold everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

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
    "platform_role.change",  # by owners of the operator's organisation
    "device.list",
    "device.change",
    "registry.read_private",  # Things and Datastreams that are in no published dataset
    "registry.change",
    "observation.read_private",
    "observation.write",
    "refusal.read",
    "refusal.count",
    "refusal.replay",
    "dataset.publish",
    "audit.read",
]

ORGANISATION_KINDS: tuple[OrganisationKind, ...] = get_args(OrganisationKind)
ROLES: tuple[Role, ...] = get_args(Role)
PLATFORM_ROLES: tuple[PlatformRole, ...] = get_args(PlatformRole)
SCOPES: tuple[Scope, ...] = get_args(Scope)
ACTIONS: tuple[Action, ...] = get_args(Action)

_PUBLISH: frozenset[Action] = frozenset(
    {
        "device.list",
        "device.change",
        "registry.read_private",
        "registry.change",
        "observation.read_private",
        "observation.write",
        "refusal.read",
        "refusal.count",
        "refusal.replay",
        "dataset.publish",
        "member.list",
    }
)
BY_ROLE: Mapping[Role | PlatformRole, frozenset[Action]] = {
    "owner": _PUBLISH | {"organisation.edit", "member.change", "audit.read"},
    "publisher": _PUBLISH,
    "applicant": frozenset({"member.list"}),
    "viewer": frozenset({"member.list"}),
    "operator": frozenset(
        {"organisation.create", "organisation.edit", "member.list", "member.change", "refusal.count", "audit.read"}
    ),
    "auditor": frozenset({"member.list", "audit.read", "refusal.count"}),
}
BY_SCOPE: Mapping[Scope, frozenset[Action]] = {
    "data:read": frozenset(
        {
            "device.list",
            "registry.read_private",
            "observation.read_private",
            "refusal.read",
            "refusal.count",
            "member.list",
        }
    ),
    "data:write": frozenset({"device.change", "registry.change", "observation.write", "refusal.replay"}),
    "catalog:write": frozenset({"dataset.publish"}),
    "testbed:apply": frozenset(),
    "testbed:review": frozenset(),
    "testbed:run": frozenset(),
    "org:admin": frozenset({"organisation.edit", "member.list", "member.change", "audit.read"}),
    "platform:admin": frozenset(
        {
            "organisation.create",
            "organisation.edit",
            "member.list",
            "member.change",
            "platform_role.change",
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


def _granted_by_scope(actor: Actor, action: Action) -> bool:
    return any(action in BY_SCOPE[scope] for scope in SCOPES if scope in actor.scopes)


def permits(actor: Actor, action: Action, organisation_id: int | None) -> bool:
    """May ``actor`` do ``action`` in the organisation (None: on the platform itself)?"""
    if not _granted_by_scope(actor, action):
        return False
    if action == "platform_role.change":
        return actor.owns_operator
    if any(action in BY_ROLE[role] for role in PLATFORM_ROLES if role in actor.platform_roles):
        return True
    at_home = organisation_id is not None and organisation_id == actor.organisation_id
    return at_home and any(action in BY_ROLE[role] for role in ROLES if role in actor.roles)


def require(actor: Actor, action: Action, organisation_id: int | None, *, hidden: str | None = None) -> None:
    """Raise unless ``permits``.

    ``hidden`` names a thing whose existence is not public ("device"): then whoever may not gets ``NotFound``, the
    same answer as if there were none. Otherwise ``Unauthenticated`` for the anonymous and ``Forbidden`` for others.
    """
    if permits(actor, action, organisation_id):
        return
    if hidden is not None:
        raise NotFound(f"there is no such {hidden}, or none for you", field=hidden)
    if actor.is_anonymous:
        raise Unauthenticated(f"{action} needs an API key", expected="Authorization: Bearer <key>")
    raise Forbidden(f"this key may not {action} here", found=action, expected=_who_may(action))


def _who_may(action: Action) -> str:
    roles: list[str] = sorted(role for role, actions in BY_ROLE.items() if action in actions)
    roles = roles or ["owner in the operator's organisation"]
    scopes = sorted(scope for scope, actions in BY_SCOPE.items() if action in actions)
    return f"a role of {', '.join(roles)} and a scope of {', '.join(scopes)}"
