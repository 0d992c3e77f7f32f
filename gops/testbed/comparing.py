"""What every mechanism would make of one call, before a round is published: figures alone, no names.

Each outcome is written as a round file and verified by the independent verifier; what it counts is what is told.
"""

from __future__ import annotations

import time
from typing import Any

from gops.errors import Invalid
from gops.testbed import computing
from gops.testbed.allocation import roundfile
from gops.testbed.allocation.apart import Watch
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.outcome import Allocation
from gops.testbed.allocation.verify import verify
from gops.testbed.preparing import Prepared

CHOICES = (Choice("ranked"), Choice("fair"), Choice("optimal"), Choice("optimal", "resource"))


def compare(prepared: Prepared, seconds: float, watch: Watch) -> dict[str, Any]:
    """``rows``, one of each mechanism. The price of fairness is what a mechanism's sum of scores lacks of the bound
    that ``optimal`` proved, in hundredths of a percent. ``seconds`` are for all together."""
    rows = [_row(prepared, choice, seconds / 2, watch) for choice in CHOICES]
    bounds = [row["bound"] for row in rows if row.get("bound") is not None and row["fairness"] == "none"]
    for row in rows:
        known = bounds and bounds[0] and "scores" in row
        row["price"] = round(10_000 * (bounds[0] - row["scores"]) / bounds[0]) if known else None
    return {"applications": len(prepared.instance.applications), "call": prepared.mechanism.name, "rows": rows}


def _row(prepared: Prepared, choice: Choice, seconds: float, watch: Watch) -> dict[str, Any]:
    head = {"mechanism": choice.name, "fairness": choice.fairness}
    began = time.monotonic()
    try:
        made = computing.allocate(prepared, seconds, watch, choice)
    except Invalid as refused:  # several scores, groups or lower quotas, of which this mechanism knows nothing
        return {**head, "refused": refused.code, "reason": refused.message}
    report = verify(roundfile.write(prepared.instance, prepared.seed, choice, made, prepared.call))
    return {
        **head,
        "placed": len(made.placements),
        "scores": _scores(prepared, made),
        "envy_pairs": report.envy_pairs,
        "blocking_pairs": report.blocking_pairs,
        "waste": report.waste,
        "verified": report.is_true,
        "milliseconds": round((time.monotonic() - began) * 1000),
        "bound": next((row.bound for row in made.proof.stages if row.name == "scores"), None) if made.proof else None,
    }


def _scores(prepared: Prepared, made: Allocation) -> int:
    rows = {row.id: row for row in prepared.instance.applications}
    return sum(
        rows[place.application].scores[rows[place.application].sites.index(place.site)] for place in made.placements
    )
