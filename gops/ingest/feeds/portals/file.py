"""A file by its address: CSV, JSON, lines of JSON, or GeoJSON; in UTF-8 or CP949, as Korean portals give them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gops.ingest.declared.sections import Section, wrong
from gops.ingest.feeds import documents
from gops.ingest.feeds.answers import Failure, Page, Sample
from gops.ingest.feeds.portals import asking, rows, table
from gops.ingest.feeds.source import Source
from gops.ingest.refused import Refused

FORMATS = ("csv", "json", "ndjson", "geojson")
ENCODINGS = ("auto", "utf-8", "cp949")
LONGITUDE, LATITUDE = "@longitude", "@latitude"
COLUMNS = 500
LINES = 20  # before the header


class File(Source):
    """``config``: ``url`` (its query may hold anything but the key), ``parameters``, ``each``, ``lag``, ``zone`` (see
    ``asking``); ``key_parameter`` or ``key_header`` where the host wants a key; ``format``; ``encoding``; of CSV
    ``delimiter``, ``skip`` (lines before the header) and ``columns`` (where it has no header); of JSON ``rows`` (path);
    and a ``table``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        self._url = given.text("url", None, asking.URL_LENGTH)
        self._parameters = asking.parameters(given)
        self._key = given.text("key_parameter", "", 64)
        self._header = given.text("key_header", "", 64)
        self._format = given.one_of("format", FORMATS)
        self._encoding = given.one_of("encoding", ENCODINGS, "auto")
        self._delimiter = "\t" if given.get("delimiter") == "\t" else given.text("delimiter", ",", 1)
        self._skip = _skip(given)
        self._columns = given.words("columns", COLUMNS)
        self._rows = given.text("rows", "", 200)
        self._table = _placed(table.parse(given, "file"), self._format)
        given.done()
        if self._header and not self._header.replace("-", "").isalnum():
            raise wrong("config.key_header", self._header, "the name of a header, such as X-Api-Key")
        self.config = dict(config)
        self.measured = self._table.measured
        self.queries = self._parameters.queries

    def url(self, query: str, page: int, key: str, now: int) -> str:
        asked: dict[str, object] = {self._key: asking.plain_key(key)} if key and self._key else {}
        return asking.joined(self._url, asked | self._parameters.of(query, now))

    def headers(self, key: str) -> Mapping[str, str]:
        return {self._header: key} if key and self._header else {}

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        if status != 200:
            return documents.mute(status, "refused", "the file is not given")
        text = self._text(body)
        if text is None:
            return Failure(
                "unreadable", "bad_encoding", f"the file is not {self._encoding}, or neither UTF-8 nor CP949"
            )
        if not text.strip():
            return Failure("unreadable", "empty_body", "the file is empty")
        if self._format == "csv":
            return self._of_csv(text)
        if self._format == "ndjson":
            return _of_lines(text)
        return self._of_json(text)

    def _text(self, body: bytes) -> str | None:
        for encoding in ("utf-8-sig", "cp949") if self._encoding == "auto" else (self._encoding,):
            try:
                return body.decode("utf-8-sig" if encoding == "utf-8" else encoding)
            except UnicodeDecodeError:
                continue
        return None

    def _of_csv(self, text: str) -> Page | Failure:
        if documents.is_html(text):
            return Failure("unreadable", "html", "the answer is a page of HTML")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter)
        try:
            for _ in range(self._skip):
                next(reader, None)
            names = self._columns or [name.strip() for name in next(reader, [])]
            if len(set(names)) != len(names):
                return Failure("unreadable", "bad_header", "a name stands in the header twice")
            found, refused = _numbered(reader, names)
        except csv.Error as error:
            return Failure("unreadable", "bad_csv", f"line {reader.line_num} is no CSV: {error}")
        return Page(found, len(found), refused=refused)

    def _of_json(self, text: str) -> Page | Failure:
        found = documents.opened(200, text.encode())
        if isinstance(found, Failure):
            return found
        if self._format == "geojson":
            features = documents.rows_of(documents.at(found, self._rows or "features"))
            read: Sequence[Mapping[str, Any]] | None = None if features is None else [_flat(one) for one in features]
            absent = not isinstance(found, dict) or "features" not in found
        else:
            inside = documents.at(found, self._rows)
            read, absent = documents.rows_of(inside), inside is None
        if read is None or (absent and not (self._rows and read)):
            where = self._rows or ("features" if self._format == "geojson" else "the top")
            return Failure("unreadable", "unknown_shape", f"there is no list of objects at {where}")
        return Page(read, len(read))

    def is_last(self, page: Page, seen: int) -> bool:
        return True

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        each = self._parameters.each[0]
        known = [{each: query} | dict(row) for row in page.rows] if each else page.rows
        found = rows.sample(self._table, known, arrival)
        found.decoded.refusals.extend(page.refused)
        return found


def _skip(given: Section) -> int:
    found = given.get("skip", 0)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= LINES:
        raise wrong(given.at("skip"), found, f"a whole number from 0 to {LINES}")
    return found


def _placed(made: table.Table, form: str) -> table.Table:
    """Features of GeoJSON say themselves where they are."""
    if form != "geojson" or made.where.latitude:
        return made
    return replace(made, where=replace(made.where, latitude=LATITUDE, longitude=LONGITUDE))


def _numbered(reader: Iterator[list[str]], names: Sequence[str]) -> tuple[list[dict[str, str]], tuple[Refused, ...]]:
    found: list[dict[str, str]] = []
    refused: list[Refused] = []
    for number, cells in enumerate(reader, 1):
        if len(cells) == len(names):
            found.append(dict(zip(names, cells, strict=True)))
        elif any(cell.strip() for cell in cells):
            note = f"found {len(cells)} cells; expected {len(names)}, as in the header"
            refused.append(Refused("bad_line", None, f"row {number}", note))
    return found, tuple(refused)


def _of_lines(text: str) -> Page | Failure:
    if documents.is_html(text):
        return Failure("unreadable", "html", "the answer is a page of HTML")
    found: list[dict[str, Any]] = []
    refused: list[Refused] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = orjson.loads(line) if line.strip() else {}
        except orjson.JSONDecodeError:
            row = None
        if isinstance(row, dict):
            found.extend([row] if row else [])
        else:
            refused.append(Refused("bad_json", None, f"line {number}", "expected one JSON object a line"))
    if not found:
        return Failure("unreadable", "bad_json", "no line is a JSON object")
    return Page(found, len(found), refused=tuple(refused))


def _flat(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """Properties of a feature, its id, and the place of a point (RFC 7946: longitude first)."""
    inside = feature.get("properties")
    plain = dict(inside) if isinstance(inside, dict) else {}
    if "id" in feature:
        plain.setdefault("id", feature["id"])
    is_point = documents.at(feature, "geometry.type") == "Point"
    at = documents.at(feature, "geometry.coordinates") if is_point else None
    pair = at[:2] if isinstance(at, list) and len(at) >= 2 else (None, None)
    return plain | {LONGITUDE: pair[0], LATITUDE: pair[1]}
