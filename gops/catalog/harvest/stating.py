"""A harvested dataset as facts: what its source says, not what GOPS would say of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.catalog.facts import Agent, Bilingual, DatasetFacts, DistributionFacts, Span
from gops.catalog.harvest import words
from gops.catalog.harvest.found import Found, Link
from gops.catalog.harvest.links import Seen
from gops.catalog.harvest.model import HarvestItem, HarvestSource
from gops.catalog.model import HARVESTED, Dataset
from gops.geo import BBox

Origins = Mapping[int, tuple[Found, str]]


def origins(session: Session, datasets: Sequence[Dataset]) -> Origins:
    """What their sources say of harvested datasets, and the addresses of these, by id of the dataset."""
    ids = [one.id for one in datasets if one.kind == HARVESTED]
    if not ids:
        return {}
    query = select(HarvestItem.dataset_id, HarvestItem.document, HarvestSource.url).join_from(
        HarvestItem, HarvestSource
    )
    rows = session.execute(query.where(HarvestItem.dataset_id.in_(ids)))
    return {one: (Found.of(document), url) for one, document, url in rows}


def restated(
    facts: DatasetFacts, origin: tuple[Found, str] | None, seen: Mapping[str, Seen] | None = None
) -> DatasetFacts:
    """``facts`` of a harvested dataset in the words of its source; without links where that was forgotten. ``seen`` is
    what these answered."""
    if origin is None:
        return replace(facts, distributions=(), service="")
    found, source = origin
    title, about = Bilingual(found.title_ko, found.title_en), Bilingual(found.description_ko, found.description_en)
    return replace(
        facts,
        origin=found.identity,
        title=title,
        description=about,
        publisher=_publisher(found, facts.publisher),
        licence=words.licence(found.licence, found.licence_name),
        issued=found.issued if found.issued is not None else facts.issued,
        modified=found.modified if found.modified is not None else facts.modified,
        span=Span(found.first, found.last, None if found.bbox is None else BBox(*found.bbox)),
        rights=_rights(found),
        provenance=_provenance(found, source),
        service="",
        distributions=tuple(
            _distribution(facts, number, one, (seen or {}).get(one.url)) for number, one in enumerate(found.links, 1)
        ),
    )


def formats(found: Found) -> tuple[str, ...]:
    """File types of its distributions that GOPS knows."""
    keys = (words.file_type(one.format, one.media_type).key for one in found.links)
    return tuple(dict.fromkeys(filter(None, keys)))


def _publisher(found: Found, harvester: Agent) -> Agent:
    """As the source names it; where it names none, whoever harvests it answers for it."""
    if not (found.publisher_ko or found.publisher_en):
        return harvester
    return Agent(found.publisher, Bilingual(found.publisher_ko, found.publisher_en))


def _distribution(facts: DatasetFacts, number: int, link: Link, seen: Seen | None) -> DistributionFacts:
    title = Bilingual(link.title_ko, link.title_en) if link.title_ko or link.title_en else facts.title
    return DistributionFacts(
        f"{facts.iri}#link-{number}",
        link.url,
        words.file_type(link.format, link.media_type),
        title,
        is_whole=link.whole,
        reachable=seen is not None and seen.answers,
        trouble="untried" if seen is None else seen.word,
    )


def _rights(found: Found) -> Bilingual | None:
    said = found.licence_name or found.licence
    if not said:
        return None
    return Bilingual(f"이용 조건은 출처를 따릅니다: {said}", f"As its source says: {said}")


def _provenance(found: Found, source: str) -> Bilingual:
    where = found.page or found.identity
    return Bilingual(
        f"{source}에서 수집했습니다. 원본: {where}",
        f"Harvested from {source}. Its own page: {where}",
    )
