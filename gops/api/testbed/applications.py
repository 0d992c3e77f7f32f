"""Applications: what is handed in to a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services, settings
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import Week, amounts, language, length, raw, state
from gops.testbed.applications import Draft
from gops.testbed.checks import THEMES, TRL
from gops.testbed.eligibility import TITLES
from gops.testbed.lifecycles import APPLICATION

blueprint = Blueprint("applications", __name__, description="What is handed in to a call")


class ApplicationsQuery(PageQuery):
    call = own.slug("in this call", load_default=None)
    state = state(APPLICATION, "in this state", load_default=None)
    language = language()


DETAILS = (
    "technology (words), region (code of an administrative district), equipment (kind, count, operator), exemptions "
    "(law, need), funding (requested, own, other; KRW), maintenance (by, plan), kpis (name, unit, baseline, target), "
    "confidential (names of these parts, or documents)"
)


def written(required: bool) -> dict[str, fields.Field[Any]]:
    """What an applicant writes: all of it for a new application, some for a change."""
    must: dict[str, Any] = {"required": True} if required else {}
    ranked = own.record_id("a site of the call")
    trl = validate.Range(*TRL)
    return {
        "title": own.text("public once the call is final", 200, shortest=1, **must),
        "summary": own.text("what it is about", 2000),
        "sites": fields.List(ranked, metadata={"description": "ranked, the best first"}, **must),
        "needs": amounts("what it needs in each week, above 0; leave out what it does not need", **must),
        "duration": length("how long", **must),
        "first_start": Week("the first week it could start in", **must),
        "last_start": Week("the last week it could start in", **must),
        "band": own.text("radio band that it uses, one of the call's; null: none", 32, allow_none=True),
        "trl": fields.Integer(strict=True, validate=trl, metadata={"description": "readiness at entry, 1-9"}, **must),
        "theme": own.choice("what it is about", THEMES, allow_none=True),
        "details": raw(DETAILS),
    }


ApplicationNew = Strict.from_dict(
    {"organisation": own.slug("who applies", required=True), **written(True)}, name="ApplicationNew"
)
ApplicationChange = Strict.from_dict(written(False), name="ApplicationChange")


class ApplicationState(Strict):
    state = state(APPLICATION, "submitted, back to draft, or withdrawn", ("submitted", "draft", "withdrawn"),
                  required=True)  # fmt: skip
    nonce = own.text("with submitted: 16 bytes in hex of your choice, your hand in the tie-breaking seed", 32,
                     load_default=None, allow_none=True)  # fmt: skip


class VerdictOut(Strict):
    code = fields.String()
    title = fields.String(metadata={"description": "the code in words"})
    site = fields.Integer(allow_none=True, metadata={"description": "null: of the whole application"})
    field = fields.String()
    found = fields.String()
    expected = fields.String()


class ApplicationOut(Strict):
    id = fields.Integer()
    call = fields.String(metadata={"description": "slug"})
    organisation_id = fields.Integer()
    title = fields.String()
    summary = fields.String()
    state = fields.String()
    sites = fields.List(fields.Integer())
    needs = amounts("in each week")
    duration = fields.Integer(metadata={"description": "weeks"})
    first_start = Week("the first week it could start in")
    last_start = Week("the last week it could start in")
    band = fields.String(allow_none=True)
    trl = fields.Integer()
    theme = fields.String(allow_none=True)
    details = fields.Dict(metadata={"description": DETAILS + "; without what is confidential to the asker"})
    score = fields.Integer(allow_none=True, metadata={"description": "0 to 10000; from the round's publication on"})
    pseudonym = fields.String(allow_none=True, metadata={"description": "its name in the published round file"})
    verdicts = fields.List(fields.Nested(VerdictOut), metadata={"description": "what stands against it"})
    created_at = own.moment("when it was begun")
    submitted_at = own.moment("when it was handed in", allow_none=True)


class Alike(Strict):
    id = fields.Integer(metadata={"description": "of the application"})
    call = fields.String(metadata={"description": "slug"})
    organisation_id = fields.Integer()
    title = fields.String()
    likeness = fields.Integer(attribute="likeness.total", metadata={"description": "percent"})


class ApplicationMoved(ApplicationOut):
    duplicates = fields.List(fields.Nested(Alike), metadata={
        "description": "with submitted: likely ones among those that the applicant may know of"})  # fmt: skip


PLAIN = tuple(set(ApplicationOut().fields) - {"call", "details", "pseudonym", "verdicts"})


class Standing(Strict):
    """What everybody may know of an application in a final call."""

    id = fields.Integer()
    organisation_id = fields.Integer()
    title = fields.String()
    placed = fields.Boolean()


class LanguageQuery(Strict):
    language = language()


@blueprint.route("/applications")
class ApplicationsView(MethodView):
    @blueprint.arguments(ApplicationsQuery, location="query")
    @blueprint.response(200, page_of(ApplicationOut))
    @blueprint.reads(404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List applications

        Of the own organisation, in own calls, and those that rank own sites.
        """
        body, headers = page(
            query, lambda after, limit: services().applications.list(actor(), query["call"], query["state"], after,
                                                                     limit)
        )  # fmt: skip
        return {**body, "items": shown(body["items"], query["language"])}, headers


@blueprint.route("/calls/<slug:slug>/applications")
class CallApplicationsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(Standing))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List who stood in a call, and who was placed

        Empty until the call is final.
        """
        body, headers = page(query, lambda after, limit: services().applications.public(actor(), slug, after, limit))
        return {**body, "items": [_standing(row) for row in body["items"]]}, headers

    @blueprint.arguments(ApplicationNew)
    @blueprint.response(201, ApplicationOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Begin an application

        A draft, until it is submitted. With it you agree that its needs, window, ranks and score stand in the
        published round file under a pseudonym.
        """
        made = services().applications.create(actor(), slug, new.pop("organisation"), Draft(**new))
        return shown([made])[0], {"Location": f"{PREFIX}/applications/{made.id}"}


@blueprint.route("/applications/<id:application_id>")
class ApplicationView(MethodView):
    @blueprint.arguments(LanguageQuery, location="query")
    @blueprint.response(200, ApplicationOut)
    @blueprint.reads(404, 422)
    def get(self, query: dict[str, Any], application_id: int) -> Any:
        """Show an application"""
        return shown([services().applications.get(actor(), application_id)], query["language"])[0]

    @blueprint.arguments(ApplicationChange)
    @blueprint.response(200, ApplicationOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], application_id: int) -> Any:
        """Change a draft"""
        return shown([services().applications.edit(actor(), application_id, **change)])[0]


@blueprint.route("/applications/<id:application_id>/state")
class ApplicationStateView(MethodView):
    @blueprint.arguments(ApplicationState)
    @blueprint.response(200, ApplicationMoved)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], application_id: int) -> Any:
        """Submit, take back or withdraw an application

        Until its call closes.
        """
        applications = services().applications
        moves = {
            "submitted": lambda: applications.submit(actor(), application_id, wanted["nonce"]),
            "draft": lambda: applications.take_back(actor(), application_id),
            "withdrawn": lambda: applications.withdraw(actor(), application_id),
        }
        answer = shown([moves[wanted["state"]]()])[0]
        if wanted["state"] == "submitted":
            answer.duplicates = services().duplicates.of(actor(), application_id)
        return answer


def shown(rows: Sequence[Any], language: str | None = None) -> list[SimpleNamespace]:
    """Applications with their call's slug, their pseudonym, and verdicts in words."""
    slugs = services().calls.slugs({row.call_id for row in rows})
    names = services().rounds.own_pseudonyms(actor(), rows)
    return [
        SimpleNamespace(
            call=slugs[row.call_id],
            pseudonym=names.get(row.id),
            details=row.details or {},
            verdicts=worded(row.verdicts, language),
            **{name: getattr(row, name) for name in PLAIN},
        )
        for row in rows
    ]


def worded(verdicts: Sequence[Mapping[str, Any]], language: str | None) -> list[dict[str, Any]]:
    """Verdicts with their codes in words."""
    return [{**verdict, "title": _title(verdict["code"], language)} for verdict in verdicts]


def _title(code: Any, language: str | None) -> str:
    korean, english = TITLES[code]
    return korean if (language or settings().language) == "ko" else english


def _standing(row: Any) -> dict[str, Any]:
    placed = row.state in ("offered", "accepted")
    return {"id": row.id, "organisation_id": row.organisation_id, "title": row.title, "placed": placed}
