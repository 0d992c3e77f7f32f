"""Catalogs that are harvested, what their runs brought, and where a harvested dataset is from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.catalog.harvest.links import Seen
from gops.catalog.harvest.model import PROTOCOLS
from gops.catalog.harvest.sources import EVERY_HOURS, FIELDS, LANGUAGES, URL_LENGTH
from gops.catalog.vocabularies import THEMES
from gops.permissions import missing

blueprint = Blueprint("harvest", __name__, description="Catalogs elsewhere whose datasets are shown here")
OUTCOMES = ("running", "done", "unchanged", "disbelieved", "failed")


class HarvestSourceSaid(Strict):
    protocol = own.choice("how it is read", PROTOCOLS)
    url = own.text("a page of DCAT, or the address of a CKAN", URL_LENGTH, shortest=1)
    name = own.text("for people", 200, shortest=1)
    theme = own.choice("of datasets that name none that GOPS knows", tuple(THEMES))
    language = own.choice("of texts that name none; ko unless told otherwise", LANGUAGES)
    every_hours = fields.Integer(
        strict=True,
        validate=validate.Range(*EVERY_HOURS),
        metadata={"description": "how often; 24 unless told otherwise", "example": 24},
    )
    enabled = fields.Boolean(metadata={"description": "is it harvested by the clock"})


class HarvestSourceNew(HarvestSourceSaid):
    organisation = own.slug("whose datasets these become", required=True)
    protocol = own.choice("how it is read", PROTOCOLS, required=True)
    url = own.text("a page of DCAT, or the address of a CKAN", URL_LENGTH, shortest=1, required=True)
    name = own.text("for people", 200, shortest=1, required=True)
    theme = own.choice("of datasets that name none that GOPS knows", tuple(THEMES), required=True)


class HarvestSourceOut(HarvestSourceSaid):
    id = fields.Integer()
    organisation = fields.String()
    datasets = fields.Integer(metadata={"description": "how many of it stand"})
    created_at = own.moment("since when")
    next_at = own.moment("when it is harvested next, where it is on")


class HarvestSourcesQuery(PageQuery):
    organisation = own.slug("of this organisation", required=True)


class HarvestAsked(Strict):
    believe = fields.Boolean(
        load_default=False, metadata={"description": "take it as it is, however many datasets it lacks"}
    )


class HarvestRefusalOut(Strict):
    identity = fields.String()
    title = fields.String()
    code = fields.String(metadata={"example": "no_title"})
    field = fields.String()
    note = fields.String()


class HarvestRunOut(Strict):
    id = fields.Integer()
    outcome = own.choice("what came of it", OUTCOMES)
    began_at = own.moment("when it began")
    ended_at = own.moment("when it ended", allow_none=True)
    pages = fields.Integer(metadata={"description": "that were read"})
    found = fields.Integer(metadata={"description": "datasets in the source"})
    added = fields.Integer()
    changed = fields.Integer()
    unchanged = fields.Integer()
    missing = fields.Integer(metadata={"description": "that the source lacks and that stand yet"})
    removed = fields.Integer(metadata={"description": "that were withdrawn, missing for too long"})
    refused = fields.Integer()
    refusals = fields.List(fields.Nested(HarvestRefusalOut), metadata={"description": "the first hundred"})
    code = fields.String(allow_none=True, metadata={"description": "why it failed, or was not believed"})
    note = fields.String(allow_none=True)


class HarvestLinkOut(Strict):
    url = fields.String()
    title_ko = fields.String()
    title_en = fields.String()
    format = fields.String(metadata={"description": "as the source says it"})
    media_type = fields.String()
    whole = fields.Boolean(metadata={"description": "the address answers with a file"})
    status = fields.Integer(allow_none=True, metadata={"description": "of HTTP, when it was last tried"})
    trouble = fields.String(
        allow_none=True, metadata={"description": "a status or code where it did not answer; null: never tried"}
    )


class OriginOut(Strict):
    source = fields.String(metadata={"description": "the catalog that it was read from"})
    identity = fields.String(metadata={"description": "its IRI there"})
    page = fields.String(metadata={"description": "its page there, or nothing"})
    publisher = fields.String(metadata={"description": "IRI, or nothing"})
    publisher_ko = fields.String()
    publisher_en = fields.String()
    licence = fields.String(metadata={"description": "as the source says it"})
    licence_name = fields.String()
    frequency = fields.String(metadata={"description": "as the source says it"})
    themes = fields.List(fields.String())
    issued = own.moment("as the source says", allow_none=True)
    modified = own.moment("as the source says", allow_none=True)
    links = fields.List(fields.Nested(HarvestLinkOut))


@blueprint.route("/harvest-sources")
class HarvestSourcesView(MethodView):
    @blueprint.arguments(HarvestSourcesQuery, location="query")
    @blueprint.response(200, page_of(HarvestSourceOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List the catalogs that an organisation harvests"""
        home = query["organisation"]
        body, headers = page(query, lambda after, limit: services().harvests.list(actor(), home, after, limit))
        return {**body, "items": [_shown(one) for one in body["items"]]}, headers

    @blueprint.arguments(HarvestSourceNew)
    @blueprint.response(201, HarvestSourceOut)
    @blueprint.writes(404, 409, 413, 415, 422, 503)
    def post(self, new: dict[str, Any]) -> Any:
        """Declare a catalog to harvest

        It is read within the minute. Its datasets are public as soon as they are read.
        """
        made = services().harvests.create(actor(), new.pop("organisation"), new)
        return _shown(made), {"Location": f"{PREFIX}/harvest-sources/{made.id}"}


@blueprint.route("/harvest-sources/<id:source_id>")
class OneHarvestSource(MethodView):
    @blueprint.response(200, HarvestSourceOut)
    @blueprint.reads(403, 404)
    def get(self, source_id: int) -> Any:
        """Show a harvested catalog"""
        return _shown(services().harvests.get(actor(), source_id))

    @blueprint.arguments(HarvestSourceSaid)
    @blueprint.response(200, HarvestSourceOut)
    @blueprint.writes(404, 409, 413, 415, 422, 503)
    def patch(self, changes: dict[str, Any], source_id: int) -> Any:
        """Change how a catalog is harvested"""
        return _shown(services().harvests.edit(actor(), source_id, changes))

    @blueprint.response(204)
    @blueprint.writes(404, 409)
    def delete(self, source_id: int) -> None:
        """End the harvest of a catalog, and withdraw its datasets"""
        services().harvests.delete(actor(), source_id)


@blueprint.route("/harvest-sources/<id:source_id>/runs")
class HarvestRuns(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(HarvestRunOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any], source_id: int) -> Any:
        """List what the runs of a harvest brought

        The oldest first; the last hundred are kept.
        """
        return page(query, lambda after, limit: services().harvests.runs(actor(), source_id, after, limit))

    @blueprint.arguments(HarvestAsked)
    @blueprint.response(202, HarvestSourceOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, asked: dict[str, Any], source_id: int) -> Any:
        """Have a catalog harvested within the minute"""
        return _shown(services().harvests.ask(actor(), source_id, asked["believe"]))


@blueprint.route("/datasets/<slug:slug>/origin")
class Origin(MethodView):
    @blueprint.response(200, OriginOut)
    @blueprint.public(401, 404, 410)
    def get(self, slug: str) -> Any:
        """Show where a harvested dataset is from

        What its source says of it, as it was read last. A dataset of this GOPS has none.
        """
        one = services().datasets.get(actor(), slug).id
        found, seen = services().harvests.origin(one), services().harvests.seen(one)
        if found is None:
            raise missing("origin")
        said = asdict(found[0])
        links = [link | _tried(seen.get(link["url"])) for link in said["links"]]
        return {name: said[name] for name in OriginOut().fields if name in said} | {"source": found[1], "links": links}


def _tried(seen: Seen | None) -> dict[str, Any]:
    return {"status": None, "trouble": None} if seen is None else {"status": seen.status, "trouble": seen.word}


def _shown(view: Any) -> dict[str, Any]:
    row = view.row
    told = {"id": row.id, "organisation": view.organisation, "datasets": view.datasets}
    return told | {name: getattr(row, name) for name in (*FIELDS, "created_at", "next_at")}
