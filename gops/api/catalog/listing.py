"""The datasets of an organisation in the columns that data.go.kr asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.catalog.addresses import base
from gops.api.context import actor, services, settings
from gops.api.fields import Strict
from gops.catalog.filed import listing
from gops.catalog.model import Dataset
from gops.catalog.states import PUBLIC
from gops.formats import csv

blueprint = Blueprint("listing", __name__, description="Datasets as data.go.kr lists them")
FORM = "data.go.kr"
AT_ONCE = 1_000
EXAMPLE = "목록유형,목록명,파일데이터명,분류체계,제공기관\nFILE,수원시 공원,수원시 공원,환경,수원시\n"


class ListingQuery(Strict):
    form = own.choice("whose columns", (FORM,), load_default=FORM)
    encoding = own.choice("a character that it lacks becomes a question mark", tuple(csv.CODINGS), load_default="utf-8")
    bom = fields.Boolean(load_default=False, metadata={"description": "begin with a byte order mark, for spreadsheets"})


@blueprint.route("/organisations/<slug:slug>/datasets.csv")
class ListingView(MethodView):
    @blueprint.arguments(ListingQuery, location="query")
    @blueprint.response(200, {"type": "string", "examples": [EXAMPLE]}, content_type="text/csv")
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """List the public datasets of an organisation for data.go.kr

        CSV in the columns of the portal's list of open data (목록개방현황); what GOPS does not know is left empty.
        """
        found = _public(slug)
        facts = services().views.stated(base(), found).datasets
        made = listing.table(facts, services().filed.rows(found), settings().zone)
        options = csv.CsvOptions(query["bom"] and query["encoding"] == "utf-8", query["encoding"], escape=True)
        body = b"".join(csv.write(made.schema, iter(made.combine_chunks().to_batches()), options))
        kind = f"text/csv; charset={csv.CODINGS[query['encoding']]}; header=present"
        named = f'attachment; filename="{slug}-datasets.csv"'
        return Response(body, content_type=kind, headers={"Content-Disposition": named})


def _public(slug: str) -> Sequence[Dataset]:
    """As many as an organisation may have (GOPS_ORGANISATION_DATASETS)."""
    found: list[Dataset] = []
    after = 0
    while some := services().datasets.list(actor(), slug, None, after=after, limit=AT_ONCE):
        found += [one for one in some if one.state in PUBLIC]
        after = some[-1].id
    return found
