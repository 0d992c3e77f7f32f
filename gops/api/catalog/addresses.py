"""Datasets in addresses: a former slug sends a reader on to the present one; and where this GOPS is."""

from __future__ import annotations

from typing import Any

from flask import Response, after_this_request, request
from werkzeug.routing import RequestRedirect

from gops.api.blueprint import PREFIX
from gops.api.context import settings
from gops.clock import SECOND


def follow(slug: str, present: str) -> None:
    """A GET by a former slug raises a 308."""
    if slug == present or request.method not in ("GET", "HEAD"):
        return
    path = "/".join(present if part == slug else part for part in request.path.split("/"))
    query = request.query_string.decode("ascii", "replace")
    raise RequestRedirect(f"{path}?{query}" if query else path)


def tell_deprecated(dataset: Any) -> None:
    """Have the answer say that this dataset is deprecated (RFC 9745), why, and which one follows it (RFC 5829)."""
    if dataset.deprecated_at is None or dataset.withdrawn_at is not None:
        return

    @after_this_request
    def say(response: Response) -> Response:
        response.headers["Deprecation"] = f"@{dataset.deprecated_at // SECOND}"
        links = [f'<{PREFIX}/datasets/{dataset.slug}>; rel="deprecation"']
        if dataset.replaced_by is not None:
            links.append(f'<{PREFIX}/datasets/{dataset.replaced_by}>; rel="successor-version"')
        response.headers["Link"] = ", ".join([*response.headers.getlist("Link"), *links])
        return response


def base() -> str:
    """The public address of this GOPS, as set, or as it was asked; without a slash at its end."""
    return (settings().base_url or request.host_url).rstrip("/")
