"""A Datastream as a dataset shows it, and newest readings as objects. Downloads are made of columns (``querying``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from gops.kinds import Kind, Label
from gops.quality import WORDS
from gops.store.port import Series
from gops.timetext import write_times


@dataclass(frozen=True, slots=True)
class Member:
    """A Datastream as a dataset shows it. ``thing`` is a name that is told apart from others in the dataset."""

    id: int
    thing_id: int
    thing: str
    observed: str  # key of the observed property
    unit: str
    kind: Kind
    label: Label
    period: int | None  # microseconds

    @property
    def series(self) -> Series:
        return Series(self.id, self.kind, self.label, self.period)


class LongShape:
    """Turns tables of ``store.port.READINGS`` into the rows of a dataset. Every Datastream in them is a member."""

    def __init__(self, members: Sequence[Member], zone: ZoneInfo) -> None:
        self._members = sorted(members, key=lambda one: one.id)
        self._zone = zone
        self._ids = np.array([one.id for one in self._members], np.int64)

    def rows(self, table: pa.Table) -> list[dict[str, Any]]:
        """The rows as objects. A value is a number, the text of a state, or null."""
        places = np.searchsorted(self._ids, table["datastream"].to_numpy())
        members = [self._members[place] for place in places.tolist()]
        values, texts = table["value"].to_pylist(), table["text"].to_pylist()
        times = write_times(table["t"].to_numpy(), self._zone).to_pylist()
        return [
            {
                "time": time,
                "thing": one.thing,
                "property": one.observed,
                "value": value if text is None else text,
                "unit": one.unit,
                "quality": WORDS[quality],
                "datastream": one.id,
            }
            for time, one, value, text, quality in zip(
                times, members, values, texts, table["quality"].to_pylist(), strict=True
            )
        ]
