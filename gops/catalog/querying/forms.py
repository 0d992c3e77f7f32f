"""The representations of data: media types, and which of them are whole files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from gops.formats import csv, json, parquet, xlsx


@dataclass(frozen=True, slots=True)
class Form:
    """``rows`` of a batch, which is a row group of Parquet; ``broken`` ends what breaks off on the way."""

    key: str
    media_type: str
    suffix: str
    rows: int = 65_536
    broken: bytes = b""

    @property
    def content_type(self) -> str:
        return "text/csv; charset=utf-8; header=present" if self.key == "csv" else self.media_type


FORMS: Mapping[str, Form] = {
    one.key: one
    for one in (
        Form("json", "application/json", "json"),
        Form("csv", "text/csv", "csv", broken=csv.BROKEN),
        Form("parquet", "application/vnd.apache.parquet", "parquet", rows=131_072),
        Form("ndjson", "application/x-ndjson", "ndjson", rows=32_768, broken=json.BROKEN),
        Form("geojson", "application/geo+json", "geojson", rows=32_768),
        Form("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", rows=8_192),
    )
}


@dataclass(frozen=True, slots=True)
class Written:
    """How a file is written; ``about`` says what it is of, where the form has room for that. ``escape`` None: as the
    form does by itself."""

    about: Mapping[str, str]
    bom: bool = False
    encoding: str = "utf-8"
    escape: bool | None = None


def pieces(form: Form, schema: pa.Schema, batches: Iterator[pa.RecordBatch], how: Written) -> Iterator[bytes]:
    """A file of any form but JSON, whose rows stand in a document of their own (``formats.json.rows``)."""
    if form.key == "csv":
        return csv.write(schema, batches, csv.CsvOptions(how.bom, how.encoding, bool(how.escape)))
    if form.key == "parquet":
        return parquet.write(schema, batches, how.about)
    if form.key == "xlsx":
        return xlsx.write(schema, batches, how.about, escape=how.escape is not False)
    if form.key == "geojson":
        return json.geojson(schema, batches, json.Feature(json.members_of(how.about)))
    return json.ndjson(schema, batches)
