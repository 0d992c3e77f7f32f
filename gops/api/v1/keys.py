"""API keys of the asker, and signing up for a first one."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.homes import home
from gops.api.paging import PageQuery, page, page_of
from gops.permissions import SCOPES

blueprint = Blueprint("keys", __name__, description="API keys")


class KeyWish(Strict):
    label = own.text("what the key is for", 200, shortest=1, required=True)
    scopes = fields.List(
        own.choice("scope", SCOPES),
        required=True,
        validate=validate.Length(1, len(SCOPES)),
        metadata={"example": ["data:read"]},
    )
    days = fields.Integer(
        strict=True, load_default=365, validate=validate.Range(1), metadata={"description": "until it ends"}
    )


class KeyNew(KeyWish):
    organisation = own.slug("where it acts: the organisation of the key that asks", load_default=None)


class MemberKeyNew(KeyWish):
    email = own.email("of the member")


class KeyOut(Strict):
    id = fields.Integer()
    label = fields.String()
    prefix = fields.String(metadata={"description": "first characters of the key, to tell keys apart"})
    scopes = fields.List(fields.String())
    person_id = fields.Integer()
    organisation_id = fields.Integer()
    created_at = own.moment("when it was made")
    expires_at = own.moment("when it ends")
    revoked_at = own.moment("when it was revoked", allow_none=True)


class KeyMade(KeyOut):
    key = fields.String(metadata={"description": "the key itself, shown this once"})


@blueprint.route("/keys")
class KeysView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(KeyOut))
    @blueprint.reads(422)
    def get(self, query: dict[str, Any]) -> Any:
        """List the asker's keys"""
        return page(query, lambda after, limit: services().keys.list(actor(), after=after, limit=limit))

    @blueprint.arguments(KeyNew)
    @blueprint.response(201, KeyMade)
    @blueprint.writes(404, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Make a key

        Its scopes are some of those of the key that asks.
        """
        key, text = services().keys.issue(actor(), new["label"], new["scopes"], new["days"], new["organisation"])
        return _made(key, text)


@blueprint.route("/keys/<id:key_id>")
class KeyView(MethodView):
    @blueprint.response(204)
    @blueprint.writes(404)
    def delete(self, key_id: int) -> None:
        """Revoke a key, at once and for ever"""
        services().keys.revoke(actor(), key_id)


@blueprint.route("/organisations/<slug:slug>/keys")
class MemberKeysView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(KeyOut))
    @blueprint.moves
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List the keys of an organisation's members"""
        place = home(slug).slug
        return page(query, lambda after, limit: services().keys.list_all(actor(), place, after, limit))

    @blueprint.arguments(MemberKeyNew)
    @blueprint.response(201, KeyMade)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Make a key for a member

        Its holder acts as that member; the audit says who made it.
        """
        return _made(*services().keys.issue_for(actor(), home(slug).id, **new))


def _made(key: Any, text: str) -> dict[str, Any]:
    return {**{name: getattr(key, name) for name in KeyOut().fields}, "key": text}
