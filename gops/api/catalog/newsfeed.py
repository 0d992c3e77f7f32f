"""News of datasets as Atom feeds: of all of them at ``/feed.atom``, of one beside it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, request
from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.catalog.addresses import base, follow
from gops.api.context import services
from gops.api.fields import Strict
from gops.catalog.facts import Bilingual
from gops.catalog.history import atom
from gops.catalog.history.atom import LANGUAGES, MEDIA_TYPE, Heading
from gops.errors import Invalid
from gops.records.database import MAX_ID

PATH = "/feed.atom"
ENTRIES = 50  # of a page
blueprint = Blueprint("dataset-news", __name__, description="News of datasets: what was published, revised, withdrawn")


class NewsQuery(Strict):
    lang = own.choice("language of its words", LANGUAGES, load_default="ko")
    before = own.asked_id("news older than this", load_default=None)
    limit = fields.Integer(
        validate=validate.Range(1, ENTRIES), load_default=ENTRIES, metadata={"description": "entries in a page"}
    )


def install(app: Flask) -> None:
    app.add_url_rule(PATH, "news", news, methods=["GET"])


def news() -> Response:
    """News of all datasets; ``lang``, ``before`` and ``limit`` as a feed of one dataset takes them."""
    language = request.args.get("lang", "ko")
    if language not in LANGUAGES:
        raise Invalid("no such language", field="lang", found=language, expected="ko or en")
    limit = _number("limit", ENTRIES) or ENTRIES
    return _answer(PATH, "/", atom.TITLE, None, language, _number("before", MAX_ID), limit)


@blueprint.route("/datasets/<slug:slug>/feed.atom")
class DatasetNewsView(MethodView):
    @blueprint.arguments(NewsQuery, location="query")
    @blueprint.response(200, {"type": "string"}, content_type=MEDIA_TYPE)
    @blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)
    @blueprint.moves
    @blueprint.open(404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Show the news of a dataset as an Atom feed

        Published, revised, frozen, deprecated, withdrawn; the newest first, in pages of 50 that name the next. It is
        there for a withdrawn dataset too. `/feed.atom` has the news of all datasets.
        """
        dataset = services().newsfeed.dataset(slug)
        follow(slug, dataset.slug)
        path, title = f"{PREFIX}/datasets/{dataset.slug}/feed.atom", Bilingual(dataset.title_ko, dataset.title_en)
        return _answer(
            path, f"/datasets/{dataset.slug}", title, dataset.slug, query["lang"], query["before"], query["limit"]
        )


def _answer(
    path: str, page: str, title: Bilingual, slug: str | None, language: str, before: int | None, limit: int
) -> Response:
    found = services().newsfeed.page(before, limit + 1, slug)
    shown, home = found[:limit], base()
    following = None
    if len(found) > limit:
        following = f"{home}{path}?{urlencode({'lang': language, 'before': shown[-1].id, 'limit': limit})}"
    address = f"{home}{path}" + ("" if language == "ko" else f"?lang={language}")
    body = atom.feed(home, Heading(address, f"{home}{page}", title, following), shown, language)
    response = Response(body, content_type=f"{MEDIA_TYPE}; charset=utf-8")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _number(name: str, most: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= most):
        expected = f"a number from 1 to {most}; take the address of the link next"
        raise Invalid(f"{name} is no such number", field=name, found=text, expected=expected)
    return int(text)
