"""The audit of administrative acts."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of

blueprint = Blueprint("audit", __name__, description="Who did what, when")


class AuditQuery(PageQuery):
    organisation = own.slug("in this organisation; without it all, for platform roles", load_default=None)


class Act(Strict):
    id = fields.Integer()
    at = own.moment("when")
    person_id = fields.Integer(allow_none=True, metadata={"description": "null for what GOPS itself did"})
    key_id = fields.Integer(allow_none=True)
    organisation_id = fields.Integer(allow_none=True)
    action = fields.String(metadata={"example": "device.revoke"})
    noun = fields.String(metadata={"example": "device"})
    record_id = fields.Integer(allow_none=True)
    detail = fields.Dict()


@blueprint.route("/audit")
class AuditView(MethodView):
    @blueprint.arguments(AuditQuery, location="query")
    @blueprint.response(200, page_of(Act))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List administrative acts, oldest first"""
        return page(query, lambda after, limit: services().audit.list(actor(), query["organisation"], after, limit))
