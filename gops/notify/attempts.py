"""What becomes of a thing that was tried to be delivered: sent, tried again later, or given up."""

from __future__ import annotations

from typing import Protocol

from gops.errors import GopsError, Invalid
from gops.notify.backoff import next_try
from gops.outbound.masking import mask

PROBLEM_LENGTH = 300


class Tried(Protocol):
    """A row of a delivery. Moments in microseconds."""

    state: str
    attempts: int
    begun_at: int
    next_at: int
    ended_at: int | None
    problem: str | None


def note(row: Tried, problem: GopsError | None, now: int, chance: float, secret: str = "") -> None:
    """Write down how a try ended; ``secret`` is not to be read in it.

    An address that must not be asked stays so until somebody says otherwise: such a row is dead at once.
    """
    row.attempts += 1
    if problem is None:
        row.state, row.ended_at, row.problem = "sent", now, None
        return
    row.problem = f"{problem.code}: {mask(problem.message, [secret] if secret else [])}"[:PROBLEM_LENGTH]
    due = None if isinstance(problem, Invalid) else next_try(row.attempts, row.begun_at, now, chance)
    if due is None:
        row.state, row.ended_at = "dead", now
    else:
        row.next_at = due
