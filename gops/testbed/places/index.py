"""All offered sites as arrays, kept from one question to the next until some site changes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops import areas
from gops.testbed.model import Site

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SiteIndex:
    """Row i of every array is the site ``ids[i]``. ``capacity``: int64 [site, resource]; places in metres on the plane.

    ``bands``, ``tags``, ``kinds`` and ``organisations`` give, by word, which sites have it; ``equipment`` how many.
    """

    revision: int
    ids: npt.NDArray[np.int64]
    rows: Mapping[int, int]
    names: Sequence[tuple[str, str]]
    east: npt.NDArray[np.float64]
    north: npt.NDArray[np.float64]
    resources: Mapping[str, int]
    capacity: npt.NDArray[np.int64]
    kinds: Mapping[str, Flags]
    organisations: Mapping[int, Flags]
    bands: Mapping[str, Flags]
    tags: Mapping[str, Flags]
    equipment: Mapping[str, npt.NDArray[np.int64]]

    def having(self, table: Mapping[Any, Flags], word: Any) -> Flags:
        """Which sites have ``word``; none where no site has it."""
        found = table.get(word)
        return np.zeros(len(self.ids), dtype=np.bool_) if found is None else found


class SiteIndexes:
    """The newest index. A change of any site, seen by the highest revision, makes a new one."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._kept: SiteIndex | None = None

    def get(self, session: Session) -> SiteIndex:
        revision = session.scalar(select(func.max(Site.revision))) or 0
        with self._turn:
            if self._kept is None or self._kept.revision != revision:
                self._kept = load(session, revision)
            return self._kept


def load(session: Session, revision: int) -> SiteIndex:
    columns = (Site.id, Site.organisation_id, Site.name_ko, Site.name_en, Site.kind, Site.longitude, Site.latitude,
               Site.capacity, Site.details)  # fmt: skip
    sites = session.execute(select(*columns).where(Site.state == "offered").order_by(Site.id)).all()
    resources = {name: at for at, name in enumerate(dict.fromkeys(name for site in sites for name in site.capacity))}
    capacity = [[site.capacity.get(name, 0) for name in resources] for site in sites]
    east, north = areas.on_plane(
        np.array([site.longitude for site in sites]), np.array([site.latitude for site in sites])
    )
    facts = [site.details or {} for site in sites]
    return SiteIndex(
        revision=revision,
        ids=np.array([site.id for site in sites], dtype=np.int64),
        rows={site.id: row for row, site in enumerate(sites)},
        names=[(site.name_ko, site.name_en) for site in sites],
        east=east,
        north=north,
        resources=resources,
        capacity=np.array(capacity, dtype=np.int64).reshape(len(sites), len(resources)),
        kinds=_flags(len(sites), ([site.kind] for site in sites)),
        organisations=_flags(len(sites), ([site.organisation_id] for site in sites)),
        bands=_flags(len(sites), (one.get("bands", []) for one in facts)),
        tags=_flags(len(sites), (one.get("tags", []) for one in facts)),
        equipment=_counts(facts),
    )


def _flags(count: int, words: Iterable[Iterable[Any]]) -> dict[Any, Flags]:
    found: dict[Any, Flags] = {}
    for row, own in enumerate(words):
        for word in own:
            if word not in found:
                found[word] = np.zeros(count, dtype=np.bool_)
            found[word][row] = True
    return found


def _counts(facts: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[np.int64]]:
    found: dict[str, npt.NDArray[np.int64]] = {}
    for row, one in enumerate(facts):
        for piece in one.get("equipment", []):
            there = found.setdefault(piece["kind"], np.zeros(len(facts), dtype=np.int64))
            there[row] += piece["count"]
    return found
