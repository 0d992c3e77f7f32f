"""Action clusters and superclusters. They are public."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import state
from gops.testbed.clusters.forming import PARTS
from gops.testbed.lifecycles import CLUSTER

blueprint = Blueprint("clusters", __name__, description="Who carries pilots through together")
PLAIN = ("id", "application_id", "supercluster_id", "title", "goal", "solution", "purpose", "kpis", "milestones",
         "state", "created_at", "closed_at")  # fmt: skip


class ClustersQuery(PageQuery):
    goal = own.text("key of a goal, such as clean-streets", 64, load_default=None)
    solution = own.text("key of a solution", 64, load_default=None)
    q = own.text("words in title, goal or purpose", 200, load_default=None)
    state = state(CLUSTER, "in this state", load_default=None)
    supercluster = own.asked_id("of this supercluster", load_default=None)


class ClusterChange(Strict):
    title = own.text("in one line", 200, shortest=1)
    goal = own.text("a key that clusters share: small letters, digits, _ and -", 64)
    solution = own.text("the same of the solution; blueprints will share it", 64)
    purpose = own.text("what is to be reached", 2000)
    kpis = fields.List(fields.Dict(), metadata={"description": '{"name", "unit", "baseline", "target"}'})
    milestones = fields.List(
        fields.Dict(), metadata={"description": '{"title", "due", "state"}; state: planned, reached, missed'}
    )


class ClusterMemberNew(Strict):
    organisation = own.slug("who is invited", required=True)
    part = own.choice("as what; by its kind where none is given", PARTS, load_default=None, allow_none=True)


class ClusterMemberAnswer(Strict):
    confirmed = fields.Boolean(required=True, metadata={"description": "false: leave, or let go who is only invited"})


class ClusterState(Strict):
    state = state(CLUSTER, "active, forming again, or closed", required=True)


class Grouped(Strict):
    supercluster = own.record_id("of the same goal and solution; null: none", required=True, allow_none=True)


class ClusterMemberOut(Strict):
    organisation_id = fields.Integer()
    part = fields.String()
    state = fields.String()


class ClusterOut(Strict):
    id = fields.Integer()
    application = fields.Integer(attribute="application_id")
    supercluster = fields.Integer(attribute="supercluster_id", allow_none=True)
    title = fields.String()
    goal = fields.String()
    solution = fields.String()
    purpose = fields.String()
    kpis = fields.List(fields.Dict())
    milestones = fields.List(fields.Dict())
    state = fields.String()
    members = fields.List(
        fields.Nested(ClusterMemberOut), metadata={"description": "those invited are shown inside alone"}
    )
    created_at = own.moment("when it formed")
    closed_at = own.moment("when it was closed", allow_none=True)


class SuperclustersQuery(PageQuery):
    goal = own.text("key of a goal", 64, load_default=None)
    solution = own.text("key of a solution", 64, load_default=None)


class SuperclusterNew(Strict):
    organisation = own.slug("who makes it: a municipality or the operator", required=True)
    title_ko = own.text("in Korean", 200, shortest=1, required=True)
    title_en = own.text("in English", 200, shortest=1, required=True)
    goal = own.text("key of the common goal", 64, shortest=1, required=True)
    solution = own.text("key of the common solution", 64, shortest=1, required=True)


class SuperclusterOut(Strict):
    id = fields.Integer()
    organisation_id = fields.Integer()
    title_ko = fields.String()
    title_en = fields.String()
    goal = fields.String()
    solution = fields.String()
    created_at = own.moment("when it was made")


@blueprint.route("/clusters")
class ClustersView(MethodView):
    @blueprint.arguments(ClustersQuery, location="query")
    @blueprint.response(200, page_of(ClusterOut))
    @blueprint.public(401, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List action clusters"""
        asked = (query["goal"], query["solution"], query["q"], query["state"], query["supercluster"])
        body, headers = page(query, lambda after, limit: services().clusters.list(actor(), *asked, after, limit))
        return {**body, "items": [_shown(row) for row in body["items"]]}, headers


@blueprint.route("/clusters/<id:cluster_id>")
class ClusterView(MethodView):
    @blueprint.response(200, ClusterOut)
    @blueprint.public(401, 404)
    def get(self, cluster_id: int) -> Any:
        """Show an action cluster"""
        return _shown(services().clusters.get(actor(), cluster_id))

    @blueprint.arguments(ClusterChange)
    @blueprint.response(200, ClusterOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], cluster_id: int) -> Any:
        """Change what a cluster says of itself

        By a member that has confirmed. Another goal or solution takes it out of its supercluster.
        """
        return _shown(services().clusters.edit(actor(), cluster_id, change))


@blueprint.route("/clusters/<id:cluster_id>/state")
class ClusterStateView(MethodView):
    @blueprint.arguments(ClusterState)
    @blueprint.response(200, ClusterOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], cluster_id: int) -> Any:
        """Make a cluster active, or close it

        Active needs a municipality and a company that have confirmed.
        """
        return _shown(services().clusters.move(actor(), cluster_id, wanted["state"]))


@blueprint.route("/clusters/<id:cluster_id>/members")
class ClusterMembersView(MethodView):
    @blueprint.arguments(ClusterMemberNew)
    @blueprint.response(201, ClusterMemberOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], cluster_id: int) -> Any:
        """Invite an organisation into a cluster"""
        made = services().clusters.invite(actor(), cluster_id, new["organisation"], new["part"])
        return made, {"Location": f"{PREFIX}/clusters/{cluster_id}"}


@blueprint.route("/clusters/<id:cluster_id>/members/<slug:slug>")
class ClusterMemberView(MethodView):
    @blueprint.arguments(ClusterMemberAnswer)
    @blueprint.response(200, ClusterOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, answer: dict[str, Any], cluster_id: int, slug: str) -> Any:
        """Confirm one's part in a cluster, or leave it"""
        return _shown(services().clusters.answer(actor(), cluster_id, slug, answer["confirmed"]))


@blueprint.route("/clusters/<id:cluster_id>/supercluster")
class ClusterGroupView(MethodView):
    @blueprint.arguments(Grouped)
    @blueprint.response(200, ClusterOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, wanted: dict[str, Any], cluster_id: int) -> Any:
        """Put a cluster into a supercluster, or take it out"""
        return _shown(services().clusters.group(actor(), cluster_id, wanted["supercluster"]))


@blueprint.route("/superclusters")
class SuperclustersView(MethodView):
    @blueprint.arguments(SuperclustersQuery, location="query")
    @blueprint.response(200, page_of(SuperclusterOut))
    @blueprint.public(401, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List superclusters"""
        asked = (query["goal"], query["solution"])
        return page(query, lambda after, limit: services().clusters.superclusters(*asked, after, limit))

    @blueprint.arguments(SuperclusterNew)
    @blueprint.response(201, SuperclusterOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Make a supercluster

        Of one goal and one solution, by a municipality or the operator.
        """
        made = services().clusters.found(actor(), new["organisation"], new["title_ko"], new["title_en"], new["goal"],
                                         new["solution"])  # fmt: skip
        return made, {"Location": f"{PREFIX}/superclusters"}


def _shown(row: Any) -> SimpleNamespace:
    return SimpleNamespace(members=row.members, **{field: getattr(row.cluster, field) for field in PLAIN})
