"""Organisations in addresses: a former slug sends a reader on to the present one."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.routing import RequestRedirect

from gops.api.context import services


def home(slug: str) -> Any:
    """The organisation of ``slug``. A GET by a former slug raises a 308; raises ``NotFound``."""
    found, former = services().organisations.find(slug)
    if former and request.method in ("GET", "HEAD"):
        path = "/".join(found.slug if part == slug else part for part in request.path.split("/"))
        query = request.query_string.decode("ascii", "replace")
        raise RequestRedirect(f"{path}?{query}" if query else path)
    return found
