"""Like refusals, gathered: the same feed, device, code and field within one hour. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gops.ingest.model import PLATFORM
from gops.ingest.refused import Refused

NAMELESS = frozenset({"unknown_device", "foreign_topic"})
"""Codes whose device GOPS does not know: whoever sends them may invent any number of names."""


@dataclass(frozen=True, slots=True)
class Report:
    """One refusal and where it came from.

    ``feed`` is "direct" for what a device publishes. ``device`` is the address as the topic has it, empty for none.
    ``organisation_id`` is None where the topic names no known organisation: then it belongs to the platform. Reports
    of one message share the bytes object ``raw``. Where that is only the start of the message, ``whole`` has the
    SHA-256 and the size of all of it. ``arrival`` is when the message came (microseconds).
    """

    feed: str
    device: str
    organisation_id: int | None
    topic: str
    raw: bytes
    refused: Refused
    revision: int | None = None
    whole: tuple[bytes, int] | None = None
    arrival: int | None = None


class Source(NamedTuple):
    """Whose different refusals are bounded together: a device, or all that an organisation does not know."""

    organisation_id: int
    feed: str
    device: str


class Group(NamedTuple):
    """What makes refusals of one hour alike. ``field`` is empty for none."""

    organisation_id: int
    feed: str
    device: str
    code: str
    field: str

    @property
    def source(self) -> Source:
        return Source(self.organisation_id, self.feed, "" if self.code in NAMELESS else self.device)

    @property
    def rest(self) -> Group:
        """The group that takes this one in when its source has too many."""
        return Group(*self.source, self.code, "")


@dataclass(slots=True)
class Gathered:
    """How many, and the first of them."""

    total: int = 0
    first: list[Report] = field(default_factory=list)

    def add(self, total: int, reports: Iterable[Report], most: int) -> None:
        self.total += total
        self.first.extend(reports)
        del self.first[most:]


def plain(text: str, longest: int) -> str:
    """Text that every database takes: short, without NUL and lone surrogates."""
    return text[:longest].encode(errors="backslashreplace").decode().replace("\0", "\\0")[:longest]


def gather(reports: Sequence[Report], most: int) -> dict[Group, Gathered]:
    """Group reports in their order; of each group the first ``most`` stay."""
    groups: dict[Group, Gathered] = {}
    for one in reports:
        group = Group(
            PLATFORM if one.organisation_id is None else one.organisation_id,
            plain(one.feed, 64),
            plain(one.device, 130),
            one.refused.code,
            plain(one.refused.field or "", 64),
        )
        gathered = groups.get(group)
        if gathered is None:
            gathered = groups[group] = Gathered()
        gathered.add(1, (one,) if len(gathered.first) < most else (), most)
    return groups


def crowded(groups: Collection[Group], told_apart: Mapping[Source, int], bound: int) -> list[Group]:
    """The groups whose source might get more than ``bound`` of them; ``told_apart`` counts those there are."""
    arriving = Counter(group.source for group in groups)
    over = {source for source, count in arriving.items() if told_apart.get(source, 0) + count > bound}
    return [group for group in groups if group.source in over]


def fold(
    groups: Mapping[Group, Gathered],
    standing: Collection[Group],
    told_apart: Mapping[Source, int],
    bound: int,
    most: int,
) -> dict[Group, Gathered]:
    """The same with the groups that a source has beyond ``bound`` merged into its rest; ``standing`` ones stay."""
    counts = Counter(told_apart)
    folded: dict[Group, Gathered] = {}
    for group, gathered in groups.items():
        goal = group
        if group not in standing:
            if counts[group.source] >= bound:
                goal = group.rest
            counts[group.source] += 1
        folded.setdefault(goal, Gathered()).add(gathered.total, gathered.first, most)
    return folded
