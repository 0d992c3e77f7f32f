"""Rows as JSON objects, from columns: one a line (NDJSON), as an array, or as features of GeoJSON (RFC 7946)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gops.formats.cells import Shown, is_number, is_text, moments, shown, texts, words
from gops.formats.weaving import Piece, Words, woven

BROKEN = b'{"broken_off":"this file is not whole'
LONGITUDE, LATITUDE, GEOMETRY = "longitude", "latitude", "geometry"
NULL = "null"


def ndjson(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """An object a line."""
    columns = shown(schema)
    for batch in batches:
        if batch.num_rows:
            yield woven([*members(columns, batch), "\n"], NULL)


def rows(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> bytes:
    """All rows as an array: for pages."""
    columns = shown(schema)
    parts = [woven([*members(columns, batch), ","], NULL) for batch in batches if batch.num_rows]
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
        geometry = [Words.of(found[0])] if has_geometry else _points(*found)
        pieces = ['{"type":"Feature","geometry":', *geometry, ',"properties":', *members(plain, batch), "},"]
        yield comma + woven(pieces, NULL)[:-1]
        comma = b","
    yield b"]}"


def members_of(about: Mapping[str, str]) -> bytes:
    """Members of an object, with a comma after each."""
    return b"".join(orjson.dumps(name) + b":" + orjson.dumps(text) + b"," for name, text in about.items())


def _points(longitude: pa.Array, latitude: pa.Array) -> list[Piece]:
    begin, end = '{"type":"Point","coordinates":[', "]}"
    if not longitude.null_count and not latitude.null_count:
        return [begin, words(longitude, texts), ",", words(latitude, texts), end]
    return [Words.of(pc.binary_join_element_wise(begin, texts(longitude), ",", texts(latitude), end, ""))]


def members(columns: Sequence[Shown], batch: pa.RecordBatch) -> list[Piece]:
    """An object of each row, in pieces."""
    pieces: list[Piece] = []
    for one in columns:
        name = orjson.dumps(one.name).decode()
        pieces += [f"{',' if pieces else '{'}{name}:", *_value(one, batch)]
    return [*pieces, "}"] if pieces else ["{}"]


def _value(one: Shown, batch: pa.RecordBatch) -> list[Piece]:
    column = batch.column(one.place)
    if one.other is None or batch.column(one.other).null_count == batch.num_rows:
        parts = moments(column)
        return ['"', *parts, '"'] if parts is not None else [_words(column, one.is_json)]
    return [_words(batch.column(one.other)).or_else(_words(column, one.is_json))]


def _words(column: pa.Array, is_json: bool = False) -> Words:
    return words(column, texts if is_json else _json)


def _json(column: pa.Array) -> pa.Array:
    """The JSON of each value; null stays null."""
    kind = column.type
    if is_text(kind):
        return _texts(column)
    if is_number(kind) or pa.types.is_boolean(kind):
        return texts(column)
    if pa.types.is_timestamp(kind):
        return pc.binary_join_element_wise('"', texts(column), '"', "")
    return _texts(column if pa.types.is_nested(kind) else texts(column))


def _texts(column: pa.Array) -> pa.Array:
    return pa.array([None if one is None else orjson.dumps(one).decode() for one in column.to_pylist()], pa.string())
