"""Words of other catalogs in those of GOPS: licences, themes, frequencies, file types. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gops.catalog.licences import LICENCES, OTHER, Licence
from gops.catalog.vocabularies import AUTHORITY, FILE_TYPES, FREQUENCIES, THEMES, FileType, Word

UNKNOWN = "unknown"
_SIGNS = re.compile(r"[^a-z0-9가-힣]+")
_CKAN_LICENCES: Mapping[str, str] = {
    "cc-by": "cc-by-4.0", "cc-by-sa": "cc-by-sa-4.0", "cc-zero": "cc0-1.0", "cc-nc": "cc-by-nc-4.0",
    "cc0": "cc0-1.0", "cc-by-4": "cc-by-4.0", "other-pd": "public-domain", "pddl": "public-domain",
    "odc-pddl": "public-domain", "cc-pd": "public-domain",
}  # fmt: skip
"""Ids of CKAN's own list (licenses.opendefinition.org) whose version is 4.0 or that have none here."""
_FREQUENCY_CODES: Mapping[str, str] = {
    "R/PT1S": "continuous", "R/PT1H": "hourly", "R/P1D": "daily", "R/P1W": "weekly", "R/P7D": "weekly",
    "R/P1M": "monthly", "R/P3M": "quarterly", "R/P1Y": "yearly",
    "실시간": "continuous", "매시간": "hourly", "일간": "daily", "매일": "daily", "주간": "weekly", "매주": "weekly",
    "월간": "monthly", "매월": "monthly", "분기": "quarterly", "연간": "yearly", "매년": "yearly", "수시": "irregular",
    "annual": "yearly", "UPDATE_CONT": "continuous", "IRREG": "irregular", "ANNUAL": "yearly",
}  # fmt: skip
_MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv", "json": "application/json", "parquet": "application/vnd.apache.parquet",
    "geojson": "application/geo+json", "xml": "application/xml", "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xls": "application/vnd.ms-excel",
    "zip": "application/zip", "txt": "text/plain", "html": "text/html", "kml": "application/vnd.google-earth.kml+xml",
    "gml": "application/gml+xml", "ttl": "text/turtle", "rdf": "application/rdf+xml",
    "tsv": "text/tab-separated-values",
    "ndjson": "application/x-ndjson", "json_ld": "application/ld+json", "ods":
    "application/vnd.oasis.opendocument.spreadsheet", "docx":
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "png": "image/png", "jpeg": "image/jpeg",
    "tiff": "image/tiff", "gpkg": "application/geopackage+sqlite3",
}  # fmt: skip
_EU_TYPES = {
    "csv", "json", "parquet", "geojson", "xml", "pdf", "xlsx", "xls", "zip", "txt", "html", "kml", "gml", "tsv", "ods",
    "docx", "png", "jpeg", "tiff", "gpkg", "json_ld",
}  # fmt: skip
"""Those whose code in the authority table is their name in capitals."""
_EU_CODES: Mapping[str, str] = {"ttl": "RDF_TURTLE", "rdf": "RDF_XML", "ndjson": "JSON"}
_OTHER_NAMES: Mapping[str, str] = {
    "jsonld": "json_ld", "jpg": "jpeg", "htm": "html", "text": "txt", "plain": "txt", "turtle": "ttl",
    "rdf_turtle": "ttl", "rdf_xml": "rdf", "excel": "xlsx", "tif": "tiff", "geopackage": "gpkg",
}  # fmt: skip
_BY_MEDIA = {media: key for key, media in _MEDIA_TYPES.items()} | {
    one.media_type: key for key, one in FILE_TYPES.items()
}
_MORE_EXACT = {"ndjson", "geojson", "json_ld", "kml", "gml", "rdf"}
"""Media types that say more than that it is JSON or XML."""
NO_TYPE = FileType("", "application/octet-stream", "")


def licence(given: str, name: str = "") -> Licence:
    """The licence of GOPS that an IRI, an id or a name means; any other as it is given, under the id ``other``."""
    key = _plain_iri(given)
    if key in _LICENCE_IRIS:
        return LICENCES[_LICENCE_IRIS[key]]
    word = given.strip().lower()
    if word in _CKAN_LICENCES or (word in LICENCES and word != OTHER):
        return LICENCES[_CKAN_LICENCES.get(word, word)]
    shown = name or given
    if not shown:
        return LICENCES[OTHER]
    iri = given if given.startswith(("http://", "https://")) else ""
    return Licence(OTHER, shown, shown, iri, commercial=False, changes=False)


def theme(given: Iterable[str], default: str) -> str:
    """The first theme that GOPS has as well."""
    for one in given:
        if found := _THEMES.get(_plain_iri(one)) or _THEMES.get(_plain(one)):
            return found
    return default


def frequency(given: str) -> str:
    text = given.strip()
    tail = text.rsplit("/", 1)[-1] if text.startswith("http") else text
    return _FREQUENCIES.get(_plain_iri(text)) or _FREQUENCY_CODES.get(tail) or _FREQUENCIES.get(_plain(tail)) or UNKNOWN


def file_type(given: str, media_type: str = "") -> FileType:
    """By a name, an IRI of the EU's or IANA's list, or a media type; ``NO_TYPE`` for what is none that is known."""
    media = _tail_after(media_type or given, "media-types/").lower().split(";")[0].strip()
    name, by_media = _plain(_tail_after(given, "file-type/")), _BY_MEDIA.get(media, "")
    if name in ("json", "xml") and by_media in _MORE_EXACT:
        name = by_media
    for key in (_OTHER_NAMES.get(name, name), by_media):
        if key in FILE_TYPES:
            return FILE_TYPES[key]
        if key in _MEDIA_TYPES:
            code = _EU_CODES.get(key) or (key.upper() if key in _EU_TYPES else "")
            return FileType(key, _MEDIA_TYPES[key], f"{AUTHORITY}/file-type/{code}" if code else "")
    return NO_TYPE


def _tail_after(text: str, mark: str) -> str:
    return text.partition(mark)[2] or text


def _plain(text: str) -> str:
    return _SIGNS.sub("_", text.strip().lower()).strip("_")


def _plain_iri(text: str) -> str:
    """Without what makes no difference between two addresses of one word."""
    short = re.sub(r"^https?://(www\.)?", "", text.strip().lower()).rstrip("/")
    return re.sub(r"/(deed|legalcode)(\.[a-z_]+)?$", "", short)


def _named(words: Mapping[str, Word]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, word in words.items():
        names = (key, word.ko, word.en, word.iri.rsplit("/", 1)[-1])
        found |= {_plain(name): key for name in names} | {_plain_iri(word.iri): key}
    return found


_THEMES, _FREQUENCIES = _named(THEMES), _named(FREQUENCIES)
_LICENCE_IRIS = {_plain_iri(one.iri): one.id for one in LICENCES.values() if one.iri}
