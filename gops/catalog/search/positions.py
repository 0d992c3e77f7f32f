"""Where a page of a search ended: its last dataset, and at which number it stood.

Orders change while one reads: the dataset is looked for first, and its number holds where it is found no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gops.errors import Invalid

DEEPEST = 100_000
SLACK = 100  # places by which a dataset may have moved and is still found
_SHAPE = re.compile(r"([1-9][0-9]{0,8})-([1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True)
class Position:
    """``number`` datasets have been shown; the last of them was ``last`` (0: none)."""

    number: int = 0
    last: int = 0

    @classmethod
    def read(cls, text: str) -> Position:
        """Raises ``Invalid`` (``bad_cursor``)."""
        if not text:
            return cls()
        found = _SHAPE.fullmatch(text)
        if not found or int(found[1]) > DEEPEST:
            raise Invalid(
                "this is the end of no page", code="bad_cursor", field="after", found=text,
                expected=f"what next says, within the first {DEEPEST} datasets",
            )  # fmt: skip
        return cls(int(found[1]), int(found[2]))

    def text(self) -> str:
        return f"{self.number}-{self.last}"

    def after(self, ids: npt.NDArray[np.int64]) -> int:
        """The index of the first of these that the next page shows."""
        if not self.number:
            return 0
        begin = max(0, self.number - SLACK)
        found = np.flatnonzero(ids[begin : self.number + SLACK] == self.last)
        return int(begin + found[0] + 1) if len(found) else min(self.number, len(ids))
