"""The independent verifier of a round file. It shares no code with what makes one, and trusts nothing in it.

It reads the file's bytes, checks that they are canonical, that every hash is that of what stands there, and that the
seed follows from its parts; then it replays the mechanism on a picture of its own: each placed application was
feasible, no better contract was free at its turn, and every refusal's reasons and nearest changes are true.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gops.testbed.allocation.verify import hashes, pairs, reading, replay, shape
from gops.testbed.allocation.verify.alone import Alone, alone
from gops.testbed.allocation.verify.finding import Finding, Findings

__all__ = ["Finding", "Report", "verify"]


@dataclass(frozen=True)
class Report:
    """``count`` is that of all findings, of which the first are kept. The rest stands only where nothing was found.

    ``envy_pairs``: a higher score went without a site that a lower one has, where it could have stood alone (there are
    none under ``fair``; places that a share gave are nobody's envy). ``blocking_pairs``: an application and a site it
    would rather have, at which it fits if lower scores make room. ``waste``: those that fit as all stand. The last two
    are null above ``pairs.MOST`` applications. ``stages``: (name, value, bound) under ``optimal``; that a bound holds
    is the solver's claim.
    """

    sha256: str
    count: int
    findings: tuple[Finding, ...]
    mechanism: str = ""
    applications: int = 0
    placed: int = 0
    outcome_hash: str = ""
    envy_pairs: int = 0
    blocking_pairs: int | None = None
    waste: int | None = None
    stages: tuple[tuple[str, int, int | None], ...] = ()
    price: int | None = None

    @property
    def is_true(self) -> bool:
        return self.count == 0

    @property
    def is_by_clock(self) -> bool:
        """Whether a stage ended without a proof: another run may come to another outcome."""
        return any(value != bound for _, value, bound in self.stages)


def verify(data: bytes) -> Report:
    """Never raises for anything that ``data`` may hold."""
    findings = Findings()
    sha256 = hashlib.sha256(data).hexdigest()
    with _no_collection():  # the document is gone before it ends: nobody walks through it any more
        return _verified(data, sha256, findings)


def _verified(data: bytes, sha256: str, findings: Findings) -> Report:
    readable, document = reading.read(data, findings)
    if readable and shape.check(document, findings):
        digests = hashes.check(document, findings)
        eligible = alone(document["inputs"]["instance"])
        replay.check(document, eligible, digests["refusals"], findings)
        if not findings.count:
            return _report(sha256, document, eligible)
    return Report(sha256, findings.count, tuple(findings.kept))


def _report(sha256: str, document: Any, eligible: Alone) -> Report:
    outcome = document["outcome"]
    counted = pairs.count(document, eligible)
    proof = document.get("findings", {}).get("proof") or {"stages": [], "price": None}
    return Report(
        sha256,
        0,
        (),
        mechanism="{id} {version}".format(**document["inputs"]["mechanism"]),
        applications=len(outcome),
        placed=sum(row[1] is not None for row in outcome),
        outcome_hash=document["hashes"]["outcome"],
        envy_pairs=counted.envy,
        blocking_pairs=counted.blocking,
        waste=counted.waste,
        stages=tuple((row["name"], row["value"], row["bound"]) for row in proof["stages"]),
        price=proof["price"],
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Millions of objects and no cycle among them: the collector would look at each many times, for half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
