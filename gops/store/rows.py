"""Readings as parallel arrays of numpy, in which stores compare a batch with what stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.store.port import READINGS

Ints = npt.NDArray[np.int64]
NONE = np.iinfo(np.int64).min
"""Stands for a null result_time, and for the newest t of a Datastream without rows; below every real time."""


@dataclass
class Rows:
    """The columns of ``READINGS`` as arrays; null is NaN in ``value``, None in ``text``, NONE in ``result_time``."""

    datastream: Ints
    t: Ints
    value: npt.NDArray[np.float64]
    text: npt.NDArray[np.object_]
    quality: npt.NDArray[np.uint8]
    result_time: Ints

    @classmethod
    def of(cls, table: pa.Table) -> Rows:
        def plain(name: str, null: Any) -> Any:
            return table[name].fill_null(null).to_numpy()

        texts = table["text"]
        empty = texts.null_count == len(texts)
        return cls(
            datastream=table["datastream"].to_numpy(),
            t=table["t"].to_numpy(),
            value=plain("value", np.nan),
            text=np.full(len(texts), None) if empty else texts.to_numpy(zero_copy_only=False),
            quality=table["quality"].to_numpy(),
            result_time=plain("result_time", int(NONE)),
        )

    def __len__(self) -> int:
        return len(self.t)

    def take(self, where: Any) -> Rows:
        return Rows(**{name: column[where] for name, column in vars(self).items()})

    def table(self) -> pa.Table:
        """The same as a table of ``READINGS``."""
        return pa.Table.from_arrays(
            [
                pa.array(self.datastream),
                pa.array(self.t),
                pa.array(self.value, mask=np.isnan(self.value)),
                pa.array(self.text, pa.string()),
                pa.array(self.quality),
                pa.array(self.result_time, mask=self.result_time == NONE),
            ],
            schema=READINGS,
        )
