"""Datasets in addresses: a former slug sends a reader on to the present one; and where this GOPS is."""

from __future__ import annotations

from flask import request
from werkzeug.routing import RequestRedirect

from gops.api.context import settings


def follow(slug: str, present: str) -> None:
    """A GET by a former slug raises a 308."""
    if slug == present or request.method not in ("GET", "HEAD"):
        return
    path = "/".join(present if part == slug else part for part in request.path.split("/"))
    query = request.query_string.decode("ascii", "replace")
    raise RequestRedirect(f"{path}?{query}" if query else path)


def base() -> str:
    """The public address of this GOPS, as set, or as it was asked; without a slash at its end."""
    return (settings().base_url or request.host_url).rstrip("/")
