"""Where municipalities lie: polygons of a file that ``GOPS_SEARCH_BOUNDARIES`` names. None are in the package.

With them a dataset is found under the municipality in which the centre of its box lies, besides those that its title,
keywords or publisher name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from gops.catalog.search.columns import Places
from gops.catalog.search.synonyms import place_of
from gops.errors import BadSetting, Invalid
from gops.settings import Settings

SETTING = "GOPS_SEARCH_BOUNDARIES"
BYTES = 64 * 1024 * 1024
EXPECTED = "a GeoJSON FeatureCollection of polygons, of which a property is a municipality's name: 수원시 or Suwon"


def places_of(settings: Settings) -> Places | None:
    """What ``Search`` needs; None without a file. The file is read now, shapely loaded at the first search."""
    if not settings.search_boundaries:
        return None
    polygons = read(Path(settings.search_boundaries))
    inside: list[Callable[[Sequence[tuple[float, float]]], list[list[str]]]] = []

    def places(boxes: Sequence[Any]) -> list[list[str]]:
        if not inside:
            from gops import areas

            inside.append(areas.inside(polygons))
        at = [index for index, box in enumerate(boxes) if box]
        centres = [((boxes[one][0] + boxes[one][2]) / 2, (boxes[one][1] + boxes[one][3]) / 2) for one in at]
        found: list[list[str]] = [[] for _ in boxes]
        for index, names in zip(at, inside[0](centres), strict=True):
            found[index] = names
        return found

    return places


def read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The geometry of each municipality that the file has. Raises ``BadSetting``."""
    try:
        if path.stat().st_size > BYTES:
            raise _bad(f"{path} is larger than {BYTES // 1024**2} MB")
        features = orjson.loads(path.read_bytes())["features"]
        named = [(_place(one["properties"]), one["geometry"]) for one in features]
    except OSError as error:
        raise _bad(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise _bad(f"{path} is no FeatureCollection") from error
    found = {name: geometry for name, geometry in named if name}
    if not found:
        raise _bad(f"{path} has no polygon of a municipality")
    for name, geometry in found.items():
        _check(path, name, geometry)
    return found


def _check(path: Path, name: str, geometry: Any) -> None:
    from gops import areas

    try:
        areas.inside({name: geometry})
    except Invalid as error:
        raise _bad(f"{path}: {name}: {error.message}") from error


def _place(properties: Mapping[str, Any]) -> str | None:
    names = (place_of(value) for value in properties.values() if isinstance(value, str))
    return next((name for name in names if name), None)


def _bad(message: str) -> BadSetting:
    return BadSetting(f"{SETTING}: {message}", field=SETTING, expected=EXPECTED)
