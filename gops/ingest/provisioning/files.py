"""Mosquitto's password file and ACL file, written whole beside the old ones and put in their place.

A file that would be the same is left alone. Lines of the password file whose user GOPS does not give (an operator's
own) stay. Mosquitto reads them again when it is told to.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from gops.accounts.verifier import verifier, verifies
from gops.errors import BadSetting
from gops.ingest import topics
from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.provisioning.logins import BrokerLogin, is_ours
from gops.ingest.provisioning.report import SyncReport

PASSWORDS = "gops.passwords"
ACL = "gops.acl"
MODE = 0o640  # Mosquitto reads them as the folder's group
ACL_HEAD = f"""\
# Who may do what at the broker. GOPS takes a device's identity from its topic, so this file is what guards it.
# A device's user name is its address, {{organisation}}/{{device}}; keep no other user name that holds a slash.

# GOPS itself: what devices say, and what it answers them.
user gops
topic read {topics.UP_FILTER}
topic read {topics.STATUS_FILTER}
topic write {topics.receipt("+/+")}
topic write {topics.refused("+/+")}
topic write {topics.alert("+/+")}
topic write {topics.LIVE_ROOT}#

# Every device: its own topics. %u is the user name it logged in with.
pattern write {topics.up("%u")}/#
pattern write {topics.status("%u")}
pattern read {topics.ROOT}%u/down/#
"""


def acl_text(wanted: Mapping[str, BrokerLogin], service_user: str = "gops") -> str:
    """The head, and for each key the one topic that it reads."""
    head = ACL_HEAD.replace("user gops\n", f"user {service_user}\n")
    keys = [login.user for login in wanted.values() if login.kind == "key"]
    readers = [f"user {user}\ntopic read {topics.LIVE_ROOT}#\n" for user in keys]
    return head + ("\n# Keys that may read live data.\n" + "".join(readers) if readers else "")


def password_lines(wanted: Mapping[str, BrokerLogin], service: BrokerAddress, former: Mapping[str, str]) -> list[str]:
    """Lines ``user:verifier``. ``former`` is what the file says now, by user."""
    lines = {user: form for user, form in former.items() if not is_ours(user)}
    if service.username:
        _refuse_odd(service.username)
        password = service.password or ""
        if not verifies(password, lines.get(service.username, "")):
            lines[service.username] = verifier(password)
    lines.update({login.user: login.verifier for login in wanted.values() if login.verifier})
    return [f"{user}:{form}" for user, form in lines.items()]


def read_passwords(path: Path) -> dict[str, str]:
    """Verifiers by user; an absent file has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    rows = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return {user: form for user, colon, form in rows if colon}


def synchronise(folder: Path, wanted: Mapping[str, BrokerLogin], service: BrokerAddress) -> tuple[SyncReport, bool]:
    """Write both files; what changed, and whether the broker has to read them again. Raises ``BadSetting``."""
    if not folder.is_dir():
        raise BadSetting(
            f"{folder} is no folder",
            field="GOPS_BROKER_FOLDER",
            found=str(folder),
            expected="a folder that GOPS may write and Mosquitto may read",
        )
    former = read_passwords(folder / PASSWORDS)
    lines = password_lines(wanted, service, former)
    # the ACL first: a key that may log in and read nothing is better than the other way round
    new_acl = _put(folder / ACL, acl_text(wanted, service.username or "gops"))
    new_passwords = _put(folder / PASSWORDS, "".join(line + "\n" for line in lines))
    stays = {user for user in former if is_ours(user)}
    given = {user for user, login in wanted.items() if login.verifier}
    report = SyncReport(
        "file",
        len(wanted),
        added=len(given - stays),
        changed=sum(former[user] != wanted[user].verifier for user in given & stays),
        removed=len(stays - given),
        without=tuple(user for user, login in wanted.items() if not login.verifier),
    )
    return report, new_acl or new_passwords


def _refuse_odd(user: str) -> None:
    """GOPS's own user name comes from a setting, and is written into both files."""
    if not user.isprintable() or any(sign in user for sign in ":#+ /") or is_ours(user):
        raise BadSetting(
            "the user name in GOPS_MQTT_URL can't stand in Mosquitto's files",
            field="GOPS_MQTT_URL",
            expected="a user name without : # + / and blanks, such as gops",
        )


def _put(path: Path, text: str) -> bool:
    """Replace the file whole, synced; false when it says the same already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), MODE)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
