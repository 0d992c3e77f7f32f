"""A 304 ahead of Flask: to who asks again, without a key, for what nobody has changed.

The first such 304 is answered like every other request. Its headers are kept, and how its ETag was made of the registry
and of the store's version. Who asks the very same again gets them when the ETag, made anew, is still that one: what was
withdrawn, changed or has other readings has another ETag or none, and then the request goes the whole way. It counts
for limits, quotas and figures as every other.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from gops.api import limits, request_ids
from gops.api.context import EXTENSION
from gops.api.services import Services
from gops.errors import GopsError
from gops.permissions import ANONYMOUS

AGAIN, ROUTE = "gops.again", "gops.route"
"""Of a request's environ: how its ETag is made anew, and the template of its address."""
MOST = 4_096  # answers that are kept
LONGEST = 1_000  # characters of what such an answer depends on: 10 MB together, with headers
SAME = (
    *("PATH_INFO", "QUERY_STRING", "HTTP_IF_NONE_MATCH", "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING"),
    *("HTTP_ACCEPT_LANGUAGE", "HTTP_ORIGIN", "HTTP_HOST"),
)
"""What an answer may depend on, beside those."""
OTHERWISE = (
    *("HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"),
    *("HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_COOKIE", "HTTP_TRANSFER_ENCODING"),
)
"""Who sends one of these is answered by Flask."""
OWN = frozenset({request_ids.HEADER.lower(), "ratelimit", "ratelimit-policy"})  # headers of each answer
Wsgi = Callable[..., Iterable[bytes]]
Headers = list[tuple[str, str]]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Again:
    """``etag`` as ``make`` makes it, of an answer to who shows no key. ``make`` raises what a request would."""

    etag: str
    make: Callable[[Services], str]


@dataclass(frozen=True)
class _Kept:
    again: Again
    status: str
    headers: Headers
    route: str | None


class KnownAnswers:
    """A WSGI application in front of ``inner``, that of ``app``."""

    def __init__(self, app: Flask, inner: Wsgi) -> None:
        self._app = app
        self._inner = inner
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        key = _key(environ)
        if key is None:
            return self._inner(environ, start_response)
        kept = self._kept.get(key)
        if kept is not None:
            headers = self._headers(kept, environ)
            if headers is not None:
                start_response(kept.status, headers)
                return []

        def started(status: str, headers: Headers, *failure: Any) -> Any:
            if AGAIN in environ and status.startswith("304"):
                left = [one for one in headers if one[0].lower() not in OWN]
                self._keep(key, _Kept(environ[AGAIN], status, left, environ.get(ROUTE)))
            return start_response(status, headers, *failure)

        return self._inner(environ, started)

    def _headers(self, kept: _Kept, environ: dict[str, Any]) -> Headers | None:
        """Of the answer; None where it has to be made anew."""
        begun, services = time.perf_counter(), self._app.extensions[EXTENSION]
        name = request_ids.begun(environ.get(request_ids.ENVIRON, ""))
        try:
            if kept.again.make(services) != kept.again.etag:
                return None
            counted = self._counted(services, environ)
        except GopsError:
            return None
        request_ids.ended("GET", environ["PATH_INFO"], 304)
        services.metrics.answered(kept.route, "GET", 304, time.perf_counter() - begun)
        return [*kept.headers, *counted, (request_ids.HEADER, name)]

    def _counted(self, services: Services, environ: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """Count the request; the headers that say what is left. Raises ``TooMany``."""
        network = limits.network_of(environ.get("REMOTE_ADDR"), services.settings)
        minute = limits.of_minute(self._app.extensions[limits.LIMITER], services.settings, ANONYMOUS, network)
        limits.refuse_beyond(minute, ANONYMOUS)
        standing = services.usage.quotas.take(ANONYMOUS, network)
        return () if network is None else limits.told(services, minute, standing).items()

    def _keep(self, key: Key, one: _Kept) -> None:
        with self._lock:
            self._kept[key] = one
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)


def _key(environ: dict[str, Any]) -> Key | None:
    """All that the answer depends on, where it may be one of those that are kept."""
    if "HTTP_IF_NONE_MATCH" not in environ or environ["REQUEST_METHOD"] != "GET":
        return None
    if environ.get("CONTENT_LENGTH") not in (None, "", "0") or any(name in environ for name in OTHERWISE):
        return None
    key = tuple(environ.get(name, "") for name in SAME)
    return key if sum(map(len, key)) <= LONGEST else None
