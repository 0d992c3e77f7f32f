"""The address of a broker: ``mqtt://user:password@host:port`` or ``mqtts://...``, parsed once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urlsplit

from gops.errors import BadSetting

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class BrokerAddress:
    """``username`` and ``password`` are decoded. Neither ``repr`` nor ``str`` shows the password."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str = ""  # file of certificate authorities; empty: the system's

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def login(self, username: str | None, password: str | None) -> BrokerAddress:
        """The same broker for somebody else; None for nobody."""
        return replace(self, username=username, password=password)

    def url(self) -> str:
        """The whole address, password included, as ``parse`` reads it."""
        if self.username is None:
            return str(self)
        scheme, rest = str(self).split("://", 1)
        return f"{scheme}://{quote(self.username, safe='')}:{quote(self.password or '', safe='')}@{rest}"


def parse(url: str, ca: str = "") -> BrokerAddress:
    """Raises ``BadSetting``; the message never repeats the address, which may hold a password."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or parts.path not in ("", "/"):
        raise BadSetting(
            "the address of the MQTT broker cannot be read",
            field="GOPS_MQTT_URL",
            expected="mqtt://user:password@host:port or mqtts://..., user and password percent-encoded",
        )
    return BrokerAddress(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        ca=ca,
    )
