"""Rows of a CSV file as readings, in a stream: the file is never held as a whole."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from gops.errors import Invalid, Malformed
from gops.ingest.csv_mapping import NUMBERED, CsvMapping, TimeColumns
from gops.ingest.decoders.times import instant
from gops.ingest.refused import Unreadable, shown

CHUNK_BYTES = 1 << 20
MOST_PROBLEMS = 100
SINCE_1970 = {"ms": 1, "s": 1000}
_number = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII).fullmatch


@dataclass(frozen=True)
class Problem:
    """A cell that was left out. ``line`` is the line in the file, the header's is 1."""

    line: int
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column!r}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Row:
    """``t`` in microseconds; numbers, texts, or None for missing."""

    line: int
    t: int
    values: dict[str, float | str | None]


@dataclass
class Found:
    """What reading a file showed: its rows and readings, first and last time, and the first of the ``problems``."""

    rows: int = 0
    readings: int = 0
    first: int | None = None
    last: int | None = None
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows += 1
        self.readings += len(row.values)
        self.first = row.t if self.first is None else min(self.first, row.t)
        self.last = row.t if self.last is None else max(self.last, row.t)

    def note(self, problem: Problem) -> None:
        self.problem_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


class CsvFile:
    """A file and its mapping. ``encoding`` is what it is read as; ``note`` says so when that is the fallback.

    Raises ``Invalid`` for a file that cannot be opened, ``Malformed`` for one in neither encoding.
    """

    def __init__(self, path: Path, mapping: CsvMapping) -> None:
        self.path = path
        self.mapping = mapping
        self.note = ""
        self.encoding = mapping.encoding
        try:
            at = _undecodable(path, mapping.encoding)
            if at is not None and mapping.fallback is not None and _undecodable(path, mapping.fallback) is None:
                self.encoding = mapping.fallback
                self.note = f"byte {at} of {path.name} is not {mapping.encoding}; the file was read as {self.encoding}"
                at = None
        except OSError as error:
            raise Invalid(f"{path} cannot be read: {error.strerror}", field="file", found=str(path)) from error
        if at is not None:
            tried = mapping.encoding if mapping.fallback is None else f"{mapping.encoding} or {mapping.fallback}"
            raise Malformed(
                f"byte {at} of {path.name} is not {mapping.encoding}",
                field="file.encoding",
                expected=f"text in {tried}",
            )

    def rows(self, found: Found) -> Iterator[Row]:
        """The rows that have a time, in the file's order; what is wrong goes to ``found``.

        Raises ``Invalid`` (``bad_header``) when a column of the mapping is not there or the other way round.
        """
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        with self.path.open(encoding=encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self.mapping.delimiter)
            try:
                header = [name.strip() for name in next(reader, [])]
                _check_header(header, self.mapping)
                for cells in reader:
                    row = self._row(header, cells, reader.line_num, found)
                    if row is not None:
                        found.add(row)
                        yield row
            except csv.Error as error:
                raise Malformed(f"line {reader.line_num} of {self.path.name} is no CSV", field="file") from error

    def _row(self, header: Sequence[str], cells: Sequence[str], line: int, found: Found) -> Row | None:
        if not cells:
            return None
        if len(cells) != len(header):
            found.note(Problem(line, "", f"{len(cells)} cells", f"{len(header)}, as in the header"))
            return None
        by_name = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        try:
            t = _time(by_name, self.mapping.time)
        except Unreadable as trouble:
            found.note(Problem(line, self.mapping.time.column, shown(by_name[self.mapping.time.column]), trouble.note))
            return None
        values: dict[str, float | str | None] = {}
        for column, goal in (*self.mapping.numbers.items(), *self.mapping.texts.items()):
            cell = by_name[column]
            if cell in self.mapping.missing:
                if self.mapping.send_missing:
                    values[goal] = None
            elif column in self.mapping.texts:
                values[goal] = cell
            else:
                number = _parse(cell, self.mapping)
                if number is None:
                    found.note(Problem(line, column, shown(cell), "a number"))
                else:
                    values[goal] = number
        return Row(line, t, values)


def _undecodable(path: Path, encoding: str) -> int | None:
    """Where the first byte stands that does not fit; None when all do."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK_BYTES)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                return done - held + int(getattr(error, "start", 0))
            done += len(chunk)
            if not chunk:
                return None


def _check_header(header: Sequence[str], mapping: CsvMapping) -> None:
    named = ", ".join(header) or "nothing"
    for column in mapping.columns:
        if header.count(column) != 1:
            often = "not in" if column not in header else "more than once in"
            raise Invalid(
                f"the column {column!r} of the mapping is {often} the file; its header has: {named}",
                code="bad_header",
                field=column,
                found=named,
                expected=f"one column {column!r}",
            )
    others = [] if "*" in mapping.ignore else [name for name in header if name not in mapping.columns]
    if others:
        raise Invalid(
            f"the file has a column {others[0]!r} that the mapping does not name",
            code="bad_header",
            field=others[0],
            found=named,
            expected=f"it under [numbers], [texts] or ignore of [columns]; named are: {', '.join(mapping.columns)}",
        )


def _time(cells: dict[str, str], time: TimeColumns) -> int:
    """Microseconds. Raises ``Unreadable``."""
    text = cells[time.column]
    if time.format == "iso":
        return instant(text, time.zone)
    if time.format in NUMBERED:
        if not _number(text):
            raise Unreadable("bad_time", f"a number of {time.format} since 1970")
        return instant(float(text) * SINCE_1970[time.format], None)
    hours = 0
    if time.hour is not None:
        written = cells[time.hour]
        if not (written.isascii() and written.isdigit() and int(written[:3]) <= 24):
            raise Unreadable("bad_time", f"an hour from 0 to 24 in column {time.hour!r}, not {shown(written)}")
        hours = int(written)
    try:
        wall = _strptime(text, time.format) + timedelta(hours=hours)
    except (ValueError, OverflowError) as error:
        raise Unreadable("bad_time", f"a time as {time.format}") from error
    return instant(wall.isoformat(), time.zone)


_strptime = lru_cache(maxsize=1024)(datetime.strptime)  # hours of one day are many rows


def _parse(cell: str, mapping: CsvMapping) -> float | None:
    text = cell.replace(mapping.thousands, "") if mapping.thousands else cell
    if mapping.decimal != ".":
        if "." in text:
            return None
        text = text.replace(mapping.decimal, ".")
    if not _number(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None
