"""Calls: those that take applications, those of the past, and the page of one with its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from gops.permissions import ANONYMOUS
from gops.portal import drawing, outcomes
from gops.portal.kept import Kept
from gops.portal.outcomes import SHORT
from gops.portal.sources import Sources
from gops.testbed import terms, weeks

CALLS = 200
PAST = 20
ROWS = 100  # of an outcome, of questions, of errata: the API has all
EXPLAINED = 20
CURRENT = ("open", "published")
REVIEWED = ("closed", "scored", "allocated", "final")
WIDTH, ROW = 720.0, 30.0  # of the timeline, in SVG units
Documents = Kept[Any]
"""Round files by hash: they never change."""


def documents() -> Documents:
    return Kept(600.0, 4)


@dataclass(frozen=True)
class Bar:
    """A phase of a call: where it is drawn, and when it is."""

    phase: str
    x: float
    width: float


@dataclass(frozen=True)
class Lane:
    call: Any
    bars: Sequence[Bar]
    weeks: tuple[str, str]


@dataclass(frozen=True)
class Timeline:
    """``now`` is where this moment is drawn."""

    lanes: Sequence[Lane]
    now: float
    width: float = WIDTH
    row: float = ROW


@dataclass(frozen=True)
class Overview:
    current: Sequence[Any]
    past: Sequence[Any]
    timeline: Timeline | None


@dataclass(frozen=True)
class Outcome:
    """``rows``: pseudonym, site, start of the first; ``sites`` their names by language and id."""

    round: Any
    rows: Sequence[tuple[str, str | None, str | None]]
    hidden: int
    sites: outcomes.Names
    refused: Sequence[tuple[str, Mapping[str, Sequence[str]]]]
    unplaced: int
    asked: tuple[str, Mapping[str, Sequence[str]]] | None


@dataclass(frozen=True)
class CallPage:
    """``standing``: who was placed, once the call is final, with the organisation of each. ``review``: what everybody
    may know of it; ``compared``: the run that compared the mechanisms, once a round is published; ``demands``: those
    that the call takes up."""

    call: Any
    owner: Any
    weeks: tuple[str, str]
    sites: Sequence[Any]
    map: drawing.Map | None
    questions: Sequence[Any]
    errata: Sequence[Any]
    rounds: Sequence[Any]
    outcome: Outcome | None
    standing: Sequence[tuple[Any, Any]]
    review: Any
    compared: Any
    demands: Sequence[Any]


def overview(sources: Sources) -> Overview:
    found = sources.calls.list(ANONYMOUS, limit=CALLS)
    current = sorted((one for one in found if one.state in CURRENT), key=lambda one: one.closes_at)
    past = sorted((one for one in found if one.state not in CURRENT), key=lambda one: -one.closes_at)[:PAST]
    drawn = [*current, *(one for one in past[:3] if one.state != "cancelled")]
    return Overview(current, past, _timeline(drawn, sources.clock.micros(), sources.settings.zone))


def _timeline(calls: Sequence[Any], now: int, zone: ZoneInfo) -> Timeline | None:
    phases = [list(_phases(one, zone)) for one in calls]
    if not phases:
        return None
    first = min(start for rows in phases for _, start, _ in rows)
    last = max(end for rows in phases for _, _, end in rows)
    scale = WIDTH / (last - first)
    lanes = [
        Lane(
            call,
            [Bar(name, round((a - first) * scale, 1), round(max(2.0, (b - a) * scale), 1)) for name, a, b in rows],
            _span(call),
        )
        for call, rows in zip(calls, phases, strict=True)
    ]
    return Timeline(lanes, round(min(max(0.0, (now - first) * scale), WIDTH), 1))


def _phases(call: Any, zone: ZoneInfo) -> Iterator[tuple[str, int, int]]:
    """Moments in microseconds."""
    yield "apply", call.opens_at, call.closes_at
    if call.review_until is not None and call.review_until > call.closes_at:
        yield "review", call.closes_at, call.review_until
    yield "pilot", weeks.begins(terms.first_week(call.terms), zone), weeks.begins(terms.end_week(call.terms), zone)


def _span(call: Any) -> tuple[str, str]:
    """The first and the last Monday of its calendar."""
    return weeks.name(terms.first_week(call.terms)), weeks.name(terms.end_week(call.terms) - 1)


def gather(sources: Sources, kept: Documents, slug: str, application: str = "") -> CallPage:
    """``application``: the beginning of a pseudonym that somebody looks for. Raises ``NotFound``."""
    call = sources.calls.get(ANONYMOUS, slug)
    sites = sources.sites.list(ANONYMOUS, call=slug, limit=outcomes.SITES)
    rounds = sources.rounds.list(ANONYMOUS, slug)
    stood = sources.applications.public(ANONYMOUS, slug, limit=ROWS)
    homes = _homes(sources, {call.organisation_id, *(row.organisation_id for row in stood)})
    return CallPage(
        call=call,
        owner=homes[call.organisation_id],
        weeks=_span(call),
        sites=sites,
        map=drawing.chart([(site.longitude, site.latitude) for site in sites]),
        questions=sources.questions.list(ANONYMOUS, slug, limit=ROWS),
        errata=sources.errata.list(ANONYMOUS, slug, limit=ROWS),
        rounds=rounds,
        outcome=_outcome(sources, kept, slug, rounds[-1], application) if rounds else None,
        standing=[(row, homes[row.organisation_id]) for row in stood],
        review=sources.review_results.opened(ANONYMOUS, slug) if call.state in REVIEWED else None,
        compared=sources.round_jobs.compared(ANONYMOUS, slug) if rounds else None,
        demands=sources.demands.list(ANONYMOUS, call=slug, limit=ROWS),
    )


def _homes(sources: Sources, ids: set[int]) -> dict[int, Any]:
    return {home.id: home for home in sources.views.homes(sorted(ids))}


def _outcome(sources: Sources, kept: Documents, slug: str, last: Any, application: str) -> Outcome:
    document = kept.of(last.file_hash, lambda: orjson.loads(sources.rounds.file(ANONYMOUS, slug, last.revision)))
    names, begins = outcomes.site_names(sources, slug), document["inputs"]["instance"]["first_week"]
    first = weeks.parse(begins)
    rows = [
        (row[0][:SHORT], row[1], None if row[2] is None else weeks.name(first + row[2]))
        for row in document["outcome"][:ROWS]
    ]
    refused = [row["application"] for row in document["refusals"]]
    found = _found(document, application)
    return Outcome(
        round=last,
        rows=rows,
        hidden=len(document["outcome"]) - len(rows),
        sites=names,
        refused=[(one[:SHORT], outcomes.explained(document, one, names)) for one in refused[:EXPLAINED]],
        unplaced=len(refused),
        asked=None if found is None else (found[:SHORT], outcomes.explained(document, found, names)),
    )


def _found(document: Any, begins: str) -> str | None:
    """The pseudonym that begins so; None where nothing was asked for, or none does."""
    wanted = begins.strip().lower()
    if len(wanted) < 4:
        return None
    return next((row[0] for row in document["outcome"] if row[0].startswith(wanted)), None)
