"""What a turn that ended in a refusal leaves to be judged: an ``Ask``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BUDGET = "budget"


@dataclass(slots=True)
class Ask:
    """``held`` and ``heard`` count who stood at each ranked site, and who was heard there on the band. ``full``: by
    word the holders of what a limit left nothing of, by rank. ``may``: ranks that a change may name (None: all)."""

    row: Any
    sites: list[int]
    held: list[int]
    heard: list[int] | None
    full: dict[str, dict[int, list[str]]]
    money: int
    changes: list[dict[str, Any]]
    may: list[bool] | None
