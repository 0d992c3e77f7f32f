"""What there is beside what is live: open datasets, calls that are open, the last allocation with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from gops.permissions import ANONYMOUS
from gops.portal import outcomes

DATASETS = 6
CALLS = 3
EXPLAINED = 4  # refusals of the last round that are shown in full; the rest stands in its file


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
    lines: Mapping[str, Sequence[str]]


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
    return Allocation(call, last, tuple(_refused(sources, call.slug, document)))


def _refused(sources: Sources, slug: str, document: Any) -> list[Explained]:
    names = outcomes.site_names(sources, slug)
    shown = [row["application"] for row in document["refusals"][:EXPLAINED]]
    return [Explained(one[: outcomes.SHORT], outcomes.explained(document, one, names)) for one in shown]
