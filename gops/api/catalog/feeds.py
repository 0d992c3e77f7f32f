"""Feeds: declared, changed, tried, watched and asked to run by their publishers. Secrets are never shown again."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import ValidationError, fields, pre_dump, validate, validates_schema

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.clock import SECOND
from gops.errors import Invalid
from gops.ingest.feeds.adapters import ADAPTERS
from gops.quality import WORDS

blueprint = Blueprint("feeds", __name__, description="Declared sources: MQTT topics, other brokers, open-data portals")
RUNS_SHOWN = 100


class FeedsQuery(PageQuery):
    organisation = own.slug("whose they are", required=True)


def _config(**options: Any) -> fields.Dict:
    about = "what to ask and what the rows mean; each adapter has its own members (docs/feeds.md)"
    return fields.Dict(
        fields.String(), fields.Raw(), metadata={"description": about, "example": {"provinces": ["경기"]}}, **options
    )


def _table(about: str, example: dict[str, Any], **options: Any) -> fields.Dict:
    described = {"description": f"{about}; docs/feeds.md has every member", "example": example}
    return fields.Dict(fields.String(), fields.Raw(), metadata=described, **options)


class Tables(Strict):
    """What a feed of kind mqtt or broker declares; a table that is given replaces the whole table."""

    source = _table("where messages come from", {"kind": "mqtt", "filter": "gops/v1/suwon/+/up/#"})
    codec = _table("how they are read", {"name": "senml", "zone": "Asia/Seoul"})
    mapping = _table(
        "what becomes of their fields",
        {"thing": "source", "unknown_thing": "draft", "fields": [{"field": "temp", "property": "temperature"}]},
    )
    defaults = _table("of readings that do not say it themselves", {"quality": "estimated"})


class FeedChange(Tables):
    name = own.text("what it is called", 200, shortest=1)
    config = _config()
    key = own.text("the portal's key; either spelling, encoded or decoded", 500, shortest=1)
    minutes = own.text("of each hour at which it runs, with commas between", 200, shortest=1)
    calls_per_day = fields.Integer(
        strict=True,
        validate=validate.Range(1, 1_000_000),
        metadata={"description": "most calls with its key on a day of Korean time"},
    )
    enabled = fields.Boolean(metadata={"description": "whether it runs"})


class FeedNew(FeedChange):
    organisation = own.slug("whose it is", required=True)
    slug = own.slug("its name in addresses", required=True)
    name = own.text("what it is called", 200, shortest=1, required=True)
    adapter = own.choice("which kind of portal; of a feed that is pulled", tuple(ADAPTERS))


class FeedOut(Tables):
    id = fields.Integer()
    slug = fields.String()
    name = fields.String()
    kind = own.choice("where its messages come from", ("http", "mqtt", "broker"))
    revision = fields.Integer(metadata={"description": "1 as it was declared; each change is one more"})
    adapter = fields.String(metadata={"description": "of kind http; empty for others, like what else is of it"})
    config = _config()
    minutes = fields.String()
    calls_per_day = fields.Integer()
    enabled = fields.Boolean()
    created_at = own.moment("when it was declared")

    @pre_dump
    def _open(self, feed: Any, **_options: Any) -> Any:
        """The tables of a declaration stand beside the others."""
        plain = {name: getattr(feed, name) for name in self.fields if name not in Tables().fields}
        return plain | (feed.declaration or {})


class RevisionOut(Strict):
    number = fields.Integer()
    at = own.moment("since when")
    person_id = fields.Integer(allow_none=True, metadata={"description": "who; null for a command of the server"})
    key_id = fields.Integer(allow_none=True)
    document = fields.Dict(metadata={"description": "what was declared, without secrets"})
    id = fields.Integer()


class TryIn(Tables):
    """A sample message, and changes of the declaration to try with it."""

    sample = fields.String(metadata={"description": "the message as text", "example": '[{"n": "temp", "v": 21.5}]'})
    base64 = fields.String(metadata={"description": "the message in base64, instead"})
    topic = own.text("that it comes on; any that the filter matches where none is given", 500)
    config = fields.Dict(metadata={"description": "of a pulled feed: the config to try, instead of the one that holds"})

    @validates_schema
    def _one(self, given: dict[str, Any], **_options: Any) -> None:
        if ("sample" in given) == ("base64" in given):
            raise ValidationError("Either sample or base64.", "sample")


class TentativeOut(Strict):
    """A reading as it would be stored."""

    field = fields.String(metadata={"description": "as the codec names it"})
    thing = fields.String()
    property = fields.String()
    datastream = fields.Integer(allow_none=True, metadata={"description": "null: it would be registered as a draft"})
    t = own.moment("of the reading")
    value = fields.Float(allow_none=True)
    text = fields.String(allow_none=True)
    quality = fields.Function(lambda one: WORDS[one.quality], metadata={"type": "string"})
    unit = fields.String(metadata={"description": "of value"})
    sent = fields.Raw(allow_none=True, metadata={"description": "what the message has"})
    sent_unit = fields.String(allow_none=True)


class TriedRefusal(Strict):
    code = fields.String()
    field = fields.String(allow_none=True)
    place = fields.String()
    note = fields.String()
    readings = fields.Integer()


class TriedOut(Strict):
    topic = fields.String()
    readings = fields.Nested(TentativeOut(many=True))
    refusals = fields.Nested(TriedRefusal(many=True))
    ignored = fields.Integer(metadata={"description": "readings that the feed leaves out"})
    cut = fields.Boolean(metadata={"description": "there is more than is shown"})


class LinkOut(Strict):
    """The connection to another broker."""

    connected = fields.Boolean()
    protocol = fields.String()
    connections = fields.Integer()
    denied = fields.List(fields.String(), metadata={"description": "filters that the broker refused"})
    last_error = fields.String()
    retained_ignored = fields.Integer()


class FeedRunOut(Strict):
    """A run. Its rows are the portal's; its readings are what they gave."""

    id = fields.Integer()
    began_at = own.moment("when it began")
    ended_at = own.moment("when it ended; null while it runs", allow_none=True)
    outcome = fields.String(metadata={"description": "ok, or the code that ended it; empty while it runs"})
    note = fields.String(metadata={"description": "for people"})
    calls = fields.Integer(metadata={"description": "how often the portal was asked"})
    rows = fields.Integer()
    readings = fields.Integer()
    inserted = fields.Integer()
    replaced = fields.Integer()
    unchanged = fields.Integer()
    refused = fields.Integer(metadata={"description": "readings that were refused; see refusals"})
    skipped = fields.Integer(metadata={"description": "what said nothing: no time, out of date, never measured"})
    registered = fields.Integer(metadata={"description": "new Datastreams"})


class DriftOut(Strict):
    """How a portal's columns differ from what they were; until the declaration is changed."""

    absent = fields.List(fields.String(), metadata={"description": "columns that the config reads and no row has"})
    added = fields.List(fields.String(), metadata={"description": "columns that were not there the first time"})
    at = own.moment("when that last changed", allow_none=True)


class FeedHealthOut(Strict):
    state = own.choice("how it stands", ("new", "ok", "failing", "resting", "off"))
    last_run_at = own.moment("when it last ended", allow_none=True)
    last_success_at = own.moment("when it last ended well", allow_none=True)
    next_run_at = own.moment("when it runs next, up to a minute later", allow_none=True)
    newest_t = own.moment("of its newest reading", allow_none=True)
    lag_seconds = fields.Integer(allow_none=True, metadata={"description": "age of its newest reading"})
    failures = fields.Integer(metadata={"description": "failed runs in a row"})
    rests_until = own.moment("it is not run before that", allow_none=True)
    rest_code = fields.String(allow_none=True, metadata={"description": "why it rests"})
    breaker = own.choice(
        "open: it rests after failures in a row; half_open: the next run is one call that decides",
        ("closed", "open", "half_open"),
    )
    drift = fields.Nested(DriftOut)
    calls_today = fields.Integer(metadata={"description": "with its key, on this day of Korean time"})
    calls_per_day = fields.Integer()
    errors = fields.Dict(
        fields.String(),
        fields.Integer(),
        metadata={"description": "failed runs of 24 hours by code; of kinds mqtt and broker refusals"},
    )
    last_run = fields.Nested(FeedRunOut, allow_none=True)
    last_message_at = own.moment("of kinds mqtt and broker: when the last one came, since the start", allow_none=True)
    messages = fields.Integer(allow_none=True, metadata={"description": "of kinds mqtt and broker, since the start"})
    readings = fields.Integer(allow_none=True, metadata={"description": "the same of readings"})
    link = fields.Nested(LinkOut, allow_none=True, metadata={"description": "of kind broker"})


def _sample(given: dict[str, Any]) -> bytes:
    """The message that a body holds, taken out of it."""
    text = given.pop("sample", None)
    if text is not None:
        return str(text).encode()
    try:
        return b64decode(given.pop("base64"), validate=True)
    except ValueError as error:
        raise Invalid("this is no base64", field="base64", expected="base64 (RFC 4648) without blanks") from error


@blueprint.route("/feeds")
class FeedsView(MethodView):
    @blueprint.arguments(FeedsQuery, location="query")
    @blueprint.response(200, page_of(FeedOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List the feeds of an organisation"""
        return page(query, lambda after, limit: services().feeds.list(actor(), query["organisation"], after, limit))

    @blueprint.arguments(FeedNew)
    @blueprint.response(201, FeedOut)
    @blueprint.writes(404, 409, 413, 415, 422, 503)
    def post(self, new: dict[str, Any]) -> Any:
        """Declare a feed

        Of kind http with adapter, config and key; of kinds mqtt and broker with source, codec and mapping. What it
        registers as Things and Datastreams of the organisation is offered as a draft dataset.
        """
        made = services().declared.declare(actor(), new)
        return made, {"Location": f"{PREFIX}/feeds/{made.slug}"}


@blueprint.route("/feeds/<slug:slug>")
class FeedView(MethodView):
    @blueprint.response(200, FeedOut)
    @blueprint.reads(404)
    def get(self, slug: str) -> Any:
        """Show a feed"""
        return services().feeds.get(actor(), slug)

    @blueprint.arguments(FeedChange)
    @blueprint.response(200, FeedOut)
    @blueprint.writes(404, 413, 415, 422, 503)
    def patch(self, change: dict[str, Any], slug: str) -> Any:
        """Change a feed

        Each change is a new revision. A pulled feed is tried again when its minute comes, whatever failed before.
        """
        return services().declared.edit(actor(), slug, change)

    @blueprint.response(204)
    @blueprint.writes(404, 409)
    def delete(self, slug: str) -> None:
        """Delete a feed

        Nothing comes in through it from now on. Its Things, Datastreams, readings and refusals stay.
        """
        services().declared.delete(actor(), slug)


@blueprint.route("/feeds/<slug:slug>/revisions")
class RevisionsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(RevisionOut))
    @blueprint.reads(404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List the revisions of a feed, the oldest first"""
        return page(query, lambda after, limit: services().declared.revisions(actor(), slug, after, limit))


@blueprint.route("/feeds/<slug:slug>/try")
class TryView(MethodView):
    @blueprint.arguments(TryIn)
    @blueprint.response(200, TriedOut)
    @blueprint.writes(404, 409, 413, 415, 422, 503)
    def post(self, given: dict[str, Any], slug: str) -> Any:
        """Try a sample message on a feed

        Shows the readings or refusals that it would give, also with changes that are not made yet. Nothing is stored.
        """
        return services().declared.attempt(actor(), slug, _sample(given), given.pop("topic", ""), given)


@blueprint.route("/feeds/<slug:slug>/health")
class FeedHealthView(MethodView):
    @blueprint.response(200, FeedHealthOut)
    @blueprint.reads(404)
    def get(self, slug: str) -> Any:
        """Show how a feed stands"""
        health = services().declared.health(actor(), slug)
        plain = {name: getattr(health, name) for name in FeedHealthOut().fields if name != "lag_seconds"}
        return SimpleNamespace(**plain, lag_seconds=None if health.lag is None else health.lag // SECOND)


@blueprint.route("/feeds/<slug:slug>/runs")
class FeedRunsView(MethodView):
    @blueprint.response(200, FeedRunOut(many=True))
    @blueprint.reads(404)
    def get(self, slug: str) -> Sequence[Any]:
        """List the newest runs of a feed, the newest first"""
        runs: Sequence[Any] = services().feeds.runs(actor(), slug, RUNS_SHOWN)
        return runs

    @blueprint.response(202, FeedOut)
    @blueprint.writes(404, 409)
    def post(self, slug: str) -> Any:
        """Have a feed run now

        It runs within seconds, unless it runs already or rests; look at its runs.
        """
        return services().feeds.ask(actor(), slug)
