"""What belongs to an application: sites that fit it, likely duplicates, its consortium, its documents."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask import Response, request, send_file
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.bodies import incoming
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.testbed.applications import LanguageQuery, VerdictOut, worded
from gops.testbed.consortium import ANSWERS
from gops.testbed.documents.service import Offered
from gops.testbed.documents.types import ENDINGS, UNSAID
from gops.testbed.lifecycles import MEMBER

blueprint = Blueprint("application parts", __name__, description="Sites, consortium and documents of an application")
BINARY = {"schema": {"type": "string", "format": "binary"}}
NEVER_KEPT = "private, no-store"


class SiteFit(Strict):
    site = fields.Integer()
    feasible = fields.Boolean(metadata={"description": "it may be ranked"})
    verdicts = fields.List(fields.Nested(VerdictOut), metadata={"description": "why not"})


class SiteFits(Strict):
    items = fields.List(fields.Nested(SiteFit), metadata={"description": "every site of the call"})


class DuplicateOut(Strict):
    id = fields.Integer(metadata={"description": "of the application"})
    call = fields.String(metadata={"description": "slug"})
    organisation_id = fields.Integer()
    title = fields.String()
    likeness = fields.Integer(attribute="likeness.total", metadata={"description": "percent: the mean of the four"})
    theme = fields.Integer(attribute="likeness.theme", metadata={"description": "percent"})
    technology = fields.Integer(attribute="likeness.technology", metadata={"description": "percent: shared words"})
    place = fields.Integer(attribute="likeness.place", metadata={"description": "percent: shared sites"})
    time = fields.Integer(attribute="likeness.time", metadata={"description": "percent: shared weeks"})


class DuplicatesOut(Strict):
    items = fields.List(fields.Nested(DuplicateOut), metadata={"description": "the likest first"})


class ConsortiumAsk(Strict):
    organisation = own.slug("who is asked", required=True)
    part = own.text("what it will do", 200, load_default="")


class ConsortiumAnswer(Strict):
    state = own.choice("what the asked organisation says", ANSWERS, required=True)


class ConsortiumMember(Strict):
    organisation_id = fields.Integer()
    part = fields.String()
    state = own.choice("a change of the application asks anew", MEMBER.states)
    asked_at = own.moment("when it was asked")
    answered_at = own.moment("when it answered", allow_none=True)


class Consortium(Strict):
    items = fields.List(fields.Nested(ConsortiumMember), metadata={"description": "as they were asked"})


class DocumentQuery(Strict):
    name = own.text("of the file; its ending must be that of what is in it", 200, shortest=1, required=True)
    kind = own.text("what it is for, such as one that the call asks for", 64, load_default="other")


class DocumentOut(Strict):
    id = fields.Integer()
    kind = fields.String()
    name = fields.String()
    media_type = fields.String(metadata={"description": "by what is in it"})
    bytes = fields.Integer()
    sha256 = fields.String()
    scanned = fields.Boolean(metadata={"description": "a scanner looked at it"})
    created_at = own.moment("when it was taken")


class DocumentsOut(Strict):
    items = fields.List(fields.Nested(DocumentOut), metadata={"description": "in the order of their ids"})


@blueprint.route("/applications/<id:application_id>/sites")
class FitView(MethodView):
    @blueprint.arguments(LanguageQuery, location="query")
    @blueprint.response(200, SiteFits)
    @blueprint.reads(404, 422)
    def get(self, query: dict[str, Any], application_id: int) -> Any:
        """Say which sites of the call an application may rank

        The others with their reasons.
        """
        found = services().applications.sites(actor(), application_id)
        return {"items": [_fit(site, verdicts, query["language"]) for site, verdicts in found]}


@blueprint.route("/applications/<id:application_id>/duplicates")
class DuplicatesView(MethodView):
    @blueprint.response(200, DuplicatesOut)
    @blueprint.reads(404)
    def get(self, application_id: int) -> Any:
        """List likely duplicates

        By theme, technology, place and time, among the applications that the asker may know of.
        """
        return {"items": services().duplicates.of(actor(), application_id)}


@blueprint.route("/applications/<id:application_id>/members")
class MembersView(MethodView):
    @blueprint.response(200, Consortium)
    @blueprint.reads(404)
    def get(self, application_id: int) -> Any:
        """List the consortium besides the applicant"""
        return {"items": services().consortia.list(actor(), application_id)}

    @blueprint.arguments(ConsortiumAsk)
    @blueprint.response(201, ConsortiumMember)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], application_id: int) -> Any:
        """Ask an organisation to join

        It sees the application from then on, and confirms by itself.
        """
        made = services().consortia.ask(actor(), application_id, new["organisation"], new["part"])
        return made, {"Location": f"{PREFIX}/applications/{application_id}/members"}


@blueprint.route("/applications/<id:application_id>/members/<slug:slug>")
class MemberView(MethodView):
    @blueprint.arguments(ConsortiumAnswer)
    @blueprint.response(200, ConsortiumMember)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, answer: dict[str, Any], application_id: int, slug: str) -> Any:
        """Confirm or decline

        With a key of the asked organisation, until the call closes. To decline takes a submitted application back.
        """
        return services().consortia.answer(actor(), application_id, slug, answer["state"])

    @blueprint.response(204)
    @blueprint.writes(404, 409)
    def delete(self, application_id: int, slug: str) -> None:
        """Take an organisation out of a draft"""
        services().consortia.remove(actor(), application_id, slug)


@blueprint.route("/applications/<id:application_id>/documents")
class DocumentsView(MethodView):
    @blueprint.response(200, DocumentsOut)
    @blueprint.reads(404)
    def get(self, application_id: int) -> Any:
        """List documents"""
        return {"items": services().documents.list(actor(), application_id)}

    @blueprint.arguments(DocumentQuery, location="query")
    @blueprint.response(201, DocumentOut)
    @blueprint.writes(404, 409, 413, 422, 503)
    @blueprint.doc(requestBody={"required": True, "content": dict.fromkeys([*ENDINGS, UNSAID[1]], BINARY)})
    def post(self, query: dict[str, Any], application_id: int) -> Any:
        """Add a document to a draft

        The body is the file. What it is is told from its bytes; a name or a Content-Type that says something else is
        refused, and so are macros and what the operator's scanner finds.
        """
        offered = Offered(query["name"], query["kind"], request.headers.get("Content-Type", ""))
        with incoming(request) as body:
            made = services().documents.add(actor(), application_id, offered, body)
        return made, {"Location": f"{PREFIX}/applications/{application_id}/documents/{made.id}"}


@blueprint.route("/applications/<id:application_id>/documents/<id:document_id>")
class DocumentView(MethodView):
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type=UNSAID[1])
    @blueprint.reads(404, 503)
    def get(self, application_id: int, document_id: int) -> Response:
        """Download a document

        Always as an attachment.
        """
        found, opened = services().documents.open(actor(), application_id, document_id)
        answer = send_file(opened(), UNSAID[1], as_attachment=True, download_name=found.name, etag=found.sha256)
        answer.content_length = found.bytes
        answer.headers["Cache-Control"] = NEVER_KEPT
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    @blueprint.response(204)
    @blueprint.writes(404, 409)
    def delete(self, application_id: int, document_id: int) -> None:
        """Take a document out of a draft"""
        services().documents.remove(actor(), application_id, document_id)


def _fit(site: int, verdicts: Sequence[Any], language: str | None) -> SimpleNamespace:
    told = worded([verdict.document() for verdict in verdicts], language)
    return SimpleNamespace(site=site, feasible=not verdicts, verdicts=told)
