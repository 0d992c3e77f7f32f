"""Devices as CSV: a header with ``name``, and ``description`` where there is one."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from gops.accounts.bulk import DeviceRow
from gops.errors import Invalid

COLUMNS = ("name", "description")


def rows_of(lines: Iterable[str], field: str) -> list[DeviceRow]:
    """Raises ``Invalid`` for another header, more cells than columns, or what is no CSV; ``field`` names the source."""
    reader = csv.DictReader(lines, strict=True)
    try:
        header = tuple(reader.fieldnames or ())
        if "name" not in header or not set(header) <= set(COLUMNS):
            raise Invalid(
                "these are not the columns of devices",
                field=field,
                found=",".join(header)[:80],
                expected="name,description",
            )
        found = []
        for row in reader:
            if None in row:
                raise _no_csv(f"line {reader.line_num} has more cells than the header", field)
            found.append(
                DeviceRow(reader.line_num, (row["name"] or "").strip(), (row.get("description") or "").strip())
            )
    except csv.Error as error:
        raise _no_csv(f"line {reader.line_num}: {error}", field) from error
    return found


def _no_csv(why: str, field: str) -> Invalid:
    return Invalid(why, code="bad_csv", field=field, expected="CSV with a header, in UTF-8")
