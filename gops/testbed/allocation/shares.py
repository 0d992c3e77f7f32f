"""Places that a call keeps for some: filled before all others take their turn, in the order of the shares.

A share by score goes to the best of its label, one by lot to the smallest ties: the seed, in which all applicants have
a hand, draws the lot. Who has a place by an earlier share counts in a later one. What stays empty is for everybody.
Members of a group are passed over, since no one of them can be promised a place alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gops.testbed.allocation.instance import Application, Instance, Share
from gops.testbed.allocation.ties import tie

Guaranteed = tuple[tuple[str, str], ...]
"""(label, application) in the order in which they were given."""


def fill(instance: Instance, seed: bytes, turn: Callable[[Application], bool]) -> Guaranteed:
    """``turn`` gives an application its best feasible place and says whether there was one. Each has one turn."""
    placed: set[str] = set()
    tried: set[str] = set()
    given = []
    for share in instance.demands.shares:
        members = [row for row in instance.applications if share.label in row.labels and row.group is None]
        count = sum(row.id in placed for row in members)
        for application in _ordered(members, share, seed):
            if count >= share.places:
                break
            if application.id in tried:
                continue
            tried.add(application.id)
            if turn(application):
                placed.add(application.id)
                given.append((share.label, application.id))
                count += 1
    return tuple(given)


def by_score(applications: Iterable[Application], seed: bytes) -> list[Application]:
    """The higher score first (where municipalities score apart, the highest of them); of equal ones the smaller tie."""
    return sorted(applications, key=lambda row: (-max(row.scores), tie(seed, row.id)))


def _ordered(members: list[Application], share: Share, seed: bytes) -> list[Application]:
    return by_score(members, seed) if share.by == "score" else sorted(members, key=lambda row: tie(seed, row.id))
