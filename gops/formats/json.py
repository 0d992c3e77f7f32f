"""Rows as JSON objects, from columns: one a line (NDJSON), as an array, or as features of GeoJSON (RFC 7946)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gops.formats.cells import Shown, few, is_number, is_text, joined, shown, texts

BROKEN = b'{"broken_off":"this file is not whole'
LONGITUDE, LATITUDE, GEOMETRY = "longitude", "latitude", "geometry"
Pieces = list[pa.Array | str]


def ndjson(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """An object a line."""
    columns = shown(schema)
    for batch in batches:
        if batch.num_rows:
            yield joined([*members(columns, batch), "\n"])


def rows(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> bytes:
    """All rows as an array: for pages."""
    columns = shown(schema)
    parts = [joined([*members(columns, batch), ","]) for batch in batches if batch.num_rows]
    return b"[" + b"".join(parts)[:-1] + b"]"


@dataclass(frozen=True, slots=True)
class Feature:
    """What stands at the head of a collection, beside its type: members as JSON."""

    head: bytes = b""


def geojson(schema: pa.Schema, batches: Iterator[pa.RecordBatch], feature: Feature) -> Iterator[bytes]:
    """A FeatureCollection: a row is a Point at ``longitude`` and ``latitude``, null without; the rest are properties.
    A column ``geometry`` that is JSON stands for both.

    What breaks off lacks its end, so it is no JSON.
    """
    columns = shown(schema)
    places = {one.name: one.place for one in columns}
    has_geometry = any(one.name == GEOMETRY and one.is_json for one in columns)
    placing = (GEOMETRY,) if has_geometry else (LONGITUDE, LATITUDE)
    plain = [one for one in columns if one.name not in placing]
    yield b'{"type":"FeatureCollection",' + feature.head + b'"features":['
    comma = b""
    for batch in batches:
        if not batch.num_rows:
            continue
        found = [batch.column(places[name]) for name in placing]
        geometry = pc.fill_null(found[0], "null") if has_geometry else _points(*found)
        pieces = ['{"type":"Feature","geometry":', geometry, ',"properties":', *members(plain, batch), "},"]
        yield comma + joined(pieces)[:-1]
        comma = b","
    yield b"]}"


def members_of(about: Mapping[str, str]) -> bytes:
    """Members of an object, with a comma after each."""
    return b"".join(orjson.dumps(name) + b":" + orjson.dumps(text) + b"," for name, text in about.items())


def _points(longitude: pa.Array, latitude: pa.Array) -> pa.Array:
    begin, end = '{"type":"Point","coordinates":[', "]}"
    known = pc.binary_join_element_wise(begin, texts(longitude), ",", texts(latitude), end, "")
    return pc.fill_null(known, "null")


def members(columns: Sequence[Shown], batch: pa.RecordBatch) -> Pieces:
    """An object of each row, in pieces."""
    pieces: Pieces = []
    for one in columns:
        name = orjson.dumps(one.name).decode()
        pieces += [f"{',' if pieces else '{'}{name}:", _value(one, batch)]
    return [*pieces, "}"] if pieces else ["{}"]


def _value(one: Shown, batch: pa.RecordBatch) -> pa.Array:
    cells = batch.column(one.place) if one.is_json else _json(batch.column(one.place))
    if one.other is not None and batch.column(one.other).null_count < batch.num_rows:
        cells = pc.coalesce(_json(batch.column(one.other)), cells)
    return pc.fill_null(cells, "null")


def _json(column: pa.Array) -> pa.Array:
    """The JSON of each value; null stays null."""
    kind = column.type
    if is_text(kind):
        words = few(column)
        return _texts(column) if words is None else _texts(words.dictionary).take(words.indices)
    if is_number(kind):
        return texts(column)
    if pa.types.is_boolean(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return pc.binary_join_element_wise('"', texts(column), '"', "")
    if pa.types.is_nested(kind):
        return _texts(column)
    return _texts(texts(column))


def _texts(column: pa.Array) -> pa.Array:
    return pa.array([None if one is None else orjson.dumps(one).decode() for one in column.to_pylist()], pa.string())
