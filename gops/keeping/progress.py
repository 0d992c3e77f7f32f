"""Progress of long work, told to whoever waits: ``{"what", "done", "of", "unit"}``, a few times a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gops.store.upkeep import Progress

Tell = Callable[[Any], None]
PACE_SECONDS = 0.2


def quiet(_step: Any) -> None:
    """For work that nobody watches."""


def paced(tell: Tell, what: str, unit: str, pace_seconds: float = PACE_SECONDS) -> Progress:
    """A ``Progress`` that passes on the first step, the last one, and what lies ``pace_seconds`` apart."""
    told_at = -float("inf")

    def step(done: int, of: int) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= pace_seconds or (of and done >= of):
            told_at = now
            tell({"what": what, "done": done, "of": of, "unit": unit})

    return step
