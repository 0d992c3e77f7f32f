"""Notices: what was told to whom, and how one wants to be told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services, settings
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import language
from gops.notify.service import LANGUAGES, STATES

blueprint = Blueprint("notices", __name__, description="What was told to whom")
PLAIN = ("id", "at", "event", "subject_id", "organisation_id", "person_id", "facts", "state", "attempts", "next_at",
         "ended_at", "problem")  # fmt: skip


class NoticesQuery(PageQuery):
    state = own.choice("in this state; dead: given up", STATES, load_default=None)
    language = language()


class NoticeOut(Strict):
    id = fields.Integer()
    at = own.moment("when it happened")
    event = fields.String(metadata={"description": "such as offer.made"})
    title = fields.String()
    subject_id = fields.Integer(metadata={"description": "of what it tells"})
    organisation_id = fields.Integer(allow_none=True)
    person_id = fields.Integer(allow_none=True, metadata={"description": "null: to the organisation's webhook"})
    facts = fields.Dict()
    state = fields.String()
    attempts = fields.Integer()
    next_at = own.moment("when it is tried next, while it waits")
    ended_at = own.moment("when it was sent or given up", allow_none=True)
    problem = fields.String(allow_none=True)


class WishBody(Strict):
    language = own.choice("of letters", LANGUAGES, required=True)
    mail = fields.Boolean(required=True, metadata={"description": "false: no letters"})


class HookNew(Strict):
    url = own.text("https address that takes a signed POST", 2000, shortest=1, required=True)


class HookOut(Strict):
    url = fields.String(allow_none=True)


class HookSecret(HookOut):
    secret = fields.String(metadata={"description": "signs what is sent; shown this once"})


@blueprint.route("/notices")
class NoticesView(MethodView):
    @blueprint.arguments(NoticesQuery, location="query")
    @blueprint.response(200, page_of(NoticeOut))
    @blueprint.reads(422)
    def get(self, query: dict[str, Any]) -> Any:
        """List notices

        One's own; an organisation's owner sees those to all of it, operator and auditor all.
        """
        notices = services().notices
        body, headers = page(query, lambda after, limit: notices.list(actor(), query["state"], after, limit))
        return {**body, "items": [_shown(row, query["language"]) for row in body["items"]]}, headers


@blueprint.route("/notices/<id:notice_id>/retry")
class RetryView(MethodView):
    @blueprint.response(200, NoticeOut)
    @blueprint.writes(404, 409)
    def post(self, notice_id: int) -> Any:
        """Try a dead letter again"""
        return _shown(services().notices.retry(actor(), notice_id), None)


@blueprint.route("/notices/wish")
class WishView(MethodView):
    @blueprint.response(200, WishBody)
    @blueprint.reads()
    def get(self) -> Any:
        """Show how one is told"""
        return services().notices.wish(actor())

    @blueprint.arguments(WishBody)
    @blueprint.response(200, WishBody)
    @blueprint.writes(413, 415, 422)
    def put(self, wanted: dict[str, Any]) -> Any:
        """Say in which language one wants letters, or none"""
        return services().notices.set_wish(actor(), wanted["language"], wanted["mail"])


@blueprint.route("/organisations/<slug:slug>/notice-hook")
class HookView(MethodView):
    @blueprint.response(200, HookOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """Show the webhook of an organisation's notices"""
        return {"url": services().notices.hook(actor(), slug)}

    @blueprint.arguments(HookNew)
    @blueprint.response(200, HookSecret)
    @blueprint.writes(404, 413, 415, 422, 503)
    def put(self, new: dict[str, Any], slug: str) -> Any:
        """Set the webhook of an organisation's notices"""
        return {"url": new["url"], "secret": services().notices.set_hook(actor(), slug, new["url"])}

    @blueprint.response(204)
    @blueprint.writes(404)
    def delete(self, slug: str) -> None:
        """Drop the webhook"""
        services().notices.drop_hook(actor(), slug)


def _shown(row: Any, asked: str | None) -> SimpleNamespace:
    title = services().notices.title(row, asked or settings().language)
    return SimpleNamespace(title=title, **{name: getattr(row, name) for name in PLAIN})
