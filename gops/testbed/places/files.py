"""Sites in files: GeoJSON (RFC 7946) and CSV, read row by row and written so that reading gives the same again.

A CSV has one line a site: ``reference``, names, ``kind``, ``geometry`` (GeoJSON or well-known text), a column
``capacity.NAME`` for each resource, and the keys of ``places.details``: tags, bands and exemptions with ; between,
equipment, opening and micro as JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from gops import areas
from gops.errors import Invalid, Malformed
from gops.formats.cells import disarmed_name
from gops.testbed.model import Site
from gops.testbed.places import details

Form = Literal["geojson", "csv"]
PLAIN = ("reference", "name_ko", "name_en", "description", "kind")
LISTS, DOCUMENTS = ("tags", "bands", "exemptions"), ("equipment", "opening", "micro")
CAPACITY = "capacity."
MEDIA_TYPES: Mapping[str, Form] = {
    "application/geo+json": "geojson",
    "application/json": "geojson",
    "text/csv": "csv",
}


@dataclass(frozen=True)
class Row:
    """``place``: line 3, or features[2]. ``fields`` as ``Sites.create`` takes them, or what is ``wrong`` with it."""

    place: str
    fields: Mapping[str, Any]
    wrong: Invalid | None = None


def read(form: Form, data: bytes) -> list[Row]:
    """The rows of a file. Raises ``Malformed`` where it cannot be read at all."""
    return list(_features(data) if form == "geojson" else _lines(_text(data)))


def _features(data: bytes) -> Iterator[Row]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"the file is not JSON, at {where}", code="bad_json", field="file", found=where,
                        expected="a GeoJSON FeatureCollection") from error  # fmt: skip
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise Malformed("the file is no FeatureCollection", field="file", expected="a GeoJSON FeatureCollection")
    for at, feature in enumerate(features):
        place = f"features[{at}]"
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            yield Row(place, {}, _wrong("properties", "a Feature with properties"))
            continue
        unknown = sorted(set(properties) - {*PLAIN, "capacity", "details", "id", "state", "organisation"})
        if unknown:
            yield Row(place, {}, _wrong(unknown[0], "no such property", "unknown_field"))
            continue
        known = {name: properties[name] for name in (*PLAIN, "capacity", "details") if properties.get(name) is not None}
        yield Row(place, known | {"area": feature.get("geometry")})


def _lines(text: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = reader.fieldnames or []
        unknown = [name for name in header if not _known(name)]
        if unknown or len(set(header)) < len(header):
            raise Malformed(
                "the file has columns that no site has, or one twice", code="unknown_field", field="header",
                found=(unknown or header)[0][:80], expected="reference, name_ko, name_en, description, kind, geometry, "
                "capacity.NAME, " + ", ".join(details.EMPTY),
            )  # fmt: skip
        for cells in reader:
            yield _line(f"line {reader.line_num}", cells)
    except csv.Error as error:
        raise Malformed(f"the file is no CSV: {error}", field=f"line {reader.line_num}", expected="RFC 4180") from error


def _known(name: str) -> bool:
    return name in PLAIN or name in ("geometry", "id", "state") or name in details.EMPTY or name.startswith(CAPACITY)


def _line(place: str, cells: Mapping[Any, Any]) -> Row:
    if None in cells or None in cells.values():
        return Row(place, {}, _wrong("", "as many cells as the header has"))
    try:
        return Row(place, _fields({name: _plain(cell) for name, cell in cells.items() if cell.strip()}))
    except Invalid as error:
        return Row(place, {}, error)


def _fields(cells: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: cells[name] for name in PLAIN if name in cells}
    if "geometry" in cells:
        found["area"] = _geometry(cells["geometry"])
    capacity = {name.removeprefix(CAPACITY): _whole(name, cell) for name, cell in cells.items()
                if name.startswith(CAPACITY)}  # fmt: skip
    facts = {name: _fact(name, cells[name]) for name in details.EMPTY if name in cells}
    return found | ({"capacity": capacity} if capacity else {}) | ({"details": facts} if facts else {})


def _fact(name: str, cell: str) -> Any:
    if name in LISTS:
        return [word.strip() for word in cell.split(";") if word.strip()]
    return _json(name, cell) if name in DOCUMENTS else cell


def _geometry(cell: str) -> Any:
    return _json("geometry", cell) if cell.lstrip().startswith("{") else areas.of_wkt(cell, "geometry")


def _json(name: str, cell: str) -> Any:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError as error:
        raise _wrong(name, "JSON", "bad_json", cell) from error


def _whole(name: str, cell: str) -> int:
    digits = cell.strip().replace(",", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise _wrong(name, "a whole number", "invalid_value", cell)
    return int(digits)


def _text(data: bytes) -> str:
    """UTF-8, or CP949 as spreadsheets in Korea save it."""
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed("the file is no text", code="bad_text", field="file", expected="UTF-8 or CP949")


def _plain(cell: str) -> str:
    """Without the apostrophe that stands before what a spreadsheet would take for a formula."""
    return cell[1:] if cell[:1] == "'" and disarmed_name(cell[1:]) == cell else cell


def _wrong(field: str, expected: str, code: str = "invalid_value", found: str | None = None) -> Invalid:
    return Invalid(f"{field or 'the row'} is wrong", code=code, field=field or None, found=(found or "")[:80] or None,
                   expected=expected)  # fmt: skip


# writing


def write(form: Form, pages: Iterable[Sequence[Site]], resources: Sequence[str]) -> Iterator[bytes]:
    """The file in pieces, a page of sites each; ``resources`` are the columns of a CSV."""
    return _collection(pages) if form == "geojson" else _table(pages, resources)


def _collection(pages: Iterable[Sequence[Site]]) -> Iterator[bytes]:
    yield b'{"type":"FeatureCollection","features":['
    comma = b""
    for page in pages:
        written = b",".join(orjson.dumps(_feature(site)) for site in page)
        yield comma + written
        comma = b"," if written else comma
    yield b"]}\n"


def _feature(site: Site) -> dict[str, Any]:
    properties = {name: getattr(site, name) for name in PLAIN}
    more = {"id": site.id, "state": site.state, "capacity": site.capacity, "details": site.facts}
    return {"type": "Feature", "id": site.id, "geometry": site.geojson, "properties": properties | more}


def _table(pages: Iterable[Sequence[Site]], resources: Sequence[str]) -> Iterator[bytes]:
    names = ("id", "state", *PLAIN, "geometry", *(CAPACITY + name for name in resources), *details.EMPTY)
    yield (",".join(names) + "\r\n").encode()
    for page in pages:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([_cells(site, resources) for site in page])
        yield text.getvalue().encode()


def _cells(site: Site, resources: Sequence[str]) -> list[Any]:
    facts = site.facts
    texts = [disarmed_name(str(getattr(site, name) or "")) for name in PLAIN]
    return [
        site.id,
        site.state,
        *texts,
        orjson.dumps(site.geojson).decode(),
        *(site.capacity.get(name, "") for name in resources),
        *(_cell(name, facts[name]) for name in details.EMPTY),
    ]


def _cell(name: str, value: Any) -> str:
    if name in LISTS:
        return disarmed_name(";".join(value))
    if name in DOCUMENTS:
        return orjson.dumps(value).decode() if value else ""
    return disarmed_name(value)
