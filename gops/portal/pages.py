"""The routes of the pages."""

from __future__ import annotations

from typing import Any, Protocol

import orjson
from flask import Blueprint, Flask, Response, current_app, g, render_template, request

from gops import __version__
from gops.clock import from_micros
from gops.portal import display, drawing, reference, statics
from gops.portal.live import Board, Sources
from gops.portal.words import LANGUAGES, Words
from gops.quality import WORDS
from gops.settings import Settings

EXTENSION = "gops-pages"


class Failure(Protocol):
    """A problem of the API, as a page shows it."""

    @property
    def status(self) -> int: ...

    def title(self, language: str) -> str: ...


def register(app: Flask, sources: Sources, document: bytes) -> None:
    """Add the pages to ``app``. ``document`` is the OpenAPI document as JSON."""
    board, routes = Board(sources), reference.chapters(orjson.loads(document))
    pages = Blueprint("portal", __name__, template_folder="templates")

    @pages.get("/")
    def landing() -> Response:
        live = board.show()
        chart = drawing.chart([(point.longitude, point.latitude) for point in live.points])
        return page("landing.html", sources.settings, live=live, chart=chart, zone=sources.settings.zone)

    @pages.get("/api/docs")
    def docs() -> Response:
        return page("docs.html", sources.settings, chapters=routes, viewer=statics.has_viewer())

    @pages.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return statics.serve(name)

    app.register_blueprint(pages)
    app.extensions[EXTENSION] = sources.settings


def page(template: str, settings: Settings, status: int = 200, language: str | None = None, **content: Any) -> Response:
    """A page in the reader's language: ``?lang=``, else Accept-Language, else the setting."""
    chosen = language or asked_language(settings.language)
    words = Words(chosen)
    shown = {"words": words, "display": display, "qualities": WORDS, "moment": from_micros, "version": __version__}
    text = render_template(
        template, asset=statics.address, origin=origin(settings), settings=settings, **shown, **content
    )
    response = Response(text, status, mimetype="text/html")
    response.headers["Content-Language"] = chosen
    response.vary.add("Accept-Language")
    if status == 200:
        response.headers["Cache-Control"] = "no-cache"
    return response


def asked_language(default: str) -> str:
    named = request.args.get("lang")
    if named in LANGUAGES:
        return str(named)
    return request.accept_languages.best_match(LANGUAGES, default) or default


def origin(settings: Settings) -> str:
    """The address of this server as examples show it."""
    return (settings.base_url or request.host_url).rstrip("/")


def error_page(problem: Failure, language: str) -> Response:
    """A failure outside of the API, for people. For ``create_app``; needs ``register``."""
    kind = "error_404" if problem.status == 404 else "error_other"
    settings: Settings = current_app.extensions[EXTENSION]
    content = {"kind": kind, "problem": problem, "request_id": g.get("request_id")}
    return page("error.html", settings, problem.status, asked_language(language), **content)
