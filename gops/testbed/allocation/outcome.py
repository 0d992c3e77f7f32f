"""What a mechanism gives back: who stands where, and for everybody else why not and what would have done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Weeks = tuple[tuple[int, int], ...]
"""Half-open ranges of week numbers, ascending, apart from one another."""

BAND, BUDGET, COMPANY, CUTOFF, GROUP, MUNICIPALITY, THEME = WORDS = (
    "band", "budget", "company", "cutoff", "group", "municipality", "theme"
)  # fmt: skip
"""Words that stand in ``Lack.what`` beside the resources: a neighbour on the same band was in the way; the budget or
the most of a company, municipality or theme was reached; others of the group found no place."""


@dataclass(frozen=True, slots=True)
class Placement:
    application: str
    site: str
    start: int


@dataclass(frozen=True, slots=True)
class Lack:
    """A resource of which too little was left (or ``band``), the weeks, and the higher-ranked who held it then.

    No holder: the site itself has less than was asked for in those weeks.
    """

    what: str
    weeks: Weeks
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteReason:
    """Why a ranked site had no feasible start: what was lacking in [first start, last start + duration).

    Under ``fair`` the own score and the cutoff: the highest score that went without the site (None: nobody did).
    """

    site: str
    lacks: tuple[Lack, ...]
    score: int | None = None
    cutoff: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The least change of one kind that would have been accepted at the applicant's turn, all else as it stood.

    ``start``: ``amount`` weeks after the window. ``site``: a site that was not ranked. ``less``: ``resource`` cut by
    ``amount`` percent, to ``to``.
    """

    kind: Literal["start", "site", "less"]
    site: str
    start: int
    amount: int = 0
    resource: str | None = None
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """``sites`` by rank; ``changes``, at most one of a kind, as start, site, less: the first is the nearest."""

    application: str
    sites: tuple[SiteReason, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """An objective of ``optimal``, the value reached, and what no allocation exceeds (None: not known)."""

    name: str
    value: int
    bound: int | None

    @property
    def is_proven(self) -> bool:
        return self.value == self.bound


@dataclass(frozen=True, slots=True)
class Proof:
    """``price``: what fairness cost of the sum of scores; None where it was not asked for."""

    stages: tuple[Stage, ...]
    price: int | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """``order`` is that of the turns. Placed and refused together are all applications, each once.

    ``guaranteed``: (label, application) of the places that shares gave.
    """

    order: tuple[str, ...]
    placements: tuple[Placement, ...]
    refusals: tuple[Refusal, ...]
    guaranteed: tuple[tuple[str, str], ...] = ()
    proof: Proof | None = None
