"""The demand board and action clusters, in lists and one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from gops.errors import NotFound
from gops.permissions import ANONYMOUS
from gops.portal import drawing
from gops.portal.places import after
from gops.portal.sources import Sources
from gops.testbed.checks import THEMES

A_PAGE = 20
STATES = ("open", "taken_up", "closed")
LEAST_KM = 0.5


@dataclass(frozen=True)
class DemandsPage:
    """``homes``: organisations by id."""

    rows: Sequence[Any]
    homes: Mapping[int, Any]
    given: Mapping[str, str]
    following: str
    themes: Sequence[str]
    states: Sequence[str]


@dataclass(frozen=True)
class DemandPage:
    """``call``: the slug of the call that took it up."""

    demand: Any
    owner: Any
    municipality: Any
    sites: Sequence[Any]
    map: drawing.Map | None
    call: str | None


@dataclass(frozen=True)
class ClustersPage:
    rows: Sequence[Any]
    homes: Mapping[int, Any]
    following: str


@dataclass(frozen=True)
class ClusterPage:
    cluster: Any
    members: Sequence[Any]
    homes: Mapping[int, Any]


def demands(sources: Sources, args: Mapping[str, str], language: str) -> DemandsPage:
    """Raises ``Invalid`` for a state or theme that there is not."""
    given = {name: value for name in ("q", "theme", "state") if (value := args.get(name, "").strip()[:200])}
    found = sources.demands.list(
        ANONYMOUS,
        state=given.get("state"),
        theme=given.get("theme"),
        words=given.get("q", ""),
        after=after(args),
        limit=A_PAGE + 1,
    )
    rows = found[:A_PAGE]
    following = {**given, "after": str(rows[-1].id), "lang": language} if len(found) > len(rows) else {}
    return DemandsPage(
        rows=rows,
        homes=_homes(sources, (row.organisation_id for row in rows)),
        given=given,
        following=f"/demands?{urlencode(following)}" if following else "",
        themes=THEMES,
        states=STATES,
    )


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
        call=sources.calls.slugs([row.call_id]).get(row.call_id) if row.call_id is not None else None,
    )


def clusters(sources: Sources, args: Mapping[str, str], language: str) -> ClustersPage:
    found = sources.clusters.list(ANONYMOUS, after=after(args), limit=A_PAGE + 1)
    rows = found[:A_PAGE]
    members = (member.organisation_id for row in rows for member in row.members)
    more = {"after": rows[-1].cluster.id, "lang": language} if len(found) > len(rows) else {}
    return ClustersPage(rows, _homes(sources, members), f"/clusters?{urlencode(more)}" if more else "")


def cluster(sources: Sources, cluster_id: int) -> ClusterPage:
    """Raises ``NotFound``."""
    found = sources.clusters.get(ANONYMOUS, cluster_id)
    homes = _homes(sources, (member.organisation_id for member in found.members))
    return ClusterPage(found.cluster, found.members, homes)


def _site(sources: Sources, site_id: int) -> Any:
    """None where it is not offered any more."""
    try:
        return sources.sites.get(ANONYMOUS, site_id)
    except NotFound:
        return None


def _homes(sources: Sources, ids: Iterable[Any]) -> dict[int, Any]:
    return {home.id: home for home in sources.views.homes(sorted(set(ids)))}
