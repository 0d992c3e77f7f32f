"""A dataset as Data Package 2.0 (datapackage.org): its CSV with a table schema, and files of its snapshots. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gops.catalog.facts import DatasetFacts, DistributionFacts, FieldFacts, FileFacts, Variable, VersionFacts
from gops.clock import from_micros
from gops.quality import WORDS

MEDIA_TYPE = "application/json"
PROFILES = "https://datapackage.org/profiles/2.0"
Node = dict[str, Any]


def package(facts: DatasetFacts) -> Node:
    """The CSV is the resource ``data``, in the long shape; snapshots follow, the newest first."""
    csv = _links(facts) if facts.origin else _csv(facts)
    frozen = [_file(file, version) for version in facts.versions for file in version.files]
    return {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": facts.slug,
        "id": facts.iri,
        "title": facts.title.ko or facts.title.en,
        "description": "\n\n".join(text for text in (facts.description.ko, facts.description.en) if text),
        "homepage": facts.page,
        "created": _moment(facts.issued),
        **({"version": str(facts.versions[0].number)} if facts.versions else {}),
        "keywords": list(facts.keywords),
        "licenses": [_filled({"name": facts.licence.id, "path": facts.licence.iri, "title": facts.licence.en})],
        "contributors": [
            _filled(
                {
                    "title": facts.publisher.name.ko or facts.publisher.name.en,
                    "path": facts.publisher.iri,
                    "email": facts.contact.email,
                    "roles": ["publisher", "contact"],
                }
            )
        ],
        "resources": [*csv, *frozen],
    }


def _csv(facts: DatasetFacts) -> list[Node]:
    served = [one for one in facts.distributions if one.file_type.key == "csv" and one.bytes is None]
    if not any(one.fields for one in served):
        return [_data(one, facts) for one in served]
    files = enumerate(served, 1)
    return [_data(one, facts) | {"name": f"file-{number}", "schema": _declared(one.fields)} for number, one in files]


def _declared(columns: Sequence[FieldFacts]) -> Node:
    """The table schema of a file, by its dictionary."""
    return {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": [_column(one) for one in columns],
        "missingValues": [""],
    }


def _column(one: FieldFacts) -> Node:
    local = one.type == "datetime_local"
    words = "; ".join(filter(None, (one.about.ko, one.about.en, one.unit)))
    node = _field(one.name, "datetime" if local else one.type, one.name, words)
    if local:
        node["format"] = "any"
    bounds: Node = {"required": True} if one.is_required else {}
    if one.codes and one.type == "string":
        bounds["enum"] = list(one.codes)
    return node | ({"constraints": bounds} if bounds else {})


def _links(facts: DatasetFacts) -> list[Node]:
    """Of a harvested dataset: where its files are; of their columns nothing is known."""
    return [
        _filled(
            {
                "$schema": f"{PROFILES}/dataresource.json",
                "name": f"link-{number}",
                "title": one.title.ko or one.title.en,
                "path": one.access_url,
                "format": one.file_type.key,
                "mediatype": one.file_type.media_type if one.file_type.key else "",
            }
        )
        for number, one in enumerate(facts.distributions, 1)
    ]


def _filled(node: Node) -> Node:
    return {name: value for name, value in node.items() if value}


def _data(facts: DistributionFacts, of: DatasetFacts) -> Node:
    return {
        "$schema": f"{PROFILES}/dataresource.json",
        "name": "data",
        "title": facts.title.ko or facts.title.en,
        "path": facts.access_url,
        "type": "table",
        "format": "csv",
        "mediatype": facts.file_type.media_type,
        "encoding": "utf-8",
        "schema": schema(of.variables),
    }


def schema(variables: Sequence[Variable]) -> Node:
    """Of the long shape as CSV has it. With a state among them a value may be a text."""
    has_text = any(one.kind == "state" for one in variables)
    observed = "; ".join(f"{one.key}: {one.name.ko} ({one.name.en}), {one.unit}" for one in variables)
    fields: list[Node] = [
        _field("time", "datetime", "시각", "time of the reading as its source labels it"),
        _field("thing", "string", "측정 대상", "what is measured somewhere"),
        _field("property", "string", "관측 속성", f"observed property. {observed}".strip(), _keys(variables)),
        _field("value", "string" if has_text else "number", "값", "empty where it is missing"),
        _field("unit", "string", "단위", "UCUM code"),
        _field("quality", "string", "품질", "quality of the reading", list(WORDS)),
    ]
    for one in fields:
        if one["name"] != "value":
            one.setdefault("constraints", {})["required"] = True
    return {"$schema": f"{PROFILES}/tableschema.json", "fields": fields, "missingValues": [""]}


def _keys(variables: Sequence[Variable]) -> list[str]:
    return sorted({one.key for one in variables})


def _field(name: str, kind: str, title: str, description: str, words: list[str] | None = None) -> Node:
    node: Node = {"name": name, "type": kind, "title": title, "description": description}
    return node | {"constraints": {"enum": words}} if words else node


def _file(facts: FileFacts, of: VersionFacts) -> Node:
    name = f"snapshot-{of.number}-{facts.title.en}".lower().replace("_", "-")
    return {
        "$schema": f"{PROFILES}/dataresource.json",
        "name": name,
        "title": f"{of.title.ko}, {facts.title.ko}",
        "path": facts.iri,
        "format": facts.file_type.key,
        "mediatype": facts.file_type.media_type,
        "bytes": facts.bytes,
        "hash": f"sha256:{facts.sha256}",
    }


def _moment(micros: int) -> str:
    return from_micros(micros).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
