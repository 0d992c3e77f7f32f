"""Pulled feeds: declared, watched and asked to run by their publishers. A feed's key is never shown again."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.clock import SECOND
from gops.ingest.feeds.adapters import ADAPTERS

blueprint = Blueprint("feeds", __name__, description="Open-data portals that GOPS pulls from")
RUNS_SHOWN = 100


class FeedsQuery(PageQuery):
    organisation = own.slug("whose they are", required=True)


def _config(**options: Any) -> fields.Dict:
    about = "what to ask; of airkorea: provinces (a list) and url (of the service, if not the official one)"
    return fields.Dict(
        fields.String(), fields.Raw(), metadata={"description": about, "example": {"provinces": ["경기"]}}, **options
    )


class FeedChange(Strict):
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
    adapter = own.choice("which kind of portal", tuple(ADAPTERS), required=True)
    config = _config(required=True)
    key = own.text("the portal's key; either spelling, encoded or decoded", 500, shortest=1, required=True)


class FeedOut(Strict):
    id = fields.Integer()
    slug = fields.String()
    name = fields.String()
    adapter = fields.String()
    config = _config()
    minutes = fields.String()
    calls_per_day = fields.Integer()
    enabled = fields.Boolean()
    created_at = own.moment("when it was declared")


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
    calls_today = fields.Integer(metadata={"description": "with its key, on this day of Korean time"})
    calls_per_day = fields.Integer()
    errors = fields.Dict(
        fields.String(), fields.Integer(), metadata={"description": "failed runs of 24 hours, by code"}
    )
    last_run = fields.Nested(FeedRunOut, allow_none=True)


@blueprint.route("/feeds")
class FeedsView(MethodView):
    @blueprint.arguments(FeedsQuery, location="query")
    @blueprint.response(200, page_of(FeedOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List the pulled feeds of an organisation"""
        return page(query, lambda after, limit: services().feeds.list(actor(), query["organisation"], after, limit))

    @blueprint.arguments(FeedNew)
    @blueprint.response(201, FeedOut)
    @blueprint.writes(404, 409, 413, 415, 422, 503)
    def post(self, new: dict[str, Any]) -> Any:
        """Declare a feed

        What it brings is registered as Things and Datastreams of the organisation, and offered as a draft dataset.
        """
        home, slug, name = new.pop("organisation"), new.pop("slug"), new.pop("name")
        adapter, config, key = new.pop("adapter"), new.pop("config"), new.pop("key")
        made = services().feeds.declare(actor(), home, slug, name, adapter, config, key, **new)
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

        A changed feed is tried again at once when its minute comes, whatever failed before.
        """
        return services().feeds.edit(actor(), slug, **change)


@blueprint.route("/feeds/<slug:slug>/health")
class FeedHealthView(MethodView):
    @blueprint.response(200, FeedHealthOut)
    @blueprint.reads(404)
    def get(self, slug: str) -> Any:
        """Show how a feed stands"""
        health = services().feeds.health(actor(), slug)
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
