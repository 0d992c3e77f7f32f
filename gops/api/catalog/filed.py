"""Rows of files through the one query of data: the same columns, filters, formats, pages and bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pyarrow as pa
from werkzeug.http import http_date

from gops.api import paging
from gops.api.blueprint import PREFIX
from gops.api.catalog.asking import POSITION, Asking, refuse_unknown_column
from gops.api.catalog.sources import DatasetSource, source
from gops.api.context import actor, services
from gops.catalog.filed.geojson_source import GEOMETRY
from gops.catalog.filed.model import DatasetFile
from gops.catalog.filed.types import GEOJSON
from gops.catalog.model import FILES
from gops.catalog.querying import cql
from gops.catalog.querying.forms import Form
from gops.catalog.querying.port import Ask, Column, Table
from gops.catalog.querying.stored import StoredTable
from gops.clock import from_micros
from gops.errors import Invalid

OF_LIVE = ("every", "aggregate", "quality", "thing", "property", "bbox")


@dataclass(frozen=True, kw_only=True)
class FileSource(DatasetSource):
    """A file of a dataset; no Datastreams are in it."""

    file: DatasetFile
    is_former: bool = False  # asof named it

    @cached_property
    def table(self) -> StoredTable:
        made: StoredTable = services().filed.table(self.file)
        return made

    def document(self, range_: Mapping[str, Any], rows: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
        file = {"file": self.file.name, "state": self.file.number}
        return {"dataset": self.name, **file, "snapshot": None, **range_, **rows}

    def headers(self, following: str | None) -> dict[str, str]:
        """Where the next page is, and with ``asof`` which state answers (a memento, RFC 7089)."""
        links = paging.link(following)
        if not self.is_former:
            return links
        address = f"{PREFIX}/datasets/{self.name}/files/{quote(self.file.name, safe='')}/states/{self.file.number}"
        memento = f'<{address}>; rel="memento"; datetime="{http_date(from_micros(self.file.at))}"'
        return {"Link": ", ".join([*links.values(), memento])}

    def about(self) -> dict[str, str]:
        return super().about() | {"file": self.file.name, "sha256": self.file.sha256}


def chosen(slug: str, query: Mapping[str, Any]) -> DatasetSource:
    """What a query of a dataset's data asks. Raises as ``sources.source`` and ``of_files`` do."""
    if query.get("asof") is not None and services().datasets.get(actor(), slug).kind == FILES:
        return of_files(source(slug, {**query, "asof": None}), query)
    return of_files(source(slug, query), query)


def of_files(origin: DatasetSource, query: Mapping[str, Any]) -> DatasetSource:
    """Where the dataset is one of files, its file that is asked for. Raises ``Invalid`` for what is of the other kind,
    ``NotFound`` for a file that is not there."""
    if origin.contents.dataset.kind != FILES:
        if "file" in query:
            _refuse("file", "of datasets of files", "no file: this dataset is live")
        return origin
    for name in OF_LIVE:
        if query.get(name) is not None:
            _refuse(name, "of live datasets", f"no {name}: this dataset is of files, filter does it")
    for name, field in (("start", "from"), ("end", "to")):
        if query.get(name) is not None:
            _refuse(field, "of live datasets", f"no {field}: this dataset is of files, filter does it")
    if query["shape"] == "wide":
        _refuse("shape", "of live datasets", "shape=long, or no shape")
    at = query.get("asof")
    file = services().filed.get(actor(), origin.name, query.get("file"), at=at).file
    version = (file.sha256, file.table_sha256, file.number)
    found = {"version": version, "facts": (*origin.facts, file.id), "file": file, "is_former": at is not None}
    return FileSource(**{**vars(origin), **found})


def asking(origin: FileSource, query: Mapping[str, Any], form: Form) -> Asking:
    """Raises ``Invalid``: ``unknown_column``, ``bad_filter``."""
    geometry = {one["name"] for one in origin.file.columns if one["type"] == GEOJSON}
    table = Zoned(origin.table, query["zone"], frozenset(geometry))
    where = cql.parse(query["filter"], table.columns, query["zone"]) if query.get("filter") else None
    known = {one.name: one for one in table.columns}
    shown = list(query.get("columns") or known)
    for name in shown:
        if name not in known:
            refuse_unknown_column(name, known)
    if form.key == "geojson":
        shown += [name for name in _placed(known, geometry) if name not in shown]
    return Asking(table, Ask(shown, where, query.get("order") == "desc", rows=form.rows))


def _placed(known: Mapping[str, Column], geometry: set[str]) -> list[str]:
    """The columns that say where a row is."""
    if geometry:
        return sorted(geometry)
    if set(POSITION) <= set(known) and all(pa.types.is_floating(known[name].type) for name in POSITION):
        return list(POSITION)
    message = "a row of this file has no position"
    raise Invalid(message, field="format", found="geojson", expected=f"{GEOMETRY}, or {' and '.join(POSITION)} in it")


def _refuse(field: str, what: str, expected: str) -> NoReturn:
    raise Invalid(f"{field} is {what}", code="of_live_datasets", field=field, expected=expected)


@dataclass(frozen=True)
class Zoned:
    """A table whose moments show the clock of ``zone``, and whose ``geometry`` is JSON and not text."""

    inner: Table
    zone: ZoneInfo
    geometry: frozenset[str]

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return tuple(self._column(one) for one in self.inner.columns)

    def at_most(self, ask: Ask, enough: int) -> int:
        return self.inner.at_most(ask, enough)

    def scan(self, ask: Ask) -> Iterator[pa.RecordBatch]:
        by_name = {one.name: one.field for one in self.columns}
        for batch in self.inner.scan(ask):
            wanted = pa.schema([by_name.get(field.name, field) for field in batch.schema])
            columns = [column.cast(field.type) for column, field in zip(batch.columns, wanted, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=wanted)

    def _column(self, one: Column) -> Column:
        kind = one.type
        zoned = pa.timestamp("us", self.zone.key) if pa.types.is_timestamp(kind) and kind.tz is not None else kind
        return replace(one, type=zoned, is_json=one.name in self.geometry)
