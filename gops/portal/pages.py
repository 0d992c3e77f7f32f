"""The routes of the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import orjson
from flask import Blueprint, Flask, Response, current_app, g, redirect, render_template, request

from gops import __version__
from gops.clock import DAY, from_micros
from gops.portal import datasets, display, drawing, reference, search, testbed, wrong
from gops.portal.inside import RATED_SECONDS, ratings
from gops.portal.kept import Kept
from gops.portal.live import KEPT_SECONDS, Board
from gops.portal.sources import Sources
from gops.portal.statics import FOLDER, Statics
from gops.portal.words import LANGUAGES, Words
from gops.quality import WORDS
from gops.settings import Settings

EXTENSION = "gops-pages"
KEPT_PAGES = 300  # of datasets, some 50 kB each
KEY_LENGTH = 64
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


@dataclass(frozen=True)
class Made:
    """A page of a dataset, under the slug that it has now."""

    slug: str
    body: str


def register(
    app: Flask,
    sources: Sources,
    document: Callable[[], bytes],
    folder: Path = FOLDER,
    kept_seconds: float = KEPT_SECONDS,
) -> None:
    """Add the pages to ``app``. ``document`` gives the OpenAPI document as JSON, ``folder`` has the static files.

    A page of a dataset, and what the first page shows, is made at most once in ``kept_seconds``; 0 keeps nothing."""
    board, rated = Board(sources, kept_seconds), ratings(RATED_SECONDS if kept_seconds else 0.0)
    pages, blueprint = (
        Pages(sources.settings, Statics(folder)),
        Blueprint("portal", __name__, template_folder="templates"),
    )
    looked_at: Kept[Made] = Kept(kept_seconds, KEPT_PAGES)

    @blueprint.get("/")
    def landing() -> Response:
        live = board.show()
        chart = drawing.chart([(point.longitude, point.latitude) for point in live.points])
        return page("landing.html", live=live, chart=chart, zone=sources.settings.zone)

    @blueprint.get("/datasets/<slug:slug>")
    def dataset(slug: str) -> Any:
        zone, key, here = sources.settings.zone, request.args.get("property", "")[:KEY_LENGTH], origin(sources.settings)

        def make() -> Made:
            shown = datasets.gather(sources, rated, slug, here, key)
            since = from_micros(sources.clock.micros() - DAY).astimezone(zone).date().isoformat()
            again = urlencode({"property": key}) if key else ""
            content = {"shown": shown, "zone": zone, "since": since, "kept": again, **datasets.WORDS}
            return Made(shown.dataset.slug, rendered("dataset.html", **content))

        made = looked_at.of((slug, key, here, asked_language(sources.settings.language)), make)
        if made.slug != slug:
            return redirect(f"/datasets/{made.slug}", 308)
        return answer(made.body)

    @blueprint.get("/search")
    def find() -> Response:
        language, zone = asked_language(sources.settings.language), sources.settings.zone
        shown = search.gather(sources, request.args, language, zone)
        kept = urlencode(shown.given)
        return page("search.html", 422 if shown.wrong else 200, shown=shown, zone=zone, kept=kept, **search.WORDS)

    @cache
    def routes() -> list[reference.Chapter]:
        return reference.chapters(orjson.loads(document()))

    @blueprint.get("/api/docs")
    def docs() -> Response:
        return page("docs.html", chapters=routes(), viewer=pages.statics.has_viewer)

    @blueprint.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return pages.statics.serve(name)

    testbed.add(blueprint, sources, page, lambda: asked_language(sources.settings.language))
    app.register_blueprint(blueprint)
    app.extensions[EXTENSION] = pages


def page(template: str, status: int = 200, **content: Any) -> Response:
    """A page in the reader's language: ``?lang=``, else Accept-Language, else the setting."""
    return answer(rendered(template, **content), status)


def rendered(template: str, **content: Any) -> str:
    pages: Pages = current_app.extensions[EXTENSION]
    words = Words(asked_language(pages.settings.language))
    shown = {"words": words, "display": display, "qualities": WORDS, "moment": from_micros, "version": __version__}
    shown["wrong_said"] = partial(wrong.said, words)
    here = origin(pages.settings)
    frame = {
        "asset": pages.statics.address,
        "origin": here,
        "host": urlsplit(here).hostname,
        "settings": pages.settings,
        "zone": pages.settings.zone,
    }
    return render_template(template, **shown, **{**frame, **content})


def answer(body: str, status: int = 200) -> Response:
    pages: Pages = current_app.extensions[EXTENSION]
    response = Response(body, status, mimetype="text/html")
    response.headers["Content-Language"] = asked_language(pages.settings.language)
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
