"""What the bytes of a file are; a name or a media type that says something else is refused (``wrong_type``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from gops.accounts.checks import shown
from gops.catalog.filed.bounds import wrong_type

HEAD = 4096  # bytes
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_BOM = b"\xef\xbb\xbf"
_OTHERS = {
    b"%PDF-": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old office file (xls, hwp)",
    b"\x1f\x8b": "a gzip file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"\x89PNG": "a picture",
    b"<": "HTML or XML",
}


@dataclass(frozen=True, slots=True)
class FileForm:
    key: str
    media_type: str
    endings: tuple[str, ...]
    aliases: tuple[str, ...] = ()


FILE_FORMS: Mapping[str, FileForm] = {
    one.key: one
    for one in (
        FileForm("csv", "text/csv", ("csv", "tsv", "txt"), ("text/plain", "text/tab-separated-values")),
        FileForm("geojson", "application/geo+json", ("geojson", "json"), ("application/json",)),
        FileForm("parquet", "application/vnd.apache.parquet", ("parquet",), ("application/x-parquet",)),
        FileForm("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ("xlsx",)),
    )
}
ENDINGS = tuple(ending for form in FILE_FORMS.values() for ending in form.endings)
UNSAID = ("", "application/octet-stream")


def tell(file: BinaryIO, name: str, declared: str) -> FileForm:
    """The form of ``file``, by its first bytes. Raises ``Invalid`` (``wrong_type``)."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    form = FILE_FORMS[_told(head)]
    ending = name.rpartition(".")[2].lower()
    if ending not in form.endings:
        raise wrong_type(shown(name), f"a name that ends with .{' or .'.join(form.endings)}, as what is in it", "name")
    said = declared.partition(";")[0].strip().lower()
    if said not in (form.media_type, *form.aliases, *UNSAID):
        raise wrong_type(shown(said), f"{form.media_type}, as what is in it", "Content-Type")
    return form


def _told(head: bytes) -> str:
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(_ZIP):
        return "xlsx"
    text = head.removeprefix(_BOM).lstrip()
    for begin, what in _OTHERS.items():
        if text.startswith(begin):
            raise wrong_type(what, "CSV, GeoJSON, Parquet or XLSX")
    if b"\x00" in head:
        raise wrong_type("bytes that are no text", "CSV, GeoJSON, Parquet or XLSX")
    if not text:
        raise wrong_type("nothing", "a file with something in it")
    return "geojson" if text.startswith((b"{", b"[")) else "csv"
