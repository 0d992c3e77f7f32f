"""Headers that tell browsers what they may do with an answer, and the bounds of an address."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import RequestURITooLarge

from gops.errors import Malformed
from gops.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
STRICT_TRANSPORT = "max-age=31536000"
READ_HEADERS = "Accept, Accept-Language, If-None-Match, If-Range, Range, X-Request-ID"
SHOWN_HEADERS = (
    "Accept-Ranges, Content-Range, Deprecation, ETag, GOPS-Snapshot, GOPS-Thinned, GOPS-Zone, Link, RateLimit, "
    "RateLimit-Policy, Retry-After, Sunset, X-Request-ID"
)


def install(app: Flask, settings: Settings) -> None:
    secure = settings.base_url.startswith("https:")

    @app.before_request
    def bound() -> None:
        if len(request.query_string) > settings.http_query_bytes:
            raise RequestURITooLarge
        if "\0" in request.path or any("\0" in text for pair in request.args.items(True) for text in pair):
            raise Malformed("an address cannot have the character U+0000", code="bad_text", field="path")

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers.update(HEADERS)
        if secure:
            response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        if request.path.startswith("/api"):
            _open(response, settings.cors_origins)
        return response


def _open(response: Response, origins: tuple[str, ...]) -> None:
    """Pages of these origins, of any where none is named, may read the API without a key (CORS); none may write."""
    if origins:
        response.vary.add("Origin")
        if request.headers.get("Origin") not in origins:
            return
    response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"] if origins else "*"
    response.headers["Access-Control-Expose-Headers"] = SHOWN_HEADERS
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = READ_HEADERS
        response.headers["Access-Control-Max-Age"] = "86400"
