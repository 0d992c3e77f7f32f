"""Addresses: parsed strictly, resolved once, and refused where they lead inside."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from gops import logs
from gops.errors import Invalid, Unavailable

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""``resolve(host, port)``: every IP address of a name, as text; ``OSError`` where there is none."""

PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
log = logs.get(__name__)


@dataclass(frozen=True)
class Target:
    """A parsed address. ``host`` has no brackets, ``authority`` is the Host header, ``path`` includes the query."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str = field(repr=False)

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def parse(url: str) -> Target:
    """Raises ``Invalid`` (``bad_address``), which does not repeat the address: it may hold a key."""
    if not isinstance(url, str) or _UNSAFE.search(url):
        raise _bad_address(None)
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise _bad_address(None) from error
    if parts.scheme not in PORTS or not parts.host or parts.auth is not None or parts.port == 0:
        raise _bad_address(f"{parts.scheme}://{parts.host}")
    authority = parts.host if parts.port is None else f"{parts.host}:{parts.port}"
    return Target(parts.scheme, parts.host.strip("[]"), parts.port or PORTS[parts.scheme], authority, parts.request_uri)


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Every address of ``host``, in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard:
    """Finds the addresses of a host and refuses those inside, except in the networks ``allowed``."""

    def __init__(self, allowed: Sequence[Network], resolve: Resolve) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve

    def addresses(self, target: Target, seconds: float) -> Sequence[str]:
        """Every address of the host. One of them inside is enough to refuse them all.

        Raises ``Unavailable`` (``host_unknown``), ``Invalid`` (``address_refused``).
        """
        found = _within(seconds, lambda: self._resolve(target.host, target.port))
        if not found:
            raise Unavailable(f"there is no address of {target.host}", code="host_unknown", found=target.host)
        for text in found:
            if not self.admits(text):
                raise Invalid(
                    f"{target.host} leads inside ({text}), where GOPS does not ask",
                    code="address_refused",
                    field="url",
                    found=target.host,
                    expected="a public address, or one of a network in GOPS_OUTBOUND_ALLOW",
                )
        return found

    def admits(self, text: str) -> bool:
        """May this IP address be asked, and every IPv4 address that it stands for?"""
        address = ip_address(text.partition("%")[0])
        return all(self._admits(one) for one in (address, *_wrapped(address)))

    def _admits(self, address: IPv4Address | IPv6Address) -> bool:
        if address.is_multicast or address.is_unspecified:
            return False
        wrapper = isinstance(address, IPv6Address) and address.ipv4_mapped is not None  # judged by what is in it
        return wrapper or address.is_global or any(address in network for network in self._allowed)


def _wrapped(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)


def _within(seconds: float, resolve: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What ``resolve`` finds in time; the system's resolver has no time-out of its own. Empty for none."""
    found: list[str] = []

    def look() -> None:
        try:
            found.extend(resolve())
        except (OSError, UnicodeError):
            log.debug("outbound.unresolved")

    thread = threading.Thread(target=look, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    return tuple(found)


def _bad_address(found: str | None) -> Invalid:
    return Invalid(
        "this is no address that can be asked",
        code="bad_address",
        field="url",
        found=found,
        expected="http://host/path or https://host/path, in ASCII, without a user",
    )
