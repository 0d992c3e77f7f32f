"""A prepared call allocated: in this process where that is a matter of a moment, else in one apart."""

from __future__ import annotations

from gops.errors import Conflict
from gops.testbed.allocation import apart, choice
from gops.testbed.allocation.apart import Progress, Watch
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.outcome import Allocation
from gops.testbed.preparing import Prepared


def always(_: Progress) -> bool:
    """For who waits to the end."""
    return True


def allocate(prepared: Prepared, seconds: float, watch: Watch, chosen: Choice | None = None) -> Allocation:
    """By the call's mechanism, or another one. Raises ``Conflict`` (``round_cancelled``) where ``watch`` ends it."""
    mechanism, instance, seed = chosen or prepared.mechanism, prepared.instance, prepared.seed.seed
    if mechanism.name != "optimal":
        return choice.allocate(mechanism, instance, seed)
    found = apart.allocate(mechanism, instance, seed, seconds, watch)
    if found is None:
        raise Conflict("the run was cancelled", code="round_cancelled", field="run", expected="a run that goes on")
    return found
