"""The catalog and its datasets as DCAT, for harvesters: ``/catalog`` and ``/datasets/{slug}.ttl``, in three formats.

A suffix names the format; ``/catalog`` without one goes by ``Accept``, JSON-LD unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from flask import Flask, Response, redirect, request
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import quote_etag
from werkzeug.wrappers import Response as AnyResponse

from gops import __version__
from gops.api import etags
from gops.api.catalog.addresses import base
from gops.api.context import actor, services
from gops.catalog.facts import CatalogFacts
from gops.catalog.profiles import datapackage, dcat, rdfxml, turtle
from gops.catalog.profiles.graph import Graph
from gops.catalog.views import DATASETS_A_PAGE
from gops.errors import Invalid
from gops.records.database import MAX_ID


@dataclass(frozen=True, slots=True)
class Form:
    suffix: str
    media_type: str
    write: Callable[[dcat.Node], bytes]
    write_catalog: Callable[[CatalogFacts], bytes] | None = None
    """Instead of that, for whole pages of the catalog."""


TURTLES = turtle.Catalogs()
FORMS: Mapping[str, Form] = {
    one.media_type: one
    for one in (
        Form("jsonld", dcat.MEDIA_TYPE, orjson.dumps),
        Form("ttl", turtle.MEDIA_TYPE, lambda document: turtle.write(Graph(document)), TURTLES.write),
        Form("rdf", rdfxml.MEDIA_TYPE, lambda document: rdfxml.write(Graph(document))),
    )
}
SUFFIXES: Mapping[str, Form] = {one.suffix: one for one in FORMS.values()}
ENDING = f"<any({','.join(SUFFIXES)}):suffix>"


def install(app: Flask) -> None:
    app.add_url_rule("/catalog", "catalog", negotiated, methods=["GET"])
    app.add_url_rule(f"/catalog.{ENDING}", "catalog_as", catalog, methods=["GET"])
    app.add_url_rule(f"/datasets/<slug:slug>.{ENDING}", "dataset_as", dataset, methods=["GET"])
    app.add_url_rule("/datasets/<slug:slug>/datapackage.json", "data_package", data_package, methods=["GET"])


def negotiated() -> Response:
    """What ``catalog`` answers, as the reader's Accept header asks. Raises 406."""
    accepted = request.accept_mimetypes
    wanted = accepted.best_match(FORMS) if accepted else dcat.MEDIA_TYPE
    if wanted is None:
        raise NotAcceptable
    response = catalog(FORMS[wanted].suffix)
    response.vary.add("Accept")
    return response


def catalog(suffix: str) -> Response:
    """A page of what is published; ``after`` is the id of the last dataset of the page before."""
    after, limit = _number("after", 0, MAX_ID, 0), _number("limit", 1, DATASETS_A_PAGE, DATASETS_A_PAGE)
    facts, form = services().views.catalog(base(), after, suffix, limit), SUFFIXES[suffix]
    write = form.write_catalog or (lambda facts: form.write(dcat.catalog(facts)))
    return _answer(form, facts, write, "/catalog")


def dataset(slug: str, suffix: str) -> AnyResponse:
    """One published dataset."""
    found = services().datasets.get(actor(), slug)
    if found.slug != slug:
        return redirect(f"/datasets/{found.slug}.{suffix}", 308)
    facts, form = services().views.stated(base(), [found]), SUFFIXES[suffix]
    return _answer(form, facts, lambda facts: form.write(dcat.alone(facts)), f"/datasets/{slug}")


def data_package(slug: str) -> AnyResponse:
    """One published dataset as a Data Package."""
    found = services().datasets.get(actor(), slug)
    if found.slug != slug:
        return redirect(f"/datasets/{found.slug}/datapackage.json", 308)
    (facts,) = services().views.stated(base(), [found]).datasets
    return _open(Response(orjson.dumps(datapackage.package(facts)), mimetype=datapackage.MEDIA_TYPE))


def _answer(form: Form, facts: CatalogFacts, write: Callable[[CatalogFacts], bytes], path: str) -> Response:
    """304 where the asker has these facts already: what is written is made of nothing else."""
    etag = etags.tag(__version__, form.suffix, orjson.dumps(facts))
    response = etags.unchanged(etag) or Response(write(facts), mimetype=form.media_type)
    response.headers["ETag"] = quote_etag(etag)
    others = (one for one in FORMS.values() if one is not form)
    links = (f'<{path}.{one.suffix}>; rel="alternate"; type="{one.media_type}"' for one in others)
    response.headers["Link"] = ", ".join(links)
    return _open(response)


def _open(response: Response) -> Response:
    """For pages of anybody (CORS), and asked for again each time."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _number(name: str, low: int, high: int, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and low <= int(text) <= high):
        expected = "take the address in hydra:next" if name == "after" else f"a number from {low} to {high}"
        raise Invalid(f"not a fitting {name}", field=name, found=text, expected=expected)
    return int(text)
