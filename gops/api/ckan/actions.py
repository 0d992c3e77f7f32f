"""The actions that read the catalog; each takes what was asked and gives CKAN's result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gops import __version__
from gops.accounts.model import Organisation
from gops.api.catalog.addresses import base
from gops.api.ckan import rows, searching
from gops.api.ckan.asked import Asked
from gops.api.ckan.packages import ids, of_package, packages
from gops.api.context import services
from gops.api.counted import used
from gops.catalog import stating
from gops.catalog.licences import LICENCES
from gops.catalog.profiles import ckan
from gops.catalog.vocabularies import THEMES
from gops.errors import NotFound
from gops.permissions import missing

Action = Callable[[Asked], Any]
DESCRIBED = 100  # packages, organisations or groups in full in one answer
HARMLESS = frozenset(
    {
        "include_users", "include_groups", "include_tags", "include_followers", "include_extras", "include_private",
        "include_dataset_count", "include_tracking", "use_default_schema", "type", "include_drafts", "user",
        "default_schema", "include_plugin_extras", "include_member_count", "sort_by", "groups_only", "for_view",
        "facet.limit", "facet.mincount", "facet", "include_deleted", "ext_bbox_relation", "records_format", "language",
    }
)  # fmt: skip
"""Parameters of CKAN that change nothing here: there is nothing private, nor plugins, nor users."""


def site_read(_asked: Asked) -> bool:
    return True


def status_show(_asked: Asked) -> dict[str, Any]:
    return {
        "site_title": "GOPS",
        "site_description": "GOPS 열린 데이터",
        "site_url": base(),
        "ckan_version": "2.11.0",
        "gops_version": __version__,
        "error_emails_to": None,
        "locale_default": services().settings.language,
        "extensions": ["datastore"],
    }


def package_list(asked: Asked) -> Sequence[str]:
    return _part(asked, services().views.counts().slugs)


def package_show(asked: Asked) -> dict[str, Any]:
    found = of_package(asked.needed("id"))
    used("metadata", found.id)
    return packages([found])[0]


def current_package_list_with_resources(asked: Asked) -> Sequence[dict[str, Any]]:
    found = services().views.newest(asked.whole("limit", 0, DESCRIBED, DESCRIBED), asked.whole("offset", 0, 10**6, 0))
    return packages(found)


def resource_show(asked: Asked) -> dict[str, Any]:
    one = asked.needed("id")
    package, _, _ = one.partition(".")
    for found in packages([of_package(package, noun="resource")])[0]["resources"]:
        if found["id"] == one:
            return dict(found)
    raise missing("resource")


def organization_list(asked: Asked) -> Sequence[Any]:
    homes = _homes()
    wanted = set(asked.names("organizations"))
    homes = [one for one in homes if one.agent.slug in wanted] if wanted else homes
    homes = _sorted(asked, homes, lambda one: one.agent.slug, lambda one: one.packages)
    if asked.flag("all_fields"):
        return [ckan.organisation(one, ids()) for one in _part(asked, homes, DESCRIBED)]
    return [one.agent.slug for one in _part(asked, homes)]


def organization_show(asked: Asked) -> dict[str, Any]:
    one = asked.needed("id")
    number = ids().number("organisation", one)
    row = services().organisations.get(one) if number is None else services().views.home(number)
    shown_one = ckan.organisation(_home(row, services().views.counts().organisations), ids())
    filters = {"publisher": (row.slug,)}
    return {**shown_one, "packages": searching.some(filters, DESCRIBED) if asked.flag("include_datasets") else []}


def group_list(asked: Asked) -> Sequence[Any]:
    counts = services().views.counts().themes
    wanted = set(asked.names("groups"))
    keys = [one for one in THEMES if counts.get(one) and (not wanted or one in wanted)]
    keys = _sorted(asked, keys, str, lambda one: counts.get(one, 0))
    if asked.flag("all_fields"):
        return [ckan.group(THEMES[one], counts.get(one, 0)) for one in _part(asked, keys, DESCRIBED)]
    return _part(asked, keys)


def group_show(asked: Asked) -> dict[str, Any]:
    key = asked.needed("id")
    if key not in THEMES:
        raise missing("group")
    found = ckan.group(THEMES[key], services().views.counts().themes.get(key, 0))
    packages_of = searching.some({"theme": (key,)}, DESCRIBED) if asked.flag("include_datasets") else []
    return {**found, "packages": packages_of}


def tag_list(asked: Asked) -> Sequence[Any]:
    query = (asked.text("query") or asked.text("q")).casefold()
    words = sorted(one for one in services().views.counts().keywords if query in one.casefold())
    if asked.flag("all_fields"):
        return [ckan.tag(one) for one in _part(asked, words)]
    return _part(asked, words)


def tag_show(asked: Asked) -> dict[str, Any]:
    word = asked.needed("id")
    if word not in services().views.counts().keywords:
        raise missing("tag")
    return ckan.tag(word)


def license_list(_asked: Asked) -> Sequence[dict[str, Any]]:
    return [ckan.licence(one) for one in LICENCES.values()]


def help_show(asked: Asked) -> str:
    name = asked.needed("name")
    if name not in ACTIONS:
        raise NotFound(f"Action name not known: {name[:100]}", field="name", found=name[:100])
    return f"{name}: see {base()}/api/docs, and docs/ckan.md of GOPS"


def _homes() -> list[ckan.Home]:
    """Organisations that have something."""
    counts = services().views.counts().organisations
    return [_home(one, counts) for one in services().views.homes(sorted(counts))]


def _home(row: Organisation, counts: Mapping[int, int]) -> ckan.Home:
    return ckan.Home(row.id, stating.agent(base(), row), row.created_at, counts.get(row.id, 0))


def _sorted(asked: Asked, found: list[Any], name: Callable[[Any], Any], size: Callable[[Any], int]) -> list[Any]:
    """By ``sort``: a name (title goes by it too), or the number of packages."""
    words = asked.text("sort", "name asc").lower().split()
    chosen = size if words[:1] in (["package_count"], ["packages"]) else name
    return sorted(found, key=chosen, reverse=words[1:] == ["desc"])


def _part(asked: Asked, found: Sequence[Any], most: int | None = None) -> Sequence[Any]:
    """By ``offset`` and ``limit``; at most so many."""
    begin, everything = asked.whole("offset", 0, 10**9, 0), len(found)
    limit = asked.whole("limit", 0, 10**9, everything if most is None else most)
    return found[begin : begin + (limit if most is None else min(limit, most))]


ACTIONS: Mapping[str, Action] = {
    one.__name__: one
    for one in (
        site_read,
        status_show,
        package_list,
        package_show,
        searching.package_search,
        current_package_list_with_resources,
        resource_show,
        rows.datastore_search,
        organization_list,
        organization_show,
        group_list,
        group_show,
        tag_list,
        tag_show,
        license_list,
        help_show,
    )
}
ALIASES: Mapping[str, str] = {"dataset_list": "package_list", "licence_list": "license_list"}
