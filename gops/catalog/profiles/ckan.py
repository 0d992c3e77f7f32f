"""Datasets as CKAN's API gives them (2.11, API version 3): packages, resources, organisations, groups. Pure.

Titles are Korean, as the publisher wrote them; the English ones stand in ``extras``. ``ids`` gives the id of a dataset
or an organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gops.catalog.facts import Agent, DatasetFacts, DistributionFacts, FileFacts, VersionFacts
from gops.catalog.licences import Licence
from gops.catalog.vocabularies import Word
from gops.clock import from_micros

Node = dict[str, Any]
READABLE = "json"
"""The format of a live dataset whose resource is also read row by row (``datastore_search``); of files each is."""


class Ids(Protocol):
    def of(self, kind: str, number: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Home:
    """An organisation and how many packages it has."""

    id: int
    agent: Agent
    created: int
    packages: int = 0


def package(facts: DatasetFacts, home: Home, ids: Ids) -> Node:
    one = ids.of("dataset", facts.id)
    resources = [_resource(each, facts, one, number) for number, each in enumerate(facts.distributions, 1)]
    for version in facts.versions:
        resources += [_file(file, version, one) for file in version.files]
    return {
        "id": one,
        "name": facts.slug,
        "title": facts.title.ko or facts.title.en,
        "notes": facts.description.ko or facts.description.en,
        "type": "dataset",
        "state": "active",
        "private": False,
        "isopen": facts.licence.is_open,
        "url": facts.page,
        "version": str(facts.versions[0].number) if facts.versions else None,
        "author": (facts.publisher if facts.origin else home.agent).name.ko,
        "author_email": facts.contact.email,
        "maintainer": facts.contact.name.ko,
        "maintainer_email": facts.contact.email,
        "license_id": facts.licence.id,
        "license_title": facts.licence.ko,
        "license_url": facts.licence.iri,
        "metadata_created": moment(facts.issued),
        "metadata_modified": moment(facts.modified),
        "creator_user_id": None,
        "owner_org": ids.of("organisation", home.id),
        "organization": {key: value for key, value in organisation(home, ids).items() if key != "package_count"},
        "groups": [{key: value for key, value in group(facts.theme).items() if key != "package_count"}],
        "tags": [tag(word) for word in facts.keywords],
        "num_tags": len(facts.keywords),
        "resources": [{**each, "position": position} for position, each in enumerate(resources)],
        "num_resources": len(resources),
        "extras": _extras(facts),
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }


def _extras(facts: DatasetFacts) -> list[Node]:
    """What CKAN has no place for; names as ckanext-dcat and ckanext-spatial read them."""
    said: dict[str, str] = {
        "title_en": facts.title.en,
        "notes_en": facts.description.en,
        "uri": facts.iri,
        "frequency": facts.frequency.iri,
        "theme": facts.theme.iri,
        "publisher_uri": facts.publisher.iri,
        "publisher_name": facts.publisher.name.ko,
        "language": "ko, en",
    }
    if facts.origin:
        said["identifier"] = facts.origin
    if facts.deprecated is not None:
        said["deprecated"] = moment(facts.deprecated)
    if facts.replaced_by is not None:
        said["replaced_by"] = facts.replaced_by
    span = facts.span
    if span.first is not None and span.last is not None:
        said |= {"temporal_start": moment(span.first) + "Z", "temporal_end": moment(span.last) + "Z"}
    if span.bbox is not None:
        box = span.bbox
        corners = [[box.west, box.south], [box.east, box.south], [box.east, box.north], [box.west, box.north]]
        ring = ", ".join(f"[{x:.6f}, {y:.6f}]" for x, y in [*corners, corners[0]])
        said["spatial"] = f'{{"type": "Polygon", "coordinates": [[{ring}]]}}'
    return [{"key": key, "value": value} for key, value in said.items() if value]


def _resource(facts: DistributionFacts, of: DatasetFacts, package_id: str, number: int) -> Node:
    return _as_resource(
        f"{package_id}.link-{number}" if of.origin else f"{package_id}.{facts.key or facts.file_type.key}",
        package_id,
        facts.title.ko,
        facts.file_type.key.upper(),
        facts.file_type.media_type,
        facts.access_url,
        moment(of.issued),
        moment(of.modified),
    ) | {
        "datastore_active": not of.origin and (bool(facts.sha256) if facts.key else facts.file_type.key == READABLE),
        "url_type": "api" if not facts.is_whole else None,
        **({} if facts.bytes is None else {"size": facts.bytes, "hash": f"sha256:{facts.sha256}"}),
    }


def _file(facts: FileFacts, of: VersionFacts, package_id: str) -> Node:
    kind = facts.file_type
    return _as_resource(
        f"{package_id}.{of.number}.{facts.title.en}",
        package_id,
        f"{of.title.ko}, {facts.title.ko}",
        kind.key.upper(),
        kind.media_type,
        facts.iri,
        moment(of.issued),
        moment(of.issued),
    ) | {"size": facts.bytes, "hash": f"sha256:{facts.sha256}"}


def _as_resource(
    one: str, package_id: str, name: str, kind: str, media_type: str, url: str, created: str, modified: str
) -> Node:
    return {
        "id": one,
        "package_id": package_id,
        "name": name,
        "description": "",
        "format": kind,
        "mimetype": media_type,
        "mimetype_inner": None,
        "url": url,
        "url_type": None,
        "state": "active",
        "resource_type": None,
        "size": None,
        "hash": "",
        "created": created,
        "last_modified": modified,
        "metadata_modified": modified,
        "cache_url": None,
        "cache_last_updated": None,
        "datastore_active": False,
    }


def organisation(home: Home, ids: Ids) -> Node:
    return {
        "id": ids.of("organisation", home.id),
        "name": home.agent.slug,
        "title": home.agent.name.ko or home.agent.name.en,
        "display_name": home.agent.name.ko or home.agent.name.en,
        "type": "organization",
        "description": home.agent.name.en,
        "image_url": "",
        "image_display_url": "",
        "created": moment(home.created),
        "is_organization": True,
        "approval_status": "approved",
        "state": "active",
        "num_followers": 0,
        "package_count": home.packages,
    }


def group(theme: Word, packages: int = 0) -> Node:
    """A theme; CKAN calls what datasets are sorted into groups."""
    return {
        "id": theme.key,
        "name": theme.key,
        "title": theme.ko,
        "display_name": theme.ko,
        "description": theme.en,
        "type": "group",
        "image_url": "",
        "image_display_url": "",
        "is_organization": False,
        "approval_status": "approved",
        "state": "active",
        "num_followers": 0,
        "package_count": packages,
    }


def tag(word: str) -> Node:
    return {"id": word, "name": word, "display_name": word, "state": "active", "vocabulary_id": None}


def licence(of: Licence) -> Node:
    conformance = "approved" if of.is_open else "rejected"
    return {
        "id": of.id,
        "title": of.ko,
        "title_en": of.en,
        "url": of.iri,
        "status": "active",
        "family": "",
        "maintainer": "",
        "domain_content": True,
        "domain_data": True,
        "domain_software": False,
        "is_generic": False,
        "od_conformance": conformance,
        "osd_conformance": "not reviewed",
    }


def moment(micros: int) -> str:
    """As CKAN writes times: UTC without an offset, with microseconds."""
    return from_micros(micros).replace(tzinfo=None).isoformat(timespec="microseconds")


def extras(of: Node) -> Mapping[str, str]:
    """The extras of a package by key."""
    return {one["key"]: one["value"] for one in of["extras"]}
