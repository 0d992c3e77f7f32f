"""Who asks: ``Authorization: Bearer <key>`` or ``X-API-Key``; in the query (``key=``) for reading alone.

A credential that does not hold is a 401 also where none was needed. An address with a key in it stands in logs and
histories, so such a key does what ``data:read`` allows and nothing else, whatever its scopes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Flask, Request, Response, g, request

from gops.api import vary
from gops.api.arguments import KEY_PARAMETER
from gops.api.context import services
from gops.errors import Malformed, Unauthenticated
from gops.permissions import ANONYMOUS, Actor

READING = frozenset({"data:read"})
EXPECTED = "Authorization: Bearer <key>"
KEY_LENGTH = 200
VARY = ("Accept", "Authorization", "X-API-Key")

Authenticate = Callable[[str], Actor]


def install(app: Flask) -> None:
    @app.before_request
    def identify() -> None:
        g.actor = ANONYMOUS
        g.wrong_credential = None
        if request.path.startswith("/api/"):
            try:
                g.actor = identified(request, services().keys.authenticate)
            except (Unauthenticated, Malformed) as error:
                g.wrong_credential = error

    @app.after_request
    def mark(response: Response) -> Response:
        if request.path.startswith("/api/"):
            _caching(response)
        return response


def refuse_wrong(app: Flask) -> None:
    """Call it behind what counts requests: a wrong credential is an answer too, and guessing has its limit."""

    @app.before_request
    def refuse() -> None:
        if g.wrong_credential is not None:
            raise g.wrong_credential


def identified(req: Request, authenticate: Authenticate) -> Actor:
    """The actor of a request. Raises ``Unauthenticated``, and ``Malformed`` for two different credentials."""
    given = {text for text in (bearer(req), req.headers.get("X-API-Key"), req.args.get(KEY_PARAMETER)) if text}
    if not given:
        return ANONYMOUS
    if len(given) > 1:
        raise Malformed("two different API keys in one request", code="two_credentials", expected=EXPECTED)
    by_query = KEY_PARAMETER in req.args
    if by_query and req.method not in ("GET", "HEAD"):
        raise Unauthenticated("a key in the address only reads", field=KEY_PARAMETER, expected=EXPECTED)
    (text,) = given
    if len(text) > KEY_LENGTH:
        raise Unauthenticated("this API key is not known", expected=EXPECTED)
    found = authenticate(text)
    return replace(found, scopes=found.scopes & READING) if by_query else found


def bearer(req: Request) -> str | None:
    header = req.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, text = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthenticated("only bearer keys are read", field="Authorization", found=scheme[:20], expected=EXPECTED)
    return text.strip()


def _caching(response: Response) -> None:
    """Public answers are kept and asked for again; answers to a key are the asker's own; writes are never kept."""
    vary.on(response, *VARY)
    if "Cache-Control" in response.headers:
        return
    keyed = g.get("actor", ANONYMOUS) is not ANONYMOUS
    if request.method not in ("GET", "HEAD"):
        response.cache_control.no_store = True
    else:
        response.headers["Cache-Control"] = "private, no-cache" if keyed else "no-cache"
