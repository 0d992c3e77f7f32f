"""The Flask application of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from gops.api import context, credentials, encoding, etags, limits, measured, problems, request_ids, security, unasked
from gops.api.allowance import HourlyAllowance
from gops.api.blueprint import CONVERTERS, PREFIX, Api, IdConverter
from gops.api.catalog import document, newsfeed
from gops.api.ckan.blueprint import blueprint as ckan
from gops.api.known import KnownAnswers
from gops.api.problems import ErrorPage
from gops.api.services import Services
from gops.api.v1 import BLUEPRINTS, index, signup
from gops.settings import Settings


class Application(Flask):
    """Of views that are plain functions; to look whether one is a coroutine took a tenth of a small answer."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(services: Services, settings: Settings, error_page: ErrorPage | None = None) -> Flask:
    """An app that serves /api over ``services``. ``error_page`` answers failures outside of /api, for people."""
    app = Application("gops", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.http_body_bytes + 1  # one more, to see that there is more
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Korean to be read in a terminal, in half the bytes
    app.extensions[context.EXTENSION] = services
    app.extensions[signup.ALLOWANCE] = HourlyAllowance(services.clock, settings.signup_per_hour, "GOPS_SIGNUP_PER_HOUR")
    app.url_map.converters |= CONVERTERS
    app.url_map.strict_slashes = False
    measured.install(app, settings.metrics_token)
    encoding.install(app)
    problems.install(app, settings.language, settings.http_body_bytes, error_page)
    etags.install(app)
    request_ids.install(app)
    security.install(app, settings)
    credentials.install(app)
    limits.install(app)
    credentials.refuse_wrong(app)
    _register(app, settings)
    document.install(app)
    newsfeed.install(app)
    app.register_blueprint(ckan)
    unasked.install(app)
    app.wsgi_app = KnownAnswers(app, app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def openapi_document(app: Flask) -> bytes:
    """The OpenAPI document of an app that ``create_app`` made, as JSON."""
    return cast(bytes, app.extensions[index.DOCUMENT]())


def _register(app: Flask, settings: Settings) -> None:
    api = Api(app, settings.base_url)
    api.register_converter(IdConverter, lambda _converter: {"type": "integer", "minimum": 1})
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=PREFIX)
    app.extensions[index.DOCUMENT] = api.document
