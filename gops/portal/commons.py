"""What there is beside what is live: open datasets, calls that are open, the last allocation with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from gops.permissions import ANONYMOUS
from gops.portal.words import LANGUAGES
from gops.testbed import texts

DATASETS = 6
CALLS = 3
EXPLAINED = 4  # refusals of the last round that are shown in full; the rest stands in its file
SHORT = 8  # characters of a pseudonym that tell it from the others of a round


class Sources(Protocol):
    """The services that these parts read."""

    @property
    def datasets(self) -> Any: ...

    @property
    def views(self) -> Any: ...

    @property
    def snapshots(self) -> Any: ...

    @property
    def calls(self) -> Any: ...

    @property
    def rounds(self) -> Any: ...

    @property
    def sites(self) -> Any: ...


@dataclass(frozen=True)
class Explained:
    """One application of a round, by the beginning of its pseudonym, and the lines that say why, by language."""

    pseudonym: str
    lines: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Allocation:
    call: Any
    round: Any
    refused: tuple[Explained, ...]


@dataclass(frozen=True)
class Commons:
    datasets: Sequence[Any]
    calls: Sequence[Any]
    allocation: Allocation | None


def gather(sources: Sources) -> Commons:
    """Public data only: everything is asked as nobody."""
    published = sources.datasets.list(ANONYMOUS, state="published", limit=DATASETS)
    return Commons(
        datasets=sources.views.of(published),
        calls=sources.calls.list(ANONYMOUS, state="open", limit=CALLS),
        allocation=_last(sources),
    )


def _last(sources: Sources) -> Allocation | None:
    found = [call for state in ("allocated", "final") for call in sources.calls.list(ANONYMOUS, state=state)]
    rounds = [(one.published_at, one, call) for call in found for one in sources.rounds.list(ANONYMOUS, call.slug)]
    if not rounds:
        return None
    _, last, call = max(rounds, key=lambda row: row[0])
    document = orjson.loads(sources.rounds.file(ANONYMOUS, call.slug, last.revision))
    return Allocation(call, last, tuple(_refused(sources, document)))


def _refused(sources: Sources, document: Any) -> list[Explained]:
    shown = document["refusals"][:EXPLAINED]
    ids = {int(reason["site"]) for row in shown for reason in row["sites"]}
    ids |= {int(change["site"]) for row in shown for change in row["changes"]}
    sites = {one: sources.sites.get(ANONYMOUS, one) for one in ids}
    short = {row[0]: row[0][:SHORT] for row in document["outcome"]}
    found = []
    for row in shown:
        lines = {}
        for language in LANGUAGES:
            names = {str(one): getattr(site, f"name_{language}") for one, site in sites.items()} | short
            lines[language] = tuple(texts.explain(document, row["application"], language, names))  # type: ignore[arg-type]
        found.append(Explained(short[row["application"]], lines))
    return found
