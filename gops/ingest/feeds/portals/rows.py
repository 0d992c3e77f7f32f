"""Rows of a page as columns of readings, by the table of a config. Pure, and never raises."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gops.errors import Invalid
from gops.geo import Point, point
from gops.ingest.declared import clocks
from gops.ingest.decoded import Value
from gops.ingest.feeds.answers import Sample, Station, field_name
from gops.ingest.feeds.documents import at
from gops.ingest.feeds.portals.table import Column, Table
from gops.ingest.refused import Refused, Unreadable, shown
from gops.quality import Quality

KEY_LENGTH = 160
FACT_LENGTH = 200
LARGEST = 2**63
_NUMBER = re.compile(r"[+-]?(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.\d{1,15})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d{1,15}(?:,\d{1,15})?", re.ASCII)
Row = Mapping[str, Any]


def sample(table: Table, rows: Sequence[Row], arrival: int, made: int | None = None) -> Sample:
    """``made`` is the moment that the page as a whole says it is of; ``arrival`` is when it came. Microseconds."""
    found = Sample(columns={str(name) for row in rows for name in row})
    if table.long is not None:
        name, value = table.long
        rows = [row | {str(row.get(name)): row.get(value)} for row in map(dict, rows)]
        found.columns |= {str(row.get(name)) for row in rows}
    if rows:
        found.absent = {
            _spelled(one) for one in table.columns if not any(_has(row, name) for row in rows for name in one.names)
        }
        found.absent |= {name for name in table.when.fields if not any(_has(row, name) for row in rows)}
    for index, row in enumerate(rows):
        if all(str(cell(row, name)) in values for name, values in (table.only or {}).items()):
            _add(found, table, index, row, arrival, made)
        else:
            found.skipped += 1
    return found


def cell(row: Row, name: str) -> Any:
    """A column; in a row that holds objects, by its path."""
    return row[name] if name in row else at(row, name) if "." in name else None


def _has(row: Row, name: str) -> bool:
    return name in row or ("." in name and at(row, name) is not None)


def _spelled(one: Column) -> str:
    return " or ".join(one.names)


def _add(found: Sample, table: Table, index: int, row: Row, arrival: int, made: int | None) -> None:
    place = f"rows[{index}]"
    station = station_of(table, row)
    if station is None:
        name = (*table.where.id, table.where.name)[0]
        note = f"found {shown(cell(row, name))}; expected what tells Things apart"
        found.decoded.refusals.append(Refused("missing_member", None, f"{place}.{name}", note, len(table.columns)))
        return
    cells = {one.property: _read(found, one, row, table.comma) for one in table.columns if _any(row, one)}
    said = {key for key, (value, quality) in cells.items() if value is not None or quality is not None}
    try:
        t = _time(table, row, arrival if made is None else made)
    except Unreadable as trouble:
        if said:
            where = f"{place}.{' '.join(table.when.fields)}"
            found.decoded.refusals.append(Refused(trouble.code, None, where, trouble.note, len(said)))
        else:
            found.skipped += 1
        return
    if table.stale is not None and t < arrival - table.stale:
        found.skipped += 1
        return
    found.stations[station.key] = station
    for key, (value, quality) in cells.items():
        _put(found, place, station.key, key, value, quality, t)


def _any(row: Row, one: Column) -> bool:
    return any(_has(row, name) for name in one.names)


def _put(
    found: Sample, place: str, station: str, key: str, value: Value | Unreadable, quality: int | None, t: int
) -> None:
    decoded, name = found.decoded, field_name(station, key)
    if isinstance(value, Unreadable):
        decoded.refusals.append(Refused(value.code, name, f"{place}.{key}", value.note))
        return
    if value is not None or quality is not None:
        found.known.add((station, key))
    decoded.spans.append((len(decoded.fields), f"{place}: "))
    decoded.fields.append(name)
    decoded.values.append(value)
    decoded.times.append(t)
    decoded.qualities.append(quality)
    decoded.result_times.append(None)


def station_of(table: Table, row: Row) -> Station | None:
    """The Thing of a row; None where nothing tells it from others."""
    where = table.where
    ids = [_text(cell(row, name)) for name in where.id]
    name = _text(cell(row, where.name)) if where.name else ""
    key = where.called or (" ".join(ids) if all(ids) and ids else "" if ids else name)
    if not key:
        return None
    facts = {one: _text(cell(row, one)) for one in where.facts}
    facts = {one: text[:FACT_LENGTH] for one, text in facts.items() if text}
    if ids and not where.called:
        facts["code"] = key[:FACT_LENGTH]
    place = place_of(cell(row, where.longitude), cell(row, where.latitude)) if where.latitude else None
    return Station(key[:KEY_LENGTH], name or key, None, facts, "" if where.called else name[:FACT_LENGTH], place)


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def place_of(longitude: Any, latitude: Any) -> Point | None:
    """A place on the earth; None for what is none, and for 0, 0, which portals write for "not known"."""
    try:
        found = point(read_number(longitude, False), read_number(latitude, False))
    except (Invalid, Unreadable):
        return None
    return None if (found.longitude, found.latitude) == (0.0, 0.0) else found


def _time(table: Table, row: Row, otherwise: int) -> int:
    when = table.when
    if not when.fields:
        return otherwise
    cells = [cell(row, name) for name in when.fields]
    raw = cells[0] if len(cells) == 1 else " ".join(_text(one) for one in cells)
    raw = str(raw) if isinstance(raw, int) and when.format not in clocks.NUMBERS else raw
    return clocks.read(raw.strip() if isinstance(raw, str) else raw, when.format, when.zone)


def _read(found: Sample, one: Column, row: Row, comma: bool) -> tuple[Value | Unreadable, int | None]:
    """The value of a column, why it is none, or None for missing; and the quality that its flag says."""
    raw = next(cell(row, name) for name in one.names if _has(row, name))
    raw = raw.strip() if isinstance(raw, str) else raw
    quality = _quality(found, one, row)
    if raw is None or is_missing(raw, one):
        return None, quality
    if one.measured.kind == "state":
        return (raw if isinstance(raw, str | int | float) else Unreadable("wrong_type", f"found {shown(raw)}")), quality
    try:
        return read_number(raw, comma) * one.scale + one.offset, quality
    except Unreadable as trouble:
        return trouble, quality


def is_missing(raw: Any, one: Column) -> bool:
    """``-999`` is missing as a number and as a text; ``0`` is missing where the table says so."""
    if not isinstance(raw, str | int | float) or isinstance(raw, bool):
        return False
    if raw in one.missing:
        return True
    if isinstance(raw, str):
        try:
            return any(not isinstance(no, str | bool) and float(raw) == no for no in one.missing)
        except ValueError:
            return False
    return False


def _quality(found: Sample, one: Column, row: Row) -> int | None:
    word = _text(cell(row, one.flag)) if one.flag else ""
    if not word or word == "-":
        return None
    known = (one.flags or {}).get(word)
    if known is None:
        found.drift.add(f"{one.flag} is {shown(word)}")
        return int(Quality.suspect)
    return known


def read_number(value: Any, comma: bool) -> float:
    """A finite number, also as text; ``1,234.5`` groups its digits, with a decimal ``comma`` there is no grouping.

    Raises ``Unreadable``.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:
        return float(value)  # NaN is not less than anything
    text = value.strip() if isinstance(value, str) else ""
    if comma and _COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    if not comma and _NUMBER.fullmatch(text):
        number = float(text.replace(",", ""))
        if math.isfinite(number):
            return number
    raise Unreadable("wrong_type", f"found {shown(value)}; expected a number")
