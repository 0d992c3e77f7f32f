"""GeoJSON (RFC 7946): a feature is a row, its properties are columns.

Where all geometries are points, or null, they become ``longitude`` and ``latitude``; otherwise ``geometry`` holds each
as GeoJSON text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from gops.catalog.filed import geometry, names
from gops.catalog.filed.bounds import Bounds, Wrongs, bad_file, too_large, wrong_type
from gops.catalog.filed.source import BATCH, Source

LONGITUDE, LATITUDE, GEOMETRY = "longitude", "latitude", "geometry"
EXPECTED = "a FeatureCollection of RFC 7946"
Texts = dict[str, str | None]


def source(file: BinaryIO, bounds: Bounds) -> Source:
    """Raises ``Invalid`` (``bad_file``, ``wrong_type``), ``TooLarge``."""
    features = _features(file, bounds)
    wrongs, box = Wrongs(), [180.0, 90.0, -180.0, -90.0]
    columns: dict[str, None] = {}
    for row, feature in enumerate(features, 1):
        bounds.check_time()
        _check(feature, row, box, wrongs)
        columns |= dict.fromkeys(feature["properties"] or {} if _has_members(feature) else {})
        bounds.check_columns(len(columns))
    wrongs.refuse()
    are_points = all(one["geometry"] is None or _is_flat_point(one["geometry"]) for one in features)
    placed = [LONGITUDE, LATITUDE] if are_points else [GEOMETRY]
    header = names.checked([*columns, *placed], bounds)
    bounds.check_rows(len(features), len(header))
    textual = {
        name.strip() for name in columns for one in features if isinstance((one["properties"] or {}).get(name), str)
    }
    return Source(
        header,
        lambda: _batches(features, list(columns), header, are_points),
        wrongs,
        "utf-8",
        textual,
        set() if are_points else {GEOMETRY},
        box if box[0] <= box[2] else None,
    )


def _features(file: BinaryIO, bounds: Bounds) -> list[dict[str, Any]]:
    file.seek(0)
    body = file.read(bounds.json + 1).removeprefix(b"\xef\xbb\xbf")
    if len(body) > bounds.json:
        too_large("bytes of GeoJSON", len(body), bounds.json, "GOPS_UPLOAD_JSON_BYTES")
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        expected = "JSON in UTF-8; NaN and Infinity are none"
        place = f"line {error.lineno}"
        raise bad_file(f"the JSON cannot be read: {error.msg}", place, expected, place) from error
    if not isinstance(read, dict) or read.get("type") != "FeatureCollection":
        found = read.get("type", "another object") if isinstance(read, dict) else "a list"
        raise wrong_type(f"JSON: {found}", EXPECTED)
    features = read.get("features")
    if not isinstance(features, list) or not features:
        raise bad_file("there are no features", features, f"{EXPECTED} with features", "features")
    return features


def _has_members(feature: Any) -> bool:
    return isinstance(feature, dict) and isinstance(feature.get("properties"), dict | None)


def _check(feature: Any, row: int, box: list[float], wrongs: Wrongs) -> None:
    if not _has_members(feature) or feature.get("type") != "Feature":
        wrongs.add(row, None, feature, "a Feature with geometry and properties", f"feature {row} is none")
        return
    feature.setdefault("properties", None)
    feature.setdefault("geometry", None)
    if feature["geometry"] is None:
        return
    try:
        geometry.read(feature["geometry"], box)
    except geometry.Wrong as error:
        found, expected = error.args
        wrongs.add(row, GEOMETRY, found, expected, f"the geometry of feature {row} is wrong")


def _is_flat_point(found: dict[str, Any]) -> bool:
    return found["type"] == "Point" and len(found["coordinates"]) == 2


def _batches(
    features: list[dict[str, Any]], columns: list[str], header: list[str], are_points: bool
) -> Iterator[pa.RecordBatch]:
    for begin in range(0, len(features), BATCH):
        some = features[begin : begin + BATCH]
        arrays = [
            pa.array([_text((one["properties"] or {}).get(name)) for one in some], pa.string()) for name in columns
        ]
        if are_points:
            spots = [(one["geometry"] or {"coordinates": (None, None)})["coordinates"] for one in some]
            arrays += [pa.array([None if spot[at] is None else float(spot[at]) for spot in spots], pa.float64())
                       for at in (0, 1)]  # fmt: skip
        else:
            arrays.append(pa.array([_text(one["geometry"]) for one in some], pa.string()))
        yield pa.RecordBatch.from_arrays(arrays, names=header)


def _text(value: Any) -> str | None:
    match value:
        case None | "":
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
    return orjson.dumps(value).decode()
