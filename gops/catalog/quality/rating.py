"""The quality of one dataset, from its facts and from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gops.catalog.facts import CatalogFacts
from gops.catalog.long_shape import Member
from gops.catalog.model import Dataset
from gops.catalog.quality import living, mqa
from gops.catalog.quality.living import Measure, Pulse
from gops.catalog.search.entries import Seen
from gops.clock import HOUR
from gops.store.port import Store, Windows

Seeing = Callable[[Sequence[int]], Mapping[int, Seen]]


class Stated(Protocol):
    """Of ``catalog.views.Views``."""

    def stated(self, base: str, datasets: Sequence[Dataset]) -> CatalogFacts: ...

    def by_ids(self, ids: Sequence[int]) -> Sequence[Dataset]: ...


@dataclass(frozen=True, slots=True)
class Rating:
    score: mqa.Score
    timeliness: Measure
    completeness: Measure


def rating(facts: CatalogFacts, members: Sequence[Member], store: Store, now: int) -> Rating:
    """Of the one dataset of ``facts``; ``store`` as others see it, ``now`` less the delay of the dataset."""
    (one,) = facts.datasets
    pulses = _pulses(members, store, now)
    timely = living.timeliness(pulses, one.frequency.key, now)
    return Rating(mqa.score(one), timely, living.completeness(pulses))


def _pulses(members: Sequence[Member], store: Store, now: int) -> list[Pulse]:
    extents, end = store.extent([one.id for one in members]), now - now % HOUR
    covered = _coverage(members, store, end)
    pulses = []
    for one in members:
        extent, share = extents.get(one.id), covered.get(one.id)
        if extent is not None and share is not None:  # a young one is not measured by the days before it
            share = min(1.0, share * living.WINDOW / min(living.WINDOW, max(HOUR, end - extent.first)))
        pulses.append(Pulse(one.period, None if extent is None else extent.last, share))
    return pulses


def _coverage(members: Sequence[Member], store: Store, end: int) -> dict[int, float]:
    """Of the seven days before ``end``; of Datastreams with readings in them."""
    found: dict[int, float] = {}
    regular = [one.series for one in members if one.period is not None]
    for kind in sorted({one.kind for one in regular}):
        some = [one for one in regular if one.kind == kind]
        table = store.aggregate(Windows(some, [end - living.WINDOW, end], ()))
        shares = zip(table["datastream"].to_pylist(), table["coverage"].to_pylist(), strict=True)
        found |= {one: share for one, share in shares if share is not None}
    return found


def graded(seeing: Seeing, views: Stated) -> Seeing:
    """What the search sees of datasets, and the class of each as well."""

    def see(ids: Sequence[int]) -> Mapping[int, Seen]:
        seen = seeing(ids)
        facts = views.stated("", views.by_ids(ids)).datasets
        grades = {one.id: mqa.score(one).grade for one in facts}
        return {one: replace(said, quality=grades.get(one, "")) for one, said in seen.items()}

    return see
