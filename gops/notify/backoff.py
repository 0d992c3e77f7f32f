"""When what could not be delivered is tried again."""

from __future__ import annotations

from gops.clock import HOUR, SECOND

FIRST = 30 * SECOND
LONGEST = 3 * HOUR
GIVE_UP = 24 * HOUR
SPREAD = 0.2


def next_try(attempts: int, begun: int, now: int, chance: float) -> int | None:
    """The moment of the next try after ``attempts`` failures, in microseconds; None after a day.

    The wait doubles from 30 s to 3 h. ``chance`` in [0, 1) moves it by up to a fifth either way, so that many which
    failed together do not come back together.
    """
    wait = min(FIRST << min(attempts - 1, 20), LONGEST)
    due = now + round(wait * (1 + SPREAD * (2 * chance - 1)))
    return due if due - begun <= GIVE_UP else None
