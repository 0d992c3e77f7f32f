"""The demand board and action clusters, in lists and one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops.errors import Invalid, NotFound
from gops.permissions import ANONYMOUS
from gops.portal import drawing
from gops.portal.listing import Listing, listed
from gops.portal.places import after
from gops.portal.sources import Sources
from gops.testbed.checks import THEMES

A_PAGE = 20
STATES = ("open", "taken_up", "closed")
LEAST_KM = 0.5
GROUPS = 50  # superclusters; the API has all


@dataclass(frozen=True)
class DemandsPage:
    """``homes``: organisations by id."""

    rows: Sequence[Any]
    list: Listing
    homes: Mapping[int, Any]
    themes: Sequence[str]
    states: Sequence[str]


@dataclass(frozen=True)
class DemandPage:
    """``call``: the one that took it up."""

    demand: Any
    owner: Any
    municipality: Any
    sites: Sequence[Any]
    map: drawing.Map | None
    call: Any


@dataclass(frozen=True)
class ClustersPage:
    """``grouped``: superclusters, where the list begins and is not that of one; ``group``: the one it is of."""

    rows: Sequence[Any]
    list: Listing
    homes: Mapping[int, Any]
    grouped: Sequence[Any]
    group: Any


@dataclass(frozen=True)
class ClusterPage:
    """``group``: its supercluster."""

    cluster: Any
    members: Sequence[Any]
    homes: Mapping[int, Any]
    group: Any


def demands(sources: Sources, args: Mapping[str, str], language: str) -> DemandsPage:
    """What is wrong is left out, and said."""
    rows, around = listed(
        "/demands", args, ("q", "theme", "state"), language, lambda given: _listed(sources, given), A_PAGE
    )
    homes = _homes(sources, (row.organisation_id for row in rows))
    return DemandsPage(rows, around, homes, THEMES, STATES)


def _listed(sources: Sources, given: Mapping[str, str]) -> Sequence[Any]:
    found: Sequence[Any] = sources.demands.list(
        ANONYMOUS,
        state=given.get("state"),
        theme=given.get("theme"),
        words=given.get("q", ""),
        after=after(given),
        limit=A_PAGE + 1,
    )
    return found


def demand(sources: Sources, demand_id: int) -> DemandPage:
    """Raises ``NotFound``."""
    row = sources.demands.get(ANONYMOUS, demand_id)
    homes = _homes(sources, {row.organisation_id, row.municipality_id} - {None})
    sites = [site for one in row.sites if (site := _site(sources, one)) is not None]
    outlines = [drawing.rings(area) for area in (row.geojson, *(site.geojson for site in sites)) if area]
    return DemandPage(
        demand=row,
        owner=homes[row.organisation_id],
        municipality=homes.get(row.municipality_id),
        sites=sites,
        map=drawing.chart([], outlines, LEAST_KM),
        call=None if row.call_id is None else _call(sources, row.call_id),
    )


def clusters(sources: Sources, args: Mapping[str, str], language: str) -> ClustersPage:
    """What is wrong is left out, and said."""

    def ask(given: Mapping[str, str]) -> Sequence[Any]:
        group = None if "supercluster" not in given else _group(sources, given["supercluster"]).id
        found: Sequence[Any] = sources.clusters.list(
            ANONYMOUS, supercluster=group, after=after(given), limit=A_PAGE + 1
        )
        return found

    rows, around = listed("/clusters", args, ("supercluster",), language, ask, A_PAGE, lambda row: row.cluster.id)
    group = _group(sources, around.given["supercluster"]) if around.given else None
    begins = group is None and not around.beginning
    return ClustersPage(
        rows,
        around,
        _homes(sources, (member.organisation_id for row in rows for member in row.members)),
        sources.clusters.superclusters(limit=GROUPS) if begins else [],
        group,
    )


def _group(sources: Sources, text: str) -> Any:
    """Raises ``Invalid`` where there is no such supercluster."""
    wanted = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    found = sources.clusters.superclusters(after=wanted - 1, limit=1) if wanted else []
    if not found or found[0].id != wanted:
        raise Invalid("there is no such supercluster", field="supercluster", found=text, expected="one of the list")
    return found[0]


def cluster(sources: Sources, cluster_id: int) -> ClusterPage:
    """Raises ``NotFound``."""
    found = sources.clusters.get(ANONYMOUS, cluster_id)
    homes = _homes(sources, (member.organisation_id for member in found.members))
    group = found.cluster.supercluster_id
    return ClusterPage(found.cluster, found.members, homes, None if group is None else _group(sources, str(group)))


def _site(sources: Sources, site_id: int) -> Any:
    """None where it is not offered any more."""
    try:
        return sources.sites.get(ANONYMOUS, site_id)
    except NotFound:
        return None


def _call(sources: Sources, call_id: int) -> Any:
    """None where it is not public."""
    slug = sources.calls.slugs([call_id]).get(call_id)
    try:
        return None if slug is None else sources.calls.get(ANONYMOUS, slug)
    except NotFound:
        return None


def _homes(sources: Sources, ids: Iterable[Any]) -> dict[int, Any]:
    return {home.id: home for home in sources.views.homes(sorted(set(ids)))}
