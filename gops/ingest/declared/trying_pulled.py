"""A portal's answer through a pulled feed: what each of its values would become. Nothing is stored or registered."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from gops.ingest.declared.trying import ROWS, Tentative, Tried, limits_of, only
from gops.ingest.feeds import stations
from gops.ingest.feeds.answers import Failure, Sample, field_name
from gops.ingest.feeds.model import Feed
from gops.ingest.feeds.source import Source
from gops.ingest.mapping import resolve
from gops.ingest.refused import Refused
from gops.records.database import Database
from gops.sensors.model import Datastream
from gops.sensors.retention import Rule, inherited
from gops.sensors.routes import DeviceRoute, Target
from gops.settings import Settings

INFINITY = float("inf")


def try_answer(
    database: Database, settings: Settings, now: int, feed: Feed, home: str, source: Source, answer: bytes, query: str
) -> Tried:
    """``query`` is one of the source's; empty for its first."""
    query = query or next(iter(source.queries), "")
    page = source.read(200, answer, query)
    if isinstance(page, Failure):
        return Tried(query, [], [Refused(page.code, None, "", page.note)], 0, cut=False)
    sample = source.sample(page, query, now)
    with database.read() as session:
        registered = stations.look_up(session, feed, sample)
        default = inherited(session, Rule.of(settings), feed.organisation_id)
        units = dict(session.execute(select(Datastream.id, Datastream.unit).where(Datastream.feed_id == feed.id)).all())
    standing = stations.route(feed, home, registered, source.measured, default)
    route = replace(standing, fields={**_drafts(source, sample, standing), **standing.fields})
    decoded, silent = stations.told(sample.decoded, route)
    limits = limits_of(settings)
    names = {field_name(key, prop): (key, prop) for key in sample.stations for prop in source.measured}
    rows = []
    for index, name in enumerate(decoded.fields[:ROWS]):
        one = resolve(only(decoded, index), route, now, limits)
        if one.t:
            key, prop = names[name]
            measured = source.measured[prop]
            stream = one.datastream[0] or None
            rows.append(
                Tentative(
                    field=name,
                    thing=sample.stations[key].title or key,
                    property=prop,
                    datastream=stream,
                    t=one.t[0],
                    value=one.value[0],
                    text=one.text[0],
                    quality=one.quality[0],
                    unit=measured.unit if stream is None else units.get(stream, ""),
                    sent=decoded.values[index],
                    sent_unit=measured.unit,
                )
            )
    refusals = resolve(decoded, route, now, limits).refusals
    cut = len(decoded.fields) > ROWS or len(refusals) > ROWS
    return Tried(query, rows, refusals[:ROWS], sample.skipped + silent, cut)


def _drafts(source: Source, sample: Sample, standing: DeviceRoute) -> dict[str, Target]:
    """The Datastreams that a run would register: number 0, as they have none yet."""
    found = {}
    for key, prop in sample.known:
        name = field_name(key, prop)
        if name not in standing.fields and name not in standing.ended:
            one = source.measured[prop]
            low = -INFINITY if one.range_low is None else one.range_low
            high = INFINITY if one.range_high is None else one.range_high
            found[name] = Target(0, one.kind, 1.0, 0.0, low, high)
    return found
