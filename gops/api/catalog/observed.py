"""Datastreams by their ids as a source of data: the same question as to a dataset, whatever dataset they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from gops.api.blueprint import PREFIX
from gops.api.catalog.addresses import base
from gops.api.catalog.asking import aggregates
from gops.api.catalog.sources import Source, Spots
from gops.api.context import actor, services
from gops.api.reading import Question, life, series_of
from gops.catalog.contents import told_apart
from gops.catalog.long_shape import Member
from gops.kinds import Kind, Label


@dataclass(frozen=True, kw_only=True)
class DatastreamsSource(Source):
    """``shown`` is what a page says of each Datastream, ``placed`` what is known of its Thing."""

    shown: Sequence[Mapping[str, Any]]
    placed: Sequence[Any]
    by_datastream: bool = True

    @cached_property
    def places(self) -> Spots:
        return {
            one.thing_id: (one.longitude, one.latitude)
            for one in self.placed
            if one.longitude is not None and one.latitude is not None
        }

    def document(self, range_: Mapping[str, Any], rows: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
        body = {**range_, "datastreams": self.shown}
        named = dict(rows)
        if "every" in query:
            body |= {"every": query["every"], "aggregates": list(aggregates(self.members, query))}
        following, found = named.pop("next"), named.pop("rows")
        return body | named | {"windows" if "every" in query else "observations": found, "next": following}

    def about(self) -> dict[str, str]:
        return {"datastreams": ", ".join(f"{base()}{PREFIX}/datastreams/{one}" for one in self.ids)}


def datastreams(asked: Question, shown: Sequence[Mapping[str, Any]]) -> DatastreamsSource:
    """Those of a question that ``reading.question`` made, so whoever asks sees them."""
    placed = services().datastreams.placed(actor(), asked.ids, limit=len(asked.ids))
    members = _members(asked, placed)
    return DatastreamsSource(
        members=members,
        readings=asked.store,
        version=(life(), services().store.version(asked.ids)),
        facts=(asked.facts(), members),
        name="observations",
        shown=shown,
        placed=placed,
    )


def _members(asked: Question, placed: Sequence[Any]) -> tuple[Member, ...]:
    facts = {one.id: one for one in placed}
    several = told_apart((one.thing_id, one.thing) for one in placed)
    return tuple(_member(one, facts[one.id], several) for one in asked.datastreams)


def _member(one: Any, of: Any, several: set[str]) -> Member:
    name = f"{of.thing} ({of.thing_id})" if of.thing in several else of.thing
    kind, label, period = cast(Kind, one.kind), cast(Label, one.label), series_of(one).period
    return Member(one.id, of.thing_id, name, of.observed_property, one.unit, kind, label, period)
