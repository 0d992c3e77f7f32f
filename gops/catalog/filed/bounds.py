"""How large a file may be in each direction, and how what is wrong with one is told."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from gops.accounts.checks import shown
from gops.errors import Invalid, TooLarge
from gops.settings import Settings

TOLD = 20
"""Wrong places of one file that are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``unpacked`` bounds what is compressed in a file, ``json`` a file that is read as a whole. In bytes.

    ``ends`` is the reading of ``time.monotonic`` at which ``seconds`` of looking are over.
    """

    bytes: int
    columns: int
    rows: int
    cells: int
    unpacked: int
    json: int
    seconds: int = 3_600
    ends: float = math.inf

    @classmethod
    def of(cls, chosen: Settings) -> Bounds:
        return cls(
            chosen.upload_bytes,
            chosen.upload_columns,
            chosen.upload_rows,
            chosen.upload_cells,
            chosen.upload_unpacked_bytes,
            chosen.upload_json_bytes,
            chosen.upload_seconds,
        )

    def begun(self) -> Bounds:
        """The same with its time running from now."""
        return replace(self, ends=time.monotonic() + self.seconds)

    def check_time(self) -> None:
        if time.monotonic() > self.ends:
            raise TooLarge(
                "looking at the file takes too long",
                code="upload_too_slow",
                field="body",
                found=f"more than {self.seconds} s",
                expected="less (GOPS_UPLOAD_SECONDS): fewer rows or columns, CSV or Parquet instead of XLSX",
            )

    def check_columns(self, count: int) -> None:
        if count > self.columns:
            too_large("columns", count, self.columns, "GOPS_UPLOAD_COLUMNS")

    def check_rows(self, rows: int, columns: int) -> None:
        if rows > self.rows:
            too_large("rows", rows, self.rows, "GOPS_UPLOAD_ROWS")
        if rows * columns > self.cells:
            too_large("cells", rows * columns, self.cells, "GOPS_UPLOAD_CELLS")


def too_large(what: str, found: int, most: int, setting: str) -> NoReturn:
    raise TooLarge(
        f"the file has more than {most} {what}",
        code="upload_too_large",
        field="body",
        found=found,
        expected=f"at most {most} {what} ({setting})",
    )


def wrong_type(found: str, expected: str, field: str = "body") -> Invalid:
    """The bytes are not what the name, the Content-Type or they themselves say."""
    message = "the file is not what it says it is"
    return Invalid(message, code="wrong_type", field=field, found=found, expected=expected)


def bad_file(message: str, found: Any, expected: str, field: str = "body") -> Invalid:
    return Invalid(message, code="bad_file", field=field, found=shown(found), expected=expected)


@dataclass
class Wrongs:
    """Wrong places of a file as they are found: the first ``TOLD`` by row and column, and how many in all."""

    told: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def add(self, row: int | None, column: str | None, found: Any, expected: str, message: str) -> None:
        self.count += 1
        if len(self.told) < TOLD:
            place = ", ".join(
                part for part in (row is not None and f"row {row}", column is not None and f"column {column}") if part
            )
            wrong = {"code": "bad_cell", "detail": message, "field": place or "body", "found": shown(found)}
            self.told.append(wrong | {"expected": expected})

    def more(self, count: int) -> None:
        """So many beyond those that were added."""
        self.count += count

    def refuse(self) -> None:
        """Raise ``Invalid`` (``bad_file``) with all that is told, if anything is."""
        if not self.count:
            return
        first: Mapping[str, Any] = self.told[0]
        error = Invalid(
            f"{self.count} places of the file are wrong; the first: {first['detail']}",
            code="bad_file",
            field=first["field"],
            found=first["found"],
            expected=first["expected"],
        )
        error.extra = {"errors": self.told}
        raise error
