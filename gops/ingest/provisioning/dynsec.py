"""Mosquitto's dynamic security: what has to be asked of the plugin so that its clients are those of the records.

Each device has a role of its own, since roles of Mosquitto 2.0 know no pattern with the user name; keys share one, and
GOPS's own login has one. GOPS deletes only clients and roles of names that it alone gives. The plugin writes its
whole file at each command, so the cost of a first synchronisation grows with the square of the devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gops.accounts.verifier import parts
from gops.ingest import topics
from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.provisioning.logins import BrokerLogin, is_ours
from gops.ingest.provisioning.report import SyncReport

READER_ROLE = "gops-reader"
SERVICE_ROLE = "gops-ingest"
OWNED = "GOPS"  # text name of the clients that GOPS made
Command = dict[str, Any]
Answer = Mapping[str, Any]


class Control(Protocol):
    def ask(self, commands: Sequence[Command]) -> list[Any]: ...


def _acl(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def _reads(topic: str) -> list[dict[str, Any]]:
    return [_acl("subscribePattern", topic), _acl("publishClientReceive", topic)]


def device_acls(user: str) -> list[dict[str, Any]]:
    """A device writes its ``up`` and ``status`` and reads its ``down``."""
    writes = [_acl("publishClientSend", topics.up(user) + "/#"), _acl("publishClientSend", topics.status(user))]
    return [*writes, *_reads(f"{topics.ROOT}{user}/down/#")]


READER_ACLS = _reads(topics.LIVE_ROOT + "#")
SERVICE_ACLS = [
    *(acl for one in topics.INGEST_FILTERS for acl in _reads(one)),
    # a shared subscription is checked with its prefix here, unlike with an ACL file
    *(_acl("subscribePattern", f"$share/+/{one}") for one in topics.INGEST_FILTERS),
    *(_acl("publishClientSend", answer("+/+")) for answer in (topics.receipt, topics.refused, topics.alert)),
    _acl("publishClientSend", topics.LIVE_ROOT + "#"),
]
DEFAULT_ACCESS = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True}


def role_of(login: BrokerLogin) -> str:
    return READER_ROLE if login.kind == "key" else login.user


@dataclass(frozen=True)
class Plan:
    """``commands`` in order; ``creates`` and ``changes`` are logins whose secret is handed over by them."""

    commands: tuple[Command, ...]
    creates: tuple[BrokerLogin, ...]
    changes: tuple[BrokerLogin, ...]
    removed: tuple[str, ...]
    without: tuple[str, ...]


def plan(
    wanted: Mapping[str, BrokerLogin],
    clients: Iterable[Answer],
    roles: Iterable[str],
    unseal: Callable[[str], str | None],
) -> Plan:
    """The difference as commands: removals first, so that a revocation waits for nobody's creation."""
    known = {client["username"]: client for client in clients if is_ours(client["username"])}
    roles = set(roles)
    removed = tuple(user for user in known if user not in wanted)
    commands: list[Command] = [{"command": "deleteClient", "username": user} for user in removed]
    gone = {role for role in roles if is_ours(role) and role not in wanted}
    commands += [{"command": "deleteRole", "rolename": role} for role in sorted(gone)]
    creates, changes, without = [], [], []
    for user, login in wanted.items():
        password = unseal(login.sealed) if login.sealed else None
        if login.kind == "device" and user not in roles:
            commands.append({"command": "createRole", "rolename": user, "acls": device_acls(user)})
        if user not in known:
            if password is None:
                without.append(user)
                continue
            commands.append(_create(login, password))
            creates.append(login)
        else:
            commands += _mended(login, known[user])
            if password is not None:
                commands.append({"command": "setClientPassword", "username": user, "password": password})
                changes.append(login)
    return Plan(tuple(commands), tuple(creates), tuple(changes), removed, tuple(without))


def _create(login: BrokerLogin, password: str) -> Command:
    role = [{"rolename": role_of(login), "priority": 0}]
    return {
        "command": "createClient",
        "username": login.user,
        "password": password,
        "textname": OWNED,
        "roles": role,
    }


def _mended(login: BrokerLogin, client: Answer) -> list[Command]:
    """Roles as they are to be, whatever somebody did by hand."""
    held = [role["rolename"] for role in client.get("roles", ())]
    if held == [role_of(login)] and not client.get("groups") and not client.get("disabled"):
        return []
    mend: Command = {"command": "modifyClient", "username": login.user, "groups": []}
    mend["roles"] = [{"rolename": role_of(login), "priority": 0}]
    return [mend, {"command": "enableClient", "username": login.user}]


def base(service: BrokerAddress, roles: Iterable[str], clients: Iterable[Answer]) -> list[Command]:
    """What is there once: denial by default, the shared roles as they are now, GOPS's own login."""
    access = [{"acltype": kind, "allow": allow} for kind, allow in DEFAULT_ACCESS.items()]
    commands: list[Command] = [{"command": "setDefaultACLAccess", "acls": access}]
    there = set(roles)
    for role, acls in ((READER_ROLE, READER_ACLS), (SERVICE_ROLE, SERVICE_ACLS)):
        command = "modifyRole" if role in there else "createRole"
        commands.append({"command": command, "rolename": role, "acls": acls})
    if service.username and service.username not in {client["username"] for client in clients}:
        role_held = [{"rolename": SERVICE_ROLE, "priority": 0}]
        commands.append(
            {
                "command": "createClient",
                "username": service.username,
                "password": service.password or "",
                "textname": OWNED,
                "roles": role_held,
            }
        )
    return commands


def synchronise(
    control: Control,
    wanted: Mapping[str, BrokerLogin],
    service: BrokerAddress,
    unseal: Callable[[str], str | None],
    delivered: Callable[[Sequence[BrokerLogin]], None],
    *,
    everything: bool,
) -> SyncReport:
    """Bring the plugin there. ``everything`` sets what is there once as well; ``delivered`` hears which secrets the
    broker has now, and does so even where another command failed."""
    listed = control.ask(
        [
            {"command": "listClients", "verbose": True, "count": -1, "offset": 0},
            {"command": "listRoles", "verbose": False, "count": -1, "offset": 0},
        ]
    )
    clients = listed[0].get("data", {}).get("clients", [])
    roles = listed[1].get("data", {}).get("roles", [])
    first = base(service, roles, clients) if everything or SERVICE_ROLE not in roles else []
    work = plan(wanted, clients, roles, unseal)
    commands = [*first, *work.commands]
    failed = _failures(commands, control.ask(commands)) if commands else {}
    lost = set(failed)
    told = (*work.creates, *work.changes)
    half = {(login.kind, login.record_id) for login in told if login.user in lost}  # a device may have two user names
    delivered([login for login in told if (login.kind, login.record_id) not in half])
    return SyncReport(
        "dynsec",
        len(wanted),
        added=sum(login.user not in lost for login in work.creates),
        changed=sum(login.user not in lost for login in work.changes),
        removed=sum(user not in lost for user in work.removed),
        without=work.without,
        failed=tuple(failed.values()),
    )


def _failures(commands: Sequence[Command], answers: Sequence[Answer]) -> dict[str, str]:
    """What the plugin refused, by the name that the command was about."""
    return {
        _about(command): f"{command['command']} {_about(command)}: {answer['error']}"
        for command, answer in zip(commands, answers, strict=True)
        if "error" in answer
    }


def _about(command: Command) -> str:
    return str(command.get("username") or command.get("rolename") or command["command"])


def document(wanted: Mapping[str, BrokerLogin], kept: Mapping[str, Any]) -> dict[str, Any]:
    """The plugin's whole file from verifiers, to be put in place while the broker is stopped. ``kept`` is the file as
    it is; of it everything that is not GOPS's stays, the administrator before all."""
    clients = [one for one in kept.get("clients", ()) if not is_ours(one["username"])]
    roles = [one for one in kept.get("roles", ()) if not is_ours(one["rolename"]) and one["rolename"] != READER_ROLE]
    roles.append({"rolename": READER_ROLE, "acls": READER_ACLS})
    for user, login in wanted.items():
        known = parts(login.verifier) if login.verifier else None
        if known is None:
            continue
        if login.kind == "device":
            roles.append({"rolename": user, "acls": device_acls(user)})
        iterations, salt, hashed = known
        clients.append(
            {
                "username": user,
                "textName": OWNED,
                "password": hashed,
                "salt": salt,
                "iterations": iterations,
                "roles": [{"rolename": role_of(login)}],
            }
        )
    return {**kept, "clients": clients, "roles": roles, "defaultACLAccess": DEFAULT_ACCESS}
