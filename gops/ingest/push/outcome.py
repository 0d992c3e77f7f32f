"""What a push did, as it is counted on the way and answered at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gops.errors import GopsError, Invalid
from gops.ingest.refused import Refused
from gops.store.port import Mode, Receipt

OUTCOMES = ("inserted", "replaced", "unchanged", "kept")
PLACE_CHARACTERS = 200


@dataclass(slots=True)
class Outcome:
    """Counts of what is committed; ``listed`` refusals at most are told one by one. ``through`` is the place of the
    last row that was committed or refused, ``complete`` is whether that is all of the push."""

    mode: Mode
    listed: int
    atomic: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    refused: int = 0
    by_code: Counter[str] = field(default_factory=Counter)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    through: str = ""
    complete: bool = False

    @property
    def taken(self) -> int:
        return self.counts["rows"]

    def add_rows(self, rows: int, last: str) -> None:
        """Rows that would be stored."""
        self.counts["rows"] += rows
        self.through = last

    def add_receipt(self, rows: int, receipt: Receipt) -> None:
        self.counts["rows"] += rows
        for name in OUTCOMES:
            count = getattr(receipt, name)
            if count is None:
                self.unknown.add(name)
            else:
                self.counts[name] += count

    def add_refusals(self, refusals: Sequence[Refused]) -> None:
        for one in refusals:
            self.refused += one.readings
            self.by_code[one.code] += one.readings
            if len(self.refusals) < self.listed:
                self.refusals.append(
                    {"place": one.place[:PLACE_CHARACTERS], "field": one.field, "code": one.code, "note": one.note}
                )

    def body(self) -> dict[str, Any]:
        """The members of the answer."""
        return {
            "mode": self.mode,
            "atomic": self.atomic,
            "complete": self.complete,
            "through": self.through or None,
            "accepted": self.taken,
            **{name: None if name in self.unknown else self.counts[name] for name in OUTCOMES},
            "refused": self.refused,
            "refused_by_code": dict(self.by_code.most_common()),
            "refusals": self.refusals,
        }


class AllRefused(Invalid):
    """Nothing of a push was stored. ``extra`` has its counts."""

    def __init__(self, body: Mapping[str, Any], *, atomic: bool) -> None:
        refusals = body["refusals"]
        first = f"; the first: {refusals[0]['place']}: {refusals[0]['note']}" if refusals else ""
        if atomic:
            message = f"nothing was stored, as {body['refused']} rows are refused and atomic was asked{first}"
        else:
            message = f"every row was refused{first}" if refusals else "there is no row in the body"
        code = "atomic_refused" if atomic else "all_refused" if refusals else "empty"
        super().__init__(message[:1000], code=code, field="body", expected="rows that can be stored")
        self.extra = body


def broken(error: GopsError, body: Mapping[str, Any]) -> GopsError:
    """``error``, saying also what had been stored by then."""
    error.extra = body
    return error
