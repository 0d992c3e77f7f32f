"""Readings as lines of the line protocol: what the engine can hold, and how it is spelled.

VictoriaMetrics stores a float64 as a decimal of about 12 digits, and gives all values of a block of up to 8192 samples
one exponent: a single 1e300 turns its neighbours into 0, and 20.166666666666668 comes back as 20.1666666667 (seen with
1.79). What comes back to the bit, whatever stands beside it, are integers up to ``LARGEST`` and multiples of a
millionth up to ``LARGEST_FRACTION``. Every other value is stored as the two halves of its 64 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gops.clock import DAY
from gops.errors import Invalid, Unsupported

MILLI = 1000  # microseconds
LARGEST = 9e9  # below 2**53 millionths
LARGEST_FRACTION = 1e6
LARGEST_RESULT_TIME = 1 << 53  # microseconds: until the year 2255
AHEAD = 2 * DAY  # the server drops what lies further ahead
EARLIEST = 30 * DAY  # a question that reaches back to 1970-01-01 itself is answered with nothing
NO_NUMBER, PLAIN, BITS, WITH_RESULT_TIME = 0, 10, 20, 100
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reach:
    """The times that the server keeps, in microseconds before and after now; ``past`` None where it isn't known."""

    past: int | None
    ahead: int = AHEAD


def check_holdable(batch: pa.Table, reach: Reach, now: int) -> None:
    """Raises ``Unsupported`` (``text``, ``microseconds``) or ``Invalid`` (``too_late``, ``too_far_ahead``,
    ``bad_reading``) for a batch of which the engine would not hold every row as it is."""
    if batch["text"].null_count < batch.num_rows:
        raise Unsupported(
            "VictoriaMetrics keeps numbers, not texts: Datastreams of kind state need another store",
            field="text",
            found="a text",
            expected="numbers only",
        )
    t = batch["t"].to_numpy()
    fine = t[t % MILLI != 0]
    if len(fine):
        raise Unsupported(
            "VictoriaMetrics tells milliseconds apart, not microseconds",
            field="microseconds",
            found=int(fine[0]),
            expected="times in whole milliseconds",
        )
    _check_reach(t, reach, now)
    _check_result_times(batch["result_time"])


def _check_reach(t: npt.NDArray[np.int64], reach: Reach, now: int) -> None:
    if not len(t):
        return
    first = EARLIEST if reach.past is None else max(EARLIEST, now - reach.past)
    if t.min() < first:
        raise Invalid(
            "a reading is older than VictoriaMetrics keeps (its -retentionPeriod)",
            code="too_late",
            field="t",
            found=int(t.min()),
            expected=f"{first} microseconds or later",
        )
    if t.max() > now + reach.ahead:
        raise Invalid(
            "a reading lies further ahead than VictoriaMetrics takes",
            code="too_far_ahead",
            field="t",
            found=int(t.max()),
            expected=f"at most {now + reach.ahead} microseconds",
        )


def _check_result_times(times: pa.ChunkedArray) -> None:
    found = pc.max(pc.abs(times)).as_py()
    if found is not None and found >= LARGEST_RESULT_TIME:
        raise Invalid(
            "a result time is further from 1970 than a float64 tells microseconds apart",
            code="bad_reading",
            field="result_time",
            found=found,
            expected=f"less than {LARGEST_RESULT_TIME} microseconds from 1970",
        )


def is_plain(values: Floats) -> npt.NDArray[np.bool_]:
    """Which of these finite values come back to the bit."""
    size = np.abs(values)
    whole = (np.rint(values) == values) & (size <= LARGEST)
    millionths = np.rint(np.where(size <= LARGEST_FRACTION, values, 0.5e-6) * 1e6)
    negative_zero = (values == 0) & np.signbit(values)
    return np.asarray((whole | (millionths / 1e6 == values)) & ~negative_zero)


def spell(name: str, batch: pa.Table) -> bytes:
    """The lines of a checked batch, one a row."""
    batch = batch.combine_chunks()
    column = {one: batch[one].combine_chunks() for one in batch.column_names}
    there = column["value"].is_valid().to_numpy(zero_copy_only=False)
    values = column["value"].fill_null(0.0).to_numpy()
    plain = there & is_plain(values)
    bits = values.view(np.uint64)
    form = np.where(plain, PLAIN, np.where(there, BITS, NO_NUMBER))
    timed = column["result_time"].is_valid().to_numpy(zero_copy_only=False)
    code = column["quality"].to_numpy().astype(np.int64) + form + np.where(timed, WITH_RESULT_TIME, 0)
    line = pc.binary_join_element_wise(
        pc.binary_join_element_wise(f"{name},d=", _text(column["datastream"]), " q=", _text(code), ""),
        _some(",v=", pa.array(values), plain),
        _some(",h=", pa.array(bits >> np.uint64(32)), there & ~plain),
        _some(",l=", pa.array(bits & np.uint64(0xFFFFFFFF)), there & ~plain),
        _some(",r=", column["result_time"].fill_null(0), timed),
        _some(" ", pc.divide(column["t"], MILLI), np.ones(len(code), bool)),
        "",
        null_handling="skip",
    )
    whole = pa.ListArray.from_arrays(pa.array([0, len(line)], pa.int32()), line)
    return bytes(pc.binary_join(whole, "\n")[0].as_buffer())


def _text(numbers: pa.Array | npt.NDArray[np.int64]) -> pa.Array:
    return pc.cast(pa.array(numbers) if isinstance(numbers, np.ndarray) else numbers, pa.string())


def _some(before: str, numbers: pa.Array, where: npt.NDArray[np.bool_]) -> pa.Array:
    """``before`` and the number where it is wanted, else null."""
    kept = pc.if_else(pa.array(where), numbers, pa.scalar(None, numbers.type))
    return pc.binary_join_element_wise(before, pc.cast(kept, pa.string()), "")
