"""How many requests came and how long they took, by the template of the address; ``GET /metrics`` for Prometheus."""

from __future__ import annotations

import hmac
import time

from flask import Flask, Response, g, request

from gops.api.context import services
from gops.api.credentials import bearer
from gops.api.known import ROUTE
from gops.errors import NotFound, Unauthenticated
from gops.metrics import CONTENT_TYPE

PATH = "/metrics"


def install(app: Flask, token: str) -> None:
    """Call it first: what is installed later is measured with it. Without a token nothing stands at ``/metrics``."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        rule = request.url_rule
        route = None if rule is None else rule.rule
        seconds = time.perf_counter() - g.begun
        services().metrics.answered(route, request.method, response.status_code, seconds)
        request.environ[ROUTE] = route
        return response

    @app.get(PATH)
    def figures() -> Response:
        if not token:
            raise NotFound("there is nothing at this address", field="path", found=PATH)
        if not hmac.compare_digest((bearer(request) or "").encode(), token.encode()):
            raise Unauthenticated("this is not the token of the figures", expected="Authorization: Bearer <token>")
        return Response(services().metrics.text(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
