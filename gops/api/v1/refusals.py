"""What was refused, and why."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.ranges import RangeQuery
from gops.api.refusal_export import exported
from gops.ingest.refusal_asking import as_document
from gops.ingest.refusal_reading import UNREADABLE
from gops.ingest.refusal_selection import MOST_IDS, Wanted
from gops.ingest.refusals import EXPORTED

NAMES = ("feed", "device", "code", "field", "start", "end")
blueprint = Blueprint("refusals", __name__, description="What was not stored, and why")


class RefusalsQuery(PageQuery, RangeQuery):
    organisation = own.slug("of this organisation; the key's own where none is named", load_default=None)
    feed = own.text("of this feed; direct: what devices publish, push: what was pushed", 64, load_default=None)
    device = own.text("of the device at this address", 130, load_default=None)
    code = own.text("of this code", 32, load_default=None)
    field = own.text("of this field", 64, load_default=None)
    settled = fields.Boolean(
        load_default=False, metadata={"description": "those that a replay took in, and not those that stand"}
    )


class ExportQuery(RefusalsQuery):
    format = own.choice("lines of JSON, or CSV", ("ndjson", "csv"), load_default="ndjson")


class ReplayWish(RangeQuery):
    """At least one member beside ``organisation`` says which."""

    organisation = own.slug("of this organisation; the key's own where none is named", load_default=None)
    ids = fields.List(
        own.record_id("refusal"),
        load_default=[],
        validate=validate.Length(max=MOST_IDS),
        metadata={"description": "these"},
    )
    feed = own.text("of this feed", 64, load_default=None)
    device = own.text("of the device at this address", 130, load_default=None)
    code = own.text("of this code", 32, load_default=None)
    field = own.text("of this field", 64, load_default=None)


class ReplaysQuery(PageQuery):
    organisation = own.slug("of this organisation; the key's own where none is named", load_default=None)


class UnreadNote(Strict):
    code = own.choice("why it cannot be read anew", tuple(UNREADABLE))
    refusals = fields.Integer(metadata={"description": "how many"})
    ko = fields.String(metadata={"description": "what the code means, in Korean"})
    en = fields.String(metadata={"description": "and in English"})


class ReplayOut(Strict):
    id = fields.Integer()
    state = own.choice("how far it is", ("waiting", "running", "done", "failed"))
    refusals = fields.Integer(metadata={"description": "how many it is about"})
    messages = fields.Integer(metadata={"description": "read anew; one may hold several refusals"})
    readings = fields.Integer(metadata={"description": "that the messages gave"})
    settled = fields.Integer(metadata={"description": "refusals that are none any more"})
    still = fields.Integer(metadata={"description": "refusals that stand, with the reason of today"})
    fresh = fields.Integer(metadata={"description": "reasons that came with reading anew"})
    inserted = fields.Integer(allow_none=True, metadata={"description": "null: the store cannot tell"})
    replaced = fields.Integer(allow_none=True, metadata={"description": "by a later resultTime"})
    unchanged = fields.Integer(allow_none=True)
    kept = fields.Integer(allow_none=True, metadata={"description": "what stood there stays"})
    unread = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "refusals that cannot be read anew, by why: " + ", ".join(UNREADABLE)},
    )
    unread_notes = fields.List(fields.Nested(UnreadNote), metadata={"description": "the same, with what each means"})
    reason = fields.String(metadata={"description": "why it failed"})
    begun_at = own.moment("when")
    ended_at = own.moment("when it was done", allow_none=True)


class CountsQuery(RangeQuery):
    organisation = own.slug("of this organisation; without it those of all", load_default=None)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 10_000), metadata={"description": "rows"})


class RawOut(Strict):
    text = fields.String(allow_none=True, metadata={"description": "what is kept, where it is UTF-8"})
    base64 = fields.String(allow_none=True, metadata={"description": "what is kept, where it is not"})
    cut = fields.Boolean(metadata={"description": "there was more of it"})


class RefusalListed(Strict):
    id = fields.Integer()
    at = own.moment("when")
    organisation_id = fields.Integer()
    feed = fields.String()
    device = fields.String(metadata={"description": "address, as its topic has it"})
    topic = fields.String()
    code = fields.String(metadata={"example": "unknown_field"})
    field = fields.String(allow_none=True)
    place = fields.String(metadata={"description": "where in the message", "example": "[2].values.pm10"})
    note = fields.String(metadata={"description": "what was found, and what was expected"})
    revision = fields.Integer(allow_none=True, metadata={"description": "of the mapping"})
    digest = fields.String(metadata={"description": "SHA-256 of the whole message"})
    size = fields.Integer(metadata={"description": "bytes of the whole message"})
    ko = fields.String(metadata={"description": "what the code means, in Korean"})
    en = fields.String(metadata={"description": "what the code means, in English"})
    tried_at = own.moment("when it was last replayed", allow_none=True)
    settled_at = own.moment("when a replay took it in", allow_none=True)


class RefusalOut(RefusalListed):
    raw = fields.Nested(RawOut, metadata={"description": "the message"})


class Total(Strict):
    organisation_id = fields.Integer(metadata={"description": "0 for what names no known organisation"})
    feed = fields.String()
    device = fields.String(allow_none=True, metadata={"description": "null for who may only count"})
    code = fields.String()
    field = fields.String(allow_none=True)
    total = fields.Integer()


@blueprint.route("/refusals")
class RefusalsView(MethodView):
    @blueprint.arguments(RefusalsQuery, location="query")
    @blueprint.response(200, page_of(RefusalListed))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List refusals

        The first like ones of an hour are kept; the rest are counted.
        """
        home, asked = _home(query["organisation"]), {name: query[name] for name in (*NAMES, "settled")}
        return page(
            query, lambda after, limit: services().refusals.list(actor(), home, after=after, limit=limit, **asked)
        )


@blueprint.route("/refusals/export")
class ExportView(MethodView):
    @blueprint.arguments(ExportQuery, location="query")
    @blueprint.response(200, RefusalOut(many=True), content_type="application/x-ndjson")
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/csv", description="OK", success=True)
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Export refusals with their messages, all or a page, as lines of JSON or CSV

        `limit` bounds how many; without it all that are kept, 100,000 at most. The next ones come after the last id.
        """
        home, asked = _home(query["organisation"]), {name: query[name] for name in (*NAMES, "settled")}
        most = min(query.get("limit", EXPORTED), EXPORTED)
        found = services().refusals.export(actor(), home, after=query["after"], most=most, **asked)
        return exported(query["format"], found)


@blueprint.route("/refusals/replay")
class ReplayView(MethodView):
    @blueprint.arguments(ReplayWish)
    @blueprint.response(200, ReplayOut)
    @blueprint.alt_response(202, schema=ReplayOut, description="it waits for its turn; Location says how far it is")
    @blueprint.writes(404, 413, 415, 422)
    def post(self, wish: dict[str, Any]) -> Any:
        """Read refused messages anew, after a feed or a mapping was mended

        Their readings fill gaps and replace nothing. What is still refused stays, with the reason of today. Up to 200
        refusals are done before the answer; more of them wait for their turn.
        """
        wanted = Wanted(tuple(wish["ids"]), **{name: wish[name] for name in NAMES})
        row = services().replays.order(actor(), _home(wish["organisation"]), wanted)
        where = {"Location": f"{PREFIX}/refusals/replays/{row.id}"}
        return as_document(row), 202 if row.state == "waiting" else 200, where


@blueprint.route("/refusals/replays")
class ReplaysView(MethodView):
    @blueprint.arguments(ReplaysQuery, location="query")
    @blueprint.response(200, page_of(ReplayOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List replays of refusals"""
        home = _home(query["organisation"])
        body, headers = page(query, lambda after, limit: services().replays.list(actor(), home, after, limit))
        return {**body, "items": [as_document(row) for row in body["items"]]}, headers


@blueprint.route("/refusals/replays/<id:replay_id>")
class ReplayedView(MethodView):
    @blueprint.response(200, ReplayOut)
    @blueprint.reads(404)
    def get(self, replay_id: int) -> Any:
        """Show how far a replay is"""
        return as_document(services().replays.get(actor(), replay_id))


@blueprint.route("/refusals/<id:refusal_id>")
class RefusalView(MethodView):
    @blueprint.response(200, RefusalOut)
    @blueprint.reads(404)
    def get(self, refusal_id: int) -> Any:
        """Show a refusal with its message"""
        return services().refusals.get(actor(), refusal_id)


@blueprint.route("/refusals/counts")
class CountsView(MethodView):
    @blueprint.arguments(CountsQuery, location="query")
    @blueprint.response(200, Total(many=True))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Count refusals by reason, most frequent first

        Whole hours that begin in the range.
        """
        home = _organisation_id(query["organisation"])
        return services().refusals.counts(actor(), home, start=query["start"], end=query["end"], limit=query["limit"])


def _home(slug: str | None) -> int:
    return _organisation_id(slug) or actor().organisation_id or 0


def _organisation_id(slug: str | None) -> int | None:
    return None if slug is None else services().organisations.get(slug).id
