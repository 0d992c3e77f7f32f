"""Two weeks of the demo's past, written straight into the store before the server has it.

What the devices would have sent, by the same signals, with the same silences and faults: an hour apart for the hourly
ones, ten minutes for the others. Nothing that stands is replaced, and what is there already is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from gops.clock import DAY, SECOND
from gops.demo import messages
from gops.demo.fleet import DemoDevice
from gops.quality import Quality
from gops.sensors.routes import Target
from gops.store.port import READINGS, Store

DAYS = 14
SPARSE_SECONDS = 600
"""Of the past a live device tells one value in so many seconds."""
DEVICES_A_WRITE = 25
Targets = Mapping[str, Target]
"""Where the fields of a device go."""
Done = Callable[[int], object]
"""Told how many more devices are done."""


def write(
    store: Store,
    routes: Mapping[str, Targets],
    fleet: Sequence[DemoDevice],
    now: int,
    done: Done = lambda _count: None,
) -> int:
    """How many readings were written before ``now`` (microseconds). ``routes`` by device address.

    ``done`` is told after every commit how many more devices have their past.
    """
    start = now - DAYS * DAY
    without = _without_past(store, routes, start)
    written = 0
    for batch in _batches(fleet):
        lacking = [device for device in batch if device.address in without]
        if lacking:
            rows = [table(device, routes[device.address], start // SECOND, now // SECOND) for device in lacking]
            written += store.write(pa.concat_tables(rows), "keep").inserted or 0
        done(len(batch))
    return written


def _without_past(store: Store, routes: Mapping[str, Targets], start: int) -> set[str]:
    """Devices with a Datastream of which the store has nothing, or nothing of the first day."""
    extents = store.extent([target.datastream for targets in routes.values() for target in targets.values()])
    begun = {datastream for datastream, extent in extents.items() if extent.first < start + DAY}
    return {
        address
        for address, targets in routes.items()
        if not all(target.datastream in begun for target in targets.values())
    }


def table(device: DemoDevice, targets: Targets, start: int, end: int) -> pa.Table:
    """Rows of ``READINGS`` for ``start <= t < end`` (seconds since 1970)."""
    step = max(device.period, SPARSE_SECONDS)
    rows = list(messages.measured(device, start, end, step))
    columns = [_column(target, name, rows) for name, target in targets.items()]
    return pa.concat_tables([*columns, READINGS.empty_table()])


def _column(target: Target, name: str, rows: Sequence[tuple[int, dict[str, Any]]]) -> pa.Table:
    sent = [values.get(name) for _t, values in rows]
    is_state = target.kind == "state"
    numbers = [None if is_state or isinstance(value, dict) else value for value in sent]
    texts = [str(value).lower() if is_state and isinstance(value, bool) else None for value in sent]
    return pa.table(
        {
            "datastream": [target.datastream] * len(rows),
            "t": [t * SECOND for t, _values in rows],
            "value": numbers,
            "text": texts,
            "quality": [int(_quality(value, target)) for value in sent],
            "result_time": [None] * len(rows),
        },
        schema=READINGS,
    )


def _quality(value: Any, target: Target) -> Quality:
    """As ingest has it: what the device says, and suspect outside the range."""
    if isinstance(value, dict):
        return Quality[value["quality"]]
    if value is None:
        return Quality.missing
    return Quality.good if target.low <= value <= target.high else Quality.suspect


def _batches(fleet: Sequence[DemoDevice]) -> Iterator[Sequence[DemoDevice]]:
    for begin in range(0, len(fleet), DEVICES_A_WRITE):
        yield fleet[begin : begin + DEVICES_A_WRITE]
