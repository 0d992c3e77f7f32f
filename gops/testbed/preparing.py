"""From the records to an instance: the sites and scored applications of a call, under pseudonyms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from gops import areas
from gops.errors import Conflict
from gops.testbed import mechanisms, resources, terms, weeks
from gops.testbed.allocation import instance as model
from gops.testbed.allocation import roundfile
from gops.testbed.allocation.checking import check
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.instance import Instance
from gops.testbed.allocation.roundfile import SeedParts
from gops.testbed.calendar import Calendar, calendars
from gops.testbed.heeding import Heeded
from gops.testbed.judging import open_sites
from gops.testbed.model import Application, Call, CallSite, Site
from gops.testbed.review import municipal

HANDED_IN = ("ineligible", "scored")
"""The states of what was handed in to a call that is scored."""


@dataclass(frozen=True)
class Prepared:
    """``applications``: the id of each pseudonym. ``call``: what the round file says of the call."""

    instance: Instance
    seed: SeedParts
    mechanism: Choice
    call: Mapping[str, Any]
    applications: Mapping[str, int]


def prepare(session: Session, slug: str, revision: int) -> Prepared:
    """Everything that the allocation of a scored call is made of, as it is now."""
    call = session.scalars(
        select(Call).where(Call.slug == slug).options(undefer(Call.operator_seed), undefer(Call.pseudonym_key))
    ).one()
    assert call.operator_seed is not None
    assert call.pseudonym_key is not None
    rows = session.scalars(
        select(Application)
        .where(Application.call_id == call.id, Application.state == "scored")
        .order_by(Application.id)
    ).all()
    names = pseudonyms(call.pseudonym_key, [row.id for row in rows])
    begins = terms.first_week(call.terms)
    sites, near = _sites(session, call)
    heeded = Heeded.of(session, call, rows)
    scores = municipal.by_site(session, call, rows)
    made = model.arranged(
        weeks.monday(begins),
        call.terms["weeks"],
        call.terms["resources"],
        [replace(site, municipality=heeded.towns.get(int(site.id))) for site in sites],
        [heeded.of_application(row, _application(call, row, names[row.id], begins, scores)) for row in rows],
        [model.Band(band["id"], band["separation_m"] * 100) for band in call.terms["bands"]],
        near,
        call.terms["shift_max"],
        heeded.demands,
    )
    facts = {
        "operator_seed_sha256": call.operator_seed_hash,
        "revision": revision,
        "slug": call.slug,
        "terms_sha256": call.terms_hash,
    }
    by_name = {name: application for application, name in names.items()}
    mechanism = Choice(call.terms["mechanism"], mechanisms.section(call.terms)["fairness"])
    return Prepared(check(made), SeedParts(call.operator_seed, _nonces(session, call)), mechanism, facts, by_name)


def _nonces(session: Session, call: Call) -> tuple[bytes, ...]:
    """Those of all applications that were handed in when the call closed, eligible or not."""
    query = select(Application.nonce).where(Application.call_id == call.id, Application.state.in_(HANDED_IN))
    return tuple(nonce for nonce in session.scalars(query.order_by(Application.id)) if nonce is not None)


def pseudonyms(key: bytes, applications: Sequence[int]) -> dict[int, str]:
    """The pseudonym of each application. Two that fell together would be a broken round, so that is an error."""
    names = {row: roundfile.pseudonym(key, row) for row in applications}
    if len(set(names.values())) != len(names):
        raise Conflict("two applications have one pseudonym", code="pseudonym_twice", expected="another key")
    return names


def _sites(session: Session, call: Call) -> tuple[list[model.Site], list[model.Near]]:
    query = select(Site).join(CallSite, CallSite.site_id == Site.id)
    sites = session.scalars(query.where(CallSite.call_id == call.id, Site.state == "offered")).all()
    left = calendars(session, sites, terms.first_week(call.terms), terms.end_week(call.terms))
    widest = max((band["separation_m"] for band in call.terms["bands"]), default=0)
    shapes = {str(site.id): site.geojson for site in sites}
    near = areas.distances_cm(shapes, widest * 100) if widest else []
    return (
        [_site(left[site.id], call.terms["resources"], call.terms["weeks"]) for site in sites],
        [model.Near(first, second, distance) for first, second, distance in near],
    )


def _site(left: Calendar, names: Sequence[str], length: int) -> model.Site:
    nothing = [0] * length  # a call may allocate what only some of its sites have
    columns = [[max(0, amount) for amount in left.left.get(name, nothing)] for name in names]
    return model.Site(str(left.site), tuple(zip(*columns, strict=True)))


def _application(
    call: Call, row: Application, name: str, begins: int, scores: Mapping[tuple[int, int], int]
) -> model.Application:
    """``scores``: those of single sites, where there are such."""
    ranked = open_sites(row)
    assert row.score is not None
    score, held = row.score, resources.of_application(call, row)
    return model.Application(
        name,
        tuple(held.get(name, 0) for name in call.terms["resources"]),
        row.duration,
        row.first_start - begins,
        row.last_start - begins,
        tuple(str(site) for site in ranked),
        tuple(scores.get((row.id, site), score) for site in ranked),
        row.band,
    )
