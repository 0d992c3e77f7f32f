"""Asking over HTTP: one connection a call, to an address that was checked."""

from __future__ import annotations

import http.client
import os
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from urllib.parse import urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HTTPTimeout

from gops import __version__, logs
from gops.errors import Invalid, TooLarge, Unavailable
from gops.outbound import body
from gops.outbound.address import Guard, Network, Resolve, Target, parse, system_resolve
from gops.outbound.deadline import Deadline
from gops.outbound.masking import mask
from gops.settings import Settings

USER_AGENT = f"gops/{__version__}"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HARMLESS_HEADERS = frozenset({"accept", "accept-language", "user-agent"})  # these alone follow to another origin
log = logs.get(__name__)


@dataclass(frozen=True)
class Bounds:
    """Times in seconds; ``total`` is from the first look-up to the last byte, redirects included. ``size`` in bytes."""

    connect: float
    read: float
    total: float
    size: int
    redirects: int

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        return cls(
            settings.outbound_connect_seconds,
            settings.outbound_read_seconds,
            settings.outbound_total_seconds,
            settings.outbound_bytes,
            settings.outbound_redirects,
        )


@dataclass(frozen=True)
class Call:
    """A request. ``secrets`` are texts within it that nobody may see."""

    url: str = field(repr=False)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status. Names of headers are in small letters; ``url`` is masked."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str


@cache
def _system_trust() -> ssl.SSLContext:
    """One for the process: reading the system's authorities takes 40 ms."""
    return ssl.create_default_context()


class Outbound:
    """``fetch`` may be called from any thread; every call has a connection of its own."""

    def __init__(
        self,
        bounds: Bounds,
        allowed: Sequence[Network] = (),
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._bounds = bounds
        self._guard = Guard(allowed, resolve)
        self._tls = tls or _system_trust()

    @classmethod
    def of(cls, settings: Settings) -> Outbound:
        return cls(Bounds.of(settings), settings.outbound_allow)

    def check(self, url: str) -> None:
        """Raises what ``fetch`` would for this address, without asking its host: for addresses that are to be kept."""
        self._guard.addresses(parse(url), self._bounds.connect)

    def addresses(self, host: str, port: int, field: str = "url") -> Sequence[str]:
        """The checked addresses of a host that another protocol is spoken with; it connects to one of these.

        Raises ``Unavailable`` (``host_unknown``), ``Invalid`` (``address_refused``) of ``field``.
        """
        try:
            return self._guard.addresses(Target("", host, port, host, ""), self._bounds.connect)
        except Invalid as error:
            error.field = field
            raise

    def fetch(self, call: Call) -> Answer:
        """Ask, and follow redirects of a GET.

        Raises ``Invalid`` (``bad_address``, ``address_refused``, ``bad_redirect``), ``TooLarge``
        (``answer_too_large``), and ``Unavailable`` (``host_unknown``, ``host_unreachable``, ``host_timeout``,
        ``host_untrusted``, ``answer_broken``).
        """
        began, deadline = time.monotonic(), Deadline(self._bounds.total)
        for _hop in range(self._bounds.redirects + 1):
            target = parse(call.url)
            answer = self._ask(target, call, deadline)
            where = answer.headers.get("location")
            if call.method not in ("GET", "HEAD") or answer.status not in REDIRECTS or not where:
                spent = round((time.monotonic() - began) * 1000)
                log.info("outbound", url=answer.url, status=answer.status, bytes=len(answer.body), ms=spent)
                return answer
            call = _redirected(call, target, where)
        raise _bad_redirect(
            f"{parse(call.url).host} was reached over more than {self._bounds.redirects} redirects",
            f"at most {self._bounds.redirects} redirects (GOPS_OUTBOUND_REDIRECTS)",
        )

    def _ask(self, target: Target, call: Call, deadline: Deadline) -> Answer:
        with _plainly(target, deadline), self._connected(target, deadline) as connection:
            headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"} | dict(call.headers)
            headers |= {"Host": target.authority, "Connection": "close"}
            connection.request(
                call.method, target.path, call.body, headers, preload_content=False, decode_content=False
            )
            with closing(connection.getresponse()) as response:
                try:
                    content = body.read(response, target.host, self._bounds.size, deadline)
                except TooLarge as error:
                    error.extra = {"status": response.status}
                    raise
                deadline.check(target.host)  # a connection cut by the deadline looks like one that has ended
                named = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, named, content, mask(call.url, call.secrets))

    @contextmanager
    def _connected(self, target: Target, deadline: Deadline) -> Iterator[HTTPConnection]:
        connection = self._connect(target, deadline)
        sock = connection.sock
        assert sock is not None, "a connection that was made has a socket"
        connection.timeout = self._bounds.read
        try:
            with deadline.watching(sock):
                yield connection
        finally:
            connection.close()
            number = sock.detach()
            if number >= 0:  # http.client keeps it open where a header was no HTTP
                os.close(number)

    def _connect(self, target: Target, deadline: Deadline) -> HTTPConnection:
        """To the first of the checked addresses that answers."""
        trouble: Exception | None = None
        for address in self._guard.addresses(target, min(self._bounds.connect, deadline.left())):
            connection = self._connection(target, address, min(self._bounds.connect, deadline.left()))
            try:
                connection.connect()
            except (HTTPError, OSError) as error:
                connection.close()
                deadline.check(target.host)
                trouble = error
            else:
                return connection
        assert trouble is not None, "there is one address at least"
        raise trouble

    def _connection(self, target: Target, address: str, seconds: float) -> HTTPConnection:
        if target.scheme == "http":
            return HTTPConnection(address, target.port, timeout=seconds)
        name = target.host.rstrip(".")  # whom the certificate must name
        return HTTPSConnection(address, target.port, timeout=seconds, ssl_context=self._tls, server_hostname=name)


def _redirected(call: Call, target: Target, where: str) -> Call:
    """The call that a redirect asks for. What is confidential stays with the origin that it was meant for."""
    url = urljoin(call.url, where)
    following = parse(url)
    if target.scheme == "https" and following.scheme == "http":
        raise _bad_redirect(f"{target.host} redirects from https to http", "an https address")
    kept = call.headers
    if following.origin != target.origin:
        kept = {name: value for name, value in kept.items() if name.lower() in HARMLESS_HEADERS}
    return replace(call, url=url, headers=kept)


def _bad_redirect(message: str, expected: str) -> Invalid:
    return Invalid(message, code="bad_redirect", field="url", expected=expected)


@contextmanager
def _plainly(target: Target, deadline: Deadline) -> Iterator[None]:
    """Errors of the library and the system in the words of GOPS. Theirs are not shown: they may hold the address."""
    try:
        yield
    except (NewConnectionError, ConnectionRefusedError) as error:
        raise Unavailable(f"{target.host}:{target.port} cannot be reached", code="host_unreachable") from error
    except (HTTPTimeout, TimeoutError) as error:
        bounds = "GOPS_OUTBOUND_CONNECT_SECONDS and GOPS_OUTBOUND_READ_SECONDS"
        raise Unavailable(f"{target.host} did not answer in time ({bounds})", code="host_timeout") from error
    except (SSLError, ssl.SSLError) as error:
        deadline.check(target.host)
        why = "its certificate or its TLS does not hold"
        raise Unavailable(f"no trusted connection to {target.host}: {why}", code="host_untrusted") from error
    except (HTTPError, http.client.HTTPException, OSError) as error:
        deadline.check(target.host)
        raise body.broken(target.host, "it breaks off, or is no HTTP") from error
