"""The routes of the pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import orjson
from flask import Blueprint, Flask, Response, current_app, g, redirect, render_template, request

from gops import __version__
from gops.clock import from_micros
from gops.portal import datasets, display, drawing, reference, search
from gops.portal.live import Board, Sources
from gops.portal.statics import FOLDER, Statics
from gops.portal.words import LANGUAGES, Words
from gops.quality import WORDS
from gops.settings import Settings

EXTENSION = "gops-pages"
SAID = {404: "error_404", 410: "error_410"}  # status -> what a page of a failure says
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)


class Failure(Protocol):
    """A problem of the API, as a page shows it."""

    @property
    def status(self) -> int: ...


@dataclass(frozen=True)
class Pages:
    """What every page needs."""

    settings: Settings
    statics: Statics


def register(app: Flask, sources: Sources, document: bytes, folder: Path = FOLDER) -> None:
    """Add the pages to ``app``. ``document`` is the OpenAPI document as JSON, ``folder`` has the static files."""
    board, routes = Board(sources), reference.chapters(orjson.loads(document))
    pages, blueprint = (
        Pages(sources.settings, Statics(folder)),
        Blueprint("portal", __name__, template_folder="templates"),
    )

    @blueprint.get("/")
    def landing() -> Response:
        live = board.show()
        chart = drawing.chart([(point.longitude, point.latitude) for point in live.points])
        return page("landing.html", live=live, chart=chart, zone=sources.settings.zone)

    @blueprint.get("/datasets/<slug:slug>")
    def dataset(slug: str) -> Any:
        shown = datasets.gather(sources, slug, origin(sources.settings))
        present = shown.view.dataset.slug
        if present != slug:
            return redirect(f"/datasets/{present}", 308)
        return page("dataset.html", shown=shown, zone=sources.settings.zone)

    @blueprint.get("/search")
    def find() -> Response:
        language, zone = asked_language(sources.settings.language), sources.settings.zone
        shown = search.gather(sources, request.args, language, zone)
        kept = urlencode(shown.given)
        return page("search.html", 422 if shown.wrong else 200, shown=shown, zone=zone, kept=kept, **search.WORDS)

    @blueprint.get("/api/docs")
    def docs() -> Response:
        return page("docs.html", chapters=routes, viewer=pages.statics.has_viewer)

    @blueprint.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return pages.statics.serve(name)

    app.register_blueprint(blueprint)
    app.extensions[EXTENSION] = pages


def page(template: str, status: int = 200, **content: Any) -> Response:
    """A page in the reader's language: ``?lang=``, else Accept-Language, else the setting."""
    pages: Pages = current_app.extensions[EXTENSION]
    words = Words(asked_language(pages.settings.language))
    shown = {"words": words, "display": display, "qualities": WORDS, "moment": from_micros, "version": __version__}
    here = origin(pages.settings)
    frame = {
        "asset": pages.statics.address,
        "origin": here,
        "host": urlsplit(here).hostname,
        "settings": pages.settings,
    }
    response = Response(render_template(template, **shown, **frame, **content), status, mimetype="text/html")
    response.headers["Content-Language"] = words.language
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
    """The address of this server as examples show it: the public one, or as asked where that is a plain host."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = request.host if _HOST.fullmatch(request.host) else f"{settings.host}:{settings.port}"
    return f"{request.scheme}://{host}"


def error_page(problem: Failure, _language: str) -> Response:
    """A failure outside of the API, for people. For ``create_app``; needs ``register``."""
    kind = SAID.get(problem.status, "error_other")
    return page("error.html", problem.status, kind=kind, problem=problem, request_id=g.get("request_id"))
