"""The catalog as one document for harvesters: ``/catalog.jsonld``."""

from __future__ import annotations

import orjson
from flask import Flask, Response, request

from gops.api.catalog.addresses import base
from gops.api.context import services
from gops.catalog import dcat
from gops.errors import Invalid
from gops.records.database import MAX_ID

PATH = "/catalog.jsonld"


def install(app: Flask) -> None:
    app.add_url_rule(PATH, "catalog", catalog, methods=["GET"])


def catalog() -> Response:
    """A page of what is published as DCAT in JSON-LD; ``after`` is the id of the last dataset of the page before."""
    facts = services().views.catalog(base(), _after(request.args.get("after")))
    response = Response(orjson.dumps(dcat.catalog(facts)), mimetype=dcat.MEDIA_TYPE)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _after(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_ID):
        raise Invalid("not the id of a dataset", field="after", found=text, expected="take the address in hydra:next")
    return int(text)
