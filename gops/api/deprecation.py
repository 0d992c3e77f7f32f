"""How a route goes: it says so for half a year at least, and names what to use instead.

``Deprecation`` (RFC 9745) is the moment since when it should not be used any more, ``Sunset`` (RFC 8594) the one from
which it may be gone; links lead to the policy and to the route that follows (RFC 5829).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, after_this_request
from werkzeug.http import http_date

from gops.clock import SECOND, to_micros

NOTICE = dt.timedelta(days=180)
POLICY = "/api/v1/openapi.json"
View = TypeVar("View", bound=Callable[..., Any])


def deprecated(since: dt.date, sunset: dt.date, instead: str) -> Callable[[View], View]:
    """Outermost decorator of a handler. ``instead`` is the address of what follows. Raises ``ValueError`` for less
    notice than ``NOTICE``."""
    if sunset - since < NOTICE:
        raise ValueError(f"a route goes {NOTICE.days} days after it was deprecated, at the earliest")
    begin, end = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in (since, sunset))
    headers = {"Deprecation": f"@{to_micros(begin) // SECOND}", "Sunset": http_date(end)}
    links = f'<{POLICY}>; rel="deprecation"; type="application/json", <{instead}>; rel="successor-version"'

    def decorate(view: View) -> View:
        @wraps(view)
        def told(*args: Any, **kwargs: Any) -> Any:
            after_this_request(say)
            return view(*args, **kwargs)

        documented: Any = told
        documented._apidoc = {**getattr(view, "_apidoc", {})}
        manual = documented._apidoc.get("manual_doc", {})
        documented._apidoc["manual_doc"] = {**manual, "deprecated": True}
        found: View = documented
        return found

    def say(response: Response) -> Response:
        response.headers.update(headers)
        response.headers["Link"] = ", ".join([*response.headers.getlist("Link"), links])
        return response

    return decorate
