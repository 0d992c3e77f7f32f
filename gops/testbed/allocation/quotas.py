"""What is left of a call's limits and budget while a mechanism places one application after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gops.testbed.allocation.instance import Application, Instance
from gops.testbed.allocation.outcome import BUDGET, COMPANY, MUNICIPALITY, THEME

Mask = NDArray[Any]


class Quotas:
    """Counts of the placed by company, theme and municipality against the most there may be, and the money left."""

    def __init__(self, instance: Instance) -> None:
        limits = instance.demands.limits
        self._most: dict[tuple[str, str], int] = {
            (row.kind, row.key): row.most for row in limits if row.most is not None
        }
        self._holders: dict[tuple[str, str], list[str]] = {key: [] for key in self._most}
        self._paid: list[str] = []
        self._instance = instance
        self.money = instance.demands.budget
        self._full = np.zeros(len(instance.sites), dtype=bool)  # sites of municipalities that have their most
        self._sites: dict[str, list[int]] = {}
        for index, site in enumerate(instance.sites):
            if site.municipality is not None:
                self._sites.setdefault(site.municipality, []).append(index)
        for kind, key in [key for key, most in self._most.items() if most == 0 and key[0] == MUNICIPALITY]:
            self._shut(kind, key)
        self.asks = bool(self._most) or self.money is not None

    def take(self, application: Application, site: int) -> None:
        for key in self._keys(application, site):
            self._holders[key].append(application.id)
            if key[0] == MUNICIPALITY and len(self._holders[key]) == self._most[key]:
                self._shut(*key)
        if self.money is not None and application.cost:
            self.money -= application.cost
            self._paid.append(application.id)

    def give_back(self, application: Application, site: int) -> None:
        for key in self._keys(application, site):
            self._holders[key].remove(application.id)
            if key[0] == MUNICIPALITY:
                self._full[self._sites[key[1]]] = False
        if self.money is not None and application.cost:
            self.money += application.cost
            self._paid.remove(application.id)

    def short(self, application: Application, rows: Mask | None) -> Iterator[tuple[str, Mask]]:
        """What lacks, and at which of the sites (``rows``; None: all)."""
        everywhere = np.ones(len(self._full) if rows is None else len(rows), dtype=bool)
        for kind, key in ((COMPANY, application.company), (THEME, application.theme)):
            if key is not None and (kind, key) in self._most:
                yield kind, everywhere * (len(self._holders[kind, key]) >= self._most[kind, key])
        if self._full.any():
            yield MUNICIPALITY, self._full if rows is None else self._full[rows]
        if self.money is not None:
            yield BUDGET, everywhere * (application.cost > self.money)

    def allows(self, application: Application, site: int) -> bool:
        if not self.asks:
            return True
        return not any(mask[0] for _, mask in self.short(application, np.array([site])))

    def holders(self, what: str, application: Application, site: int) -> tuple[str, ...]:
        """Who took what lacks, in the order of their turns."""
        if what == BUDGET:
            return tuple(self._paid)
        key = {
            COMPANY: application.company,
            THEME: application.theme,
            MUNICIPALITY: self._instance.sites[site].municipality,
        }[what]
        assert key is not None
        return tuple(self._holders[what, key])

    def _keys(self, application: Application, site: int) -> Iterator[tuple[str, str]]:
        municipality = self._instance.sites[site].municipality
        for kind, key in ((COMPANY, application.company), (MUNICIPALITY, municipality), (THEME, application.theme)):
            if key is not None and (kind, key) in self._most:
                yield kind, key

    def _shut(self, kind: str, key: str) -> None:
        assert kind == MUNICIPALITY
        self._full[self._sites.get(key, [])] = True
