"""What an answer of data may cost: refused before anything is read, with the bound's name and something cheaper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from gops.api import paging
from gops.api.catalog.asking import Asking
from gops.api.catalog.sources import Source
from gops.api.context import settings
from gops.api.times import write_time
from gops.catalog.querying.forms import Form
from gops.clock import SECOND
from gops.errors import TooLarge
from gops.formats.xlsx import MOST_ROWS

NARROWER = 0.8  # of what would just fit, since readings are not spread evenly
Query = Mapping[str, Any]


def refuse_costly(origin: Source, asked: Asking, query: Query, form: Form, limit: int | None) -> None:
    """Raises ``TooLarge`` with ``instead``: addresses that ask for less. A plain page costs what its limit says."""
    bounds = settings()
    cells = bounds.data_cells // max(1, asked.looked_at)
    most = min(cells, bounds.wide_rows) if asked.is_wide else min(cells, bounds.export_rows_max)
    is_plain_page = limit is not None and asked.ask.where is None and not asked.is_wide
    rows = limit if limit is not None and is_plain_page else asked.table.at_most(asked.ask, most)
    if rows > most and not is_plain_page:
        _refuse(origin, query, rows, most, _bound(asked, most, cells))
    if form.key == "xlsx":
        _bound_xlsx(origin, asked, query, rows if limit is None else min(rows, limit))


def _bound(asked: Asking, most: int, cells: int) -> str:
    if most == cells:
        return f"{most} rows of {asked.looked_at} columns (GOPS_DATA_CELLS)"
    return f"{most} rows ({'GOPS_WIDE_ROWS' if asked.is_wide else 'GOPS_EXPORT_ROWS_MAX'})"


def _bound_xlsx(origin: Source, asked: Asking, query: Query, rows: int) -> None:
    cells = settings().xlsx_cells // max(1, len(asked.ask.columns))
    if rows > min(cells, MOST_ROWS):
        most = min(cells, MOST_ROWS)
        name = "of an XLSX sheet" if most == MOST_ROWS else f"of {len(asked.ask.columns)} columns (GOPS_XLSX_CELLS)"
        _refuse(origin, query, rows, most, f"{most} rows {name}", csv=paging.next_address(format="csv"))


def _refuse(origin: Source, query: Query, rows: int, most: int, bound: str, **instead: str) -> NoReturn:
    error = TooLarge(
        f"that is up to {rows} rows; one answer looks at most at {most}",
        field="from",
        found=rows,
        expected=f"at most {bound}, or pages with limit and without a filter",
    )
    error.extra = {"instead": instead | _cheaper(origin, query, most / rows)}
    raise error


def _cheaper(origin: Source, query: Query, share: float) -> dict[str, str]:
    """Addresses by what they are: the newest part of the range that fits, and windows where there could be some."""
    found: dict[str, str] = {}
    if origin.snapshot is None and origin.members:
        extents = origin.store.extent(origin.ids).values()
        low = min(one.first for one in extents) if query["start"] is None else query["start"]
        high = max(one.last for one in extents) + SECOND if query["end"] is None else query["end"]
        start = int(high - (high - low) * share * NARROWER)
        begin = write_time(start - start % SECOND, query["zone"])
        assert begin is not None
        found["shorter_range"] = paging.next_address(**{"from": begin})
        kinds = {one.kind for one in origin.members}
        if "every" not in query and len(kinds) == 1:
            found["windows"] = paging.next_address(every="1d")
    return found
