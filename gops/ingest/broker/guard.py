"""Who logs in to the embedded broker, and what each may publish and read. Pure but for the look-up; default is no.

=========  ============================================  ==========================================  =================
kind       user name, password                           publishes                                   reads
=========  ============================================  ==========================================  =================
device     {org}/{device}, its secret                    its up (any codec) and status, last will    its down
reader     key or key-{its prefix}, an API key with      nothing                                     gops/live
           data:read; or nobody where
           ``mqtt_anonymous_live`` allows it
ingest     gops, the secret in data/secrets/ingest       down of every device, gops/live             up and status
=========  ============================================  ==========================================  =================
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from gops.accounts.devices import DeviceIdentity
from gops.errors import Unauthenticated
from gops.ingest import topics
from gops.ingest.secret import SERVICE_USER
from gops.permissions import Actor

KEY_USER = "key"
OWN_KEY_USER = "key-"  # and the key's prefix, as every other broker knows keys: there a user name has one password
READ_SCOPE = "data:read"
LIVE_FILTER = topics.LIVE_ROOT + "#"
Kind = Literal["device", "reader", "ingest"]


@dataclass(frozen=True)
class Login:
    """Who a connection proved to be. ``name`` is the same for all connections of one device, key or service."""

    kind: Kind
    name: str
    device_id: int | None = None
    key_id: int | None = None


class DeviceLogins(Protocol):
    def authenticate(self, username: str, password: str) -> DeviceIdentity | None: ...


class Guard:
    """``login`` asks the records and may raise ``Unavailable``; the rest is pure."""

    def __init__(
        self, service_secret: str, devices: DeviceLogins, key_actor: Callable[[str], Actor], *, anonymous_live: bool
    ) -> None:
        self._service_secret = service_secret.encode()
        self._devices = devices
        self._key_actor = key_actor
        self._anonymous_live = anonymous_live

    def login(self, username: str | None, password: str | None) -> Login | None:
        """Who this is, or None. ``key_actor`` raises ``Unauthenticated`` for a key that is not good."""
        if username is None:
            return Login("reader", "anonymous") if self._anonymous_live and password is None else None
        if password is None:
            return None
        if username == SERVICE_USER:
            same = hmac.compare_digest(password.encode(errors="replace"), self._service_secret)
            return Login("ingest", SERVICE_USER) if same else None
        if username == KEY_USER or username.startswith(OWN_KEY_USER):
            return self._key(password) if _is_of(username, password) else None
        device = self._devices.authenticate(username, password)
        return Login("device", username, device_id=device.device_id) if device else None

    def _key(self, text: str) -> Login | None:
        try:
            actor = self._key_actor(text)
        except Unauthenticated:
            return None
        if READ_SCOPE not in actor.scopes:
            return None
        return Login("reader", f"key:{actor.key_id}", key_id=actor.key_id)


def _is_of(username: str, key: str) -> bool:
    prefix = username.removeprefix(KEY_USER).removeprefix("-")
    return not prefix or key.startswith(f"gops_{prefix}_")


def may_publish(login: Login, topic: str) -> bool:
    if login.kind == "device":
        return topics.device_may_publish(login.name, topic)
    if login.kind == "ingest":
        return topic.startswith(topics.LIVE_ROOT) or answered(topic) is not None
    return False


def may_subscribe(login: Login, topic_filter: str) -> bool:
    if login.kind == "device":
        return topics.device_may_subscribe(login.name, topic_filter)
    if login.kind == "ingest":
        return topic_filter in topics.INGEST_FILTERS
    return topic_filter.startswith(topics.LIVE_ROOT)


def answered(topic: str) -> str | None:
    """The address of the device that an answer or alert of GOPS is for, or None for any other topic."""
    for last in ("receipt", "refused", "alert"):
        address = topic.removeprefix(topics.ROOT).removesuffix(f"/down/{last}")
        if topic == f"{topics.ROOT}{address}/down/{last}" and topics.is_address(address):
            return address
    return None
