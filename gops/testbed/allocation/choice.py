"""Which mechanism a round is computed by: the one place that knows them all. ``optimal`` is loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from gops.errors import Invalid
from gops.testbed.allocation import fair, ranked
from gops.testbed.allocation.instance import Instance
from gops.testbed.allocation.outcome import Allocation
from gops.testbed.allocation.uncollected import uncollected

NAMES = ("ranked", "fair", "optimal")
VERSIONS = {"ranked": ranked.VERSION, "fair": fair.VERSION, "optimal": 1}
FAIRNESS = ("none", "resource")
SECONDS = 120.0  # for a run of optimal where nothing else is said
SHOWN = 80


@dataclass(frozen=True)
class Choice:
    """``fairness`` says something of ``optimal`` alone."""

    name: str = "ranked"
    fairness: Literal["none", "resource"] = "none"

    @property
    def document(self) -> dict[str, Any]:
        """As it stands in a round file."""
        found: dict[str, Any] = {"id": self.name, "version": VERSIONS[self.name]}
        return {**found, "fairness": self.fairness} if self.name == "optimal" else found

    @property
    def text(self) -> str:
        return f"{self.name} {VERSIONS[self.name]}"


RANKED = Choice()


def read(document: Any, place: str = "mechanism") -> Choice:
    """Raises ``Invalid`` for a mechanism that GOPS does not have in that version."""
    if isinstance(document, Mapping) and document.get("id") in NAMES:
        fairness = document.get("fairness", "none")
        if fairness in FAIRNESS:
            found = Choice(document["id"], cast('Literal["none", "resource"]', fairness))
            if dict(document) == found.document:
                return found
    expected = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
    shown = ascii(document)[:SHOWN]
    raise Invalid(f"{place} is {shown}, expected one of {expected}", field=place, found=shown, expected=expected)


def allocate(
    choice: Choice,
    instance: Instance,
    seed: bytes,
    seconds: float = SECONDS,
    tell: Callable[[Allocation], None] | None = None,
) -> Allocation:
    """Every application placed or refused with its reasons. Raises ``Invalid`` where the mechanism lacks what the
    instance asks. ``seconds`` and ``tell`` are for ``optimal``: its time, and who hears of every stage."""
    if choice.name != "optimal":
        with uncollected():
            return ranked.allocate(instance, seed) if choice.name == "ranked" else fair.allocate(instance, seed)
    from gops.testbed.allocation import optimal

    return optimal.allocate(instance, seed, choice.fairness, seconds, tell)
