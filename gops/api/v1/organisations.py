"""Organisations and their members."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.homes import home
from gops.api.paging import PageQuery, page, page_of
from gops.permissions import ORGANISATION_KINDS, PLATFORM_ROLES, ROLES

blueprint = Blueprint("organisations", __name__, description="Who offers data, and who works there")


class OrganisationNew(Strict):
    slug = own.slug("its name in addresses", required=True)
    kind = own.choice("what it is", ORGANISATION_KINDS, required=True)
    name_ko = own.text("Korean name", 200, shortest=1, required=True)
    name_en = own.text("English name", 200, shortest=1, required=True)


class OrganisationChange(Strict):
    slug = own.slug("a new slug; the former one redirects for ever")
    name_ko = own.text("Korean name", 200, shortest=1)
    name_en = own.text("English name", 200, shortest=1)


class OrganisationOut(OrganisationNew):
    id = fields.Integer(dump_only=True)
    created_at = own.moment("when it came to this GOPS")


class MemberNew(Strict):
    email = own.email("of the person")
    name = own.text("of the person", 200, shortest=1, required=True)
    role = own.choice("role given", (*ROLES, *PLATFORM_ROLES), required=True)


class MemberGone(Strict):
    role = own.choice("role taken away", (*ROLES, *PLATFORM_ROLES), required=True)


class MemberOut(Strict):
    id = fields.Integer(metadata={"description": "of the membership: this role of this person"})
    person_id = fields.Integer()
    email = fields.String(allow_none=True)
    name = fields.String()
    role = fields.String()


@blueprint.route("/organisations")
class OrganisationsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(OrganisationOut))
    @blueprint.public(422)
    def get(self, query: dict[str, Any]) -> Any:
        """List organisations"""
        return page(query, services().organisations.list)

    @blueprint.arguments(OrganisationNew)
    @blueprint.response(201, OrganisationOut)
    @blueprint.writes(409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Create an organisation

        By the operator.
        """
        made = services().organisations.create(actor(), **new)
        return made, {"Location": f"{PREFIX}/organisations/{made.slug}"}


@blueprint.route("/organisations/<slug:slug>")
class OrganisationView(MethodView):
    @blueprint.response(200, OrganisationOut)
    @blueprint.moves
    @blueprint.public(404)
    def get(self, slug: str) -> Any:
        """Show an organisation"""
        return home(slug)

    @blueprint.arguments(OrganisationChange)
    @blueprint.response(200, OrganisationOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], slug: str) -> Any:
        """Change an organisation's names or its slug"""
        given = {("new_slug" if name == "slug" else name): value for name, value in change.items()}
        return services().organisations.edit(actor(), slug, **given)


@blueprint.route("/organisations/<slug:slug>/members")
class MembersView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(MemberOut))
    @blueprint.moves
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List members and their roles"""
        place = home(slug).slug
        return page(query, lambda after, limit: services().members.list(actor(), place, after, limit))

    @blueprint.arguments(MemberNew)
    @blueprint.response(201, MemberOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Give a person a role"""
        return services().members.add(actor(), slug, **new)


@blueprint.route("/organisations/<slug:slug>/members/<id:person_id>")
class MemberView(MethodView):
    @blueprint.arguments(MemberGone, location="query")
    @blueprint.response(204)
    @blueprint.writes(404, 409, 422)
    def delete(self, gone: dict[str, Any], slug: str, person_id: int) -> None:
        """Take a role from a person"""
        services().members.remove(actor(), slug, person_id, gone["role"])
