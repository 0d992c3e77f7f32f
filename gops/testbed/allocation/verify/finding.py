"""What the verifier says: where something is wrong, and what it should be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KEPT = 50  # findings in a report; one changed byte seldom makes more than three
SHOWN = 160


@dataclass(frozen=True)
class Finding:
    """``where`` is a path in the round file, such as ``refusals[3].sites[0].lacks``; ``code`` is a stable word."""

    code: str
    where: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.where}: {self.code}: found {self.found}, expected {self.expected}"


@dataclass
class Findings:
    """Keeps the first ones and counts all."""

    kept: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, code: str, where: str, found: Any, expected: Any) -> None:
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append(Finding(code, where, shown(found), shown(expected)))


def shown(value: Any) -> str:
    text = value if isinstance(value, str) and value.isprintable() else ascii(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
