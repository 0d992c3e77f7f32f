"""Which Datastreams a dataset has: a list, or a rule that the registry is asked by.

A rule holds for the Datastreams of the dataset's organisation that are of the feed it names (0: those that devices
publish directly), of one of its observed properties, and whose Things are in its box now; what it does not name does
not restrict it. So a dataset can never have another's Datastreams.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from gops import geo
from gops.catalog.feeds import FeedOf
from gops.catalog.model import Dataset, DatasetDatastream
from gops.errors import Conflict, Invalid
from gops.geo import BBox
from gops.records.paging import is_id
from gops.sensors import places
from gops.sensors.bounds import refuse_count
from gops.sensors.model import Datastream, ObservedProperty, Thing
from gops.settings import Settings

DIRECT = "direct"
RULE_NAMES = ("feed", "properties", "bbox")
ROWS_A_STATEMENT = 5000  # SQLite takes 32,766 variables


@dataclass(frozen=True, slots=True)
class Rule:
    """``feed`` is an id, 0 for ``direct``. Kept as JSON: what restricts nothing is left out."""

    feed: int | None = None
    properties: tuple[str, ...] = ()
    bbox: BBox | None = None

    def document(self) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        if self.feed is not None:
            whole["feed"] = self.feed
        if self.properties:
            whole["properties"] = list(self.properties)
        if self.bbox is not None:
            whole["bbox"] = [self.bbox.west, self.bbox.south, self.bbox.east, self.bbox.north]
        return whole

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Rule:
        box = document.get("bbox")
        return cls(document.get("feed"), tuple(document.get("properties", ())), BBox(*box) if box else None)


def read_rule(session: Session, organisation_id: int, given: Mapping[str, Any], feed_of: FeedOf) -> Rule:
    """A rule as a publisher writes it: ``{"feed": slug, "properties": [keys], "bbox": [west, south, east, north]}``.

    Raises ``Invalid`` (``bad_rule``, ``unknown_feed``, ``unknown_property``, ``bad_bbox``).
    """
    unknown = sorted(given.keys() - set(RULE_NAMES))
    if unknown or not given:
        raise _bad_rule(unknown[0] if unknown else None)
    properties = given.get("properties", [])
    if not isinstance(properties, list) or not all(isinstance(key, str) for key in properties):
        raise _bad_rule("properties")
    known = set(session.scalars(select(ObservedProperty.key).where(ObservedProperty.key.in_(properties))))
    for key in properties:
        if key not in known:
            expected = "a key of /api/v1/observed-properties"
            raise Invalid(
                f"there is no observed property {key!r}",
                code="unknown_property",
                field="rule.properties",
                found=key,
                expected=expected,
            )
    return Rule(_feed(session, organisation_id, given, feed_of), tuple(dict.fromkeys(properties)), _box(given))


def _feed(session: Session, organisation_id: int, given: Mapping[str, Any], feed_of: FeedOf) -> int | None:
    slug = given.get("feed")
    if slug is None or slug == DIRECT:
        return None if slug is None else 0
    found = feed_of(session, organisation_id, slug) if isinstance(slug, str) else None
    if found is None:
        raise Invalid(
            "there is no such feed of this organisation",
            code="unknown_feed",
            field="rule.feed",
            found=slug,
            expected="the slug of a feed, or direct",
        )
    return found


def _box(given: Mapping[str, Any]) -> BBox | None:
    box = given.get("bbox")
    if box is None:
        return None
    numbers = isinstance(box, list) and len(box) == 4 and all(type(one) in (int, float) for one in box)
    if not numbers:
        raise _bad_rule("bbox")
    return geo.parse_bbox(",".join(repr(float(one)) for one in box), "rule.bbox")


def matching(session: Session, organisation_id: int, rule: Rule) -> set[int]:
    """The Datastreams for which the rule holds, ended ones too: their readings stay."""
    query = select(Datastream.id).where(Datastream.organisation_id == organisation_id)
    if rule.feed is not None:
        query = query.where(Datastream.feed_id.is_(None) if rule.feed == 0 else Datastream.feed_id == rule.feed)
    if rule.properties:
        observed = select(ObservedProperty.id).where(ObservedProperty.key.in_(rule.properties))
        query = query.where(Datastream.observed_property_id.in_(observed))
    if rule.bbox is not None:
        query = query.join(Thing, Thing.id == Datastream.thing_id).where(places.is_within(rule.bbox))
    return set(session.scalars(query))


def listed(session: Session, organisation_id: int, ids: Sequence[int]) -> set[int]:
    """``ids`` themselves. Raises ``Invalid`` (``foreign_datastream``) for what is no Datastream of the organisation."""
    wanted = set(ids)
    query = select(Datastream.id).where(Datastream.organisation_id == organisation_id)
    own: set[int] = set()
    for some in _chunks([one for one in wanted if is_id(one)]):
        own |= set(session.scalars(query.where(Datastream.id.in_(some))))
    if wanted - own:
        raise Invalid(
            "a dataset has Datastreams of its own organisation only",
            code="foreign_datastream",
            field="datastreams",
            found=min(wanted - own),
            expected="ids of Datastreams of this organisation",
        )
    return wanted


def members(session: Session, dataset_id: int) -> set[int]:
    """The Datastreams that are in a dataset now."""
    query = select(DatasetDatastream.datastream_id).where(DatasetDatastream.dataset_id == dataset_id)
    return set(session.scalars(query))


def put(session: Session, settings: Settings, dataset: Dataset, wanted: Collection[int]) -> tuple[set[int], set[int]]:
    """Have a dataset hold exactly these; what was added and what was taken away. Raises ``Conflict`` at the bound."""
    refuse_count(len(wanted), "dataset_datastreams", settings)
    there = members(session, dataset.id)
    added, gone = set(wanted) - there, there - set(wanted)
    for some in _chunks(sorted(gone)):
        own = DatasetDatastream.dataset_id == dataset.id
        session.execute(delete(DatasetDatastream).where(own, DatasetDatastream.datastream_id.in_(some)))
    rows = [{"dataset_id": dataset.id, "datastream_id": one} for one in sorted(added)]
    if rows:
        session.execute(insert(DatasetDatastream), rows)
    return added, gone


def held_elsewhere(session: Session, ids: Collection[int], states: Sequence[str]) -> set[int]:
    """Those of these Datastreams that are in a dataset of one of these states."""
    found: set[int] = set()
    for some in _chunks(sorted(ids)):
        query = select(DatasetDatastream.datastream_id).join(Dataset).where(Dataset.state.in_(states))
        found |= set(session.scalars(query.where(DatasetDatastream.datastream_id.in_(some)).distinct()))
    return found


def refuse_empty(slug: str, ids: Collection[int]) -> None:
    if not ids:
        raise Conflict(
            f"{slug} has no Datastream, so there is nothing to publish",
            code="empty_dataset",
            field="datastreams",
            found=0,
            expected="one Datastream at least",
        )


def _chunks(ids: Sequence[int]) -> Sequence[Sequence[int]]:
    return [ids[first : first + ROWS_A_STATEMENT] for first in range(0, len(ids), ROWS_A_STATEMENT)]


def _bad_rule(name: str | None) -> Invalid:
    return Invalid(
        "this is no rule for Datastreams" + (f": {name}" if name else ""),
        code="bad_rule",
        field="rule" if name is None else f"rule.{name}",
        found=name,
        expected='{"feed": slug, "properties": [keys], "bbox": [west, south, east, north]}, one of them at least',
    )
