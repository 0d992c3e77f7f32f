"""The routes of the testbed's pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request

from gops.portal import boards, calls, places
from gops.portal.sources import Sources

Page = Callable[..., Response]
Language = Callable[[], str]


def add(blueprint: Blueprint, sources: Sources, page: Page, language: Language) -> None:
    """``page(template, status, **content)`` makes the answer, ``language()`` says what the reader reads."""
    _calls(blueprint, sources, page)
    _sites(blueprint, sources, page, language)
    _boards(blueprint, sources, page, language)


def _calls(blueprint: Blueprint, sources: Sources, page: Page) -> None:
    kept = calls.documents()

    @blueprint.get("/testbed")
    def testbed() -> Response:
        return page("testbed.html", shown=calls.overview(sources))

    @blueprint.get("/calls/<slug:slug>")
    def call(slug: str) -> Response:
        asked = request.args.get("application", "")[:64]
        shown = calls.gather(sources, kept, slug, asked)
        return page("call.html", shown=shown, asked=asked, kept=_again({"application": asked}))


def _sites(blueprint: Blueprint, sources: Sources, page: Page, language: Language) -> None:
    placed = places.kept_placements()

    @blueprint.get("/sites")
    def sites() -> Response:
        shown = places.index(sources, request.args, language())
        kept = _again({**shown.list.given, "after": request.args.get("after", "")})
        return page("sites.html", 422 if shown.list.wrong else 200, shown=shown, kept=kept)

    @blueprint.get("/sites/suggestions")
    def suggestions() -> Response:
        shown = places.suggestions(sources, request.args)
        return page("suggestions.html", 422 if shown.wrong else 200, shown=shown, kept=_again(shown.given))

    @blueprint.get("/sites/<id:site_id>")
    def site(site_id: int) -> Response:
        return page("site.html", shown=places.gather(sources, placed, site_id))


def _boards(blueprint: Blueprint, sources: Sources, page: Page, language: Language) -> None:
    @blueprint.get("/demands")
    def demands() -> Response:
        shown = boards.demands(sources, request.args, language())
        kept = _again({**shown.list.given, "after": request.args.get("after", "")})
        return page("demands.html", 422 if shown.list.wrong else 200, shown=shown, kept=kept)

    @blueprint.get("/demands/<id:demand_id>")
    def demand(demand_id: int) -> Any:
        shown = boards.demand(sources, demand_id)
        if shown.demand.merged_into is not None:
            return redirect(f"/demands/{shown.demand.merged_into}?lang={language()}", 308)
        return page("demand.html", shown=shown)

    @blueprint.get("/clusters")
    def clusters() -> Response:
        shown = boards.clusters(sources, request.args, language())
        kept = _again({**shown.list.given, "after": request.args.get("after", "")})
        return page("clusters.html", 422 if shown.list.wrong else 200, shown=shown, kept=kept)

    @blueprint.get("/clusters/<id:cluster_id>")
    def cluster(cluster_id: int) -> Response:
        return page("cluster.html", shown=boards.cluster(sources, cluster_id))


def _again(given: Mapping[str, str]) -> str:
    """What a link to the other language keeps of the address."""
    return urlencode({name: value for name, value in given.items() if value})
