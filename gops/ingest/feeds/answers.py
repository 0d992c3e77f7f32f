"""What a page of a portal turned out to be: rows, or why there are none. And what rows become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

from gops.geo import Point
from gops.ingest.decoded import Decoded
from gops.ingest.refused import Refused
from gops.kinds import Kind, Label

KST = ZoneInfo("Asia/Seoul")  # what Korean portals write times in, and whose days their quotas count
Trouble = Literal["no_data", "quota", "rate", "key", "request", "server", "unreadable"]
"""What follows from a failure.

==========  ============================================  =====================================================
no_data     there is nothing to give                      not a failure; the query ends
quota       the key's calls of the day are spent          nothing is asked with it until midnight, Korean time
rate        too many calls at once                        tried again after a while
key         unknown, expired or forbidden key             the run ends; a person has to look
request     the portal does not accept the question       the run ends; a person has to look
server      the portal fails                              tried again after a while
unreadable  HTML, plain text, nothing, another shape      tried again after a while
==========  ============================================  =====================================================
"""
TRANSIENT: frozenset[Trouble] = frozenset({"rate", "server", "unreadable"})


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as the portal names their fields; ``total`` of the whole query where it says so.

    ``next`` is the address of the page after it, where the portal says it. ``follow`` are further queries that it
    names. ``fresh`` seconds there is nothing newer. ``made`` is the moment that the whole page says it is of
    (microseconds). ``refused`` are rows that cannot be read as such.
    """

    rows: Sequence[Mapping[str, Any]]
    total: int | None = None
    next: str | None = None
    follow: tuple[str, ...] = ()
    fresh: int | None = None
    made: int | None = None
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """``code`` is the portal's own (``22``), or a word where it has none; ``note`` is for people and shows no key."""

    trouble: Trouble
    code: str
    note: str


@dataclass(frozen=True, slots=True)
class Station:
    """Where something is measured. ``code`` is the portal's own id of it, None where it gives none.

    ``name`` is not unique in the country, so ``key`` tells stations apart where there is no code. The Thing gets
    ``title`` for its name, or ``key`` where that is empty. ``place`` is where it stands, as far as the portal says.
    """

    key: str
    name: str
    code: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    place: Point | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What an observed property is at this portal; ``sensor`` names the instrument or procedure in the registry.

    ``where`` is the place in the config that says so, such as ``config.fields[2]``; empty for what is built in. Range
    and ``rules`` (``sensors.quality_rules``) are in ``unit``.
    """

    sensor: str
    unit: str
    kind: Kind
    period: str | None
    label: Label
    where: str = ""
    range_low: float | None = None
    range_high: float | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Sample:
    """The rows of a page as columns.

    ``decoded.fields`` are ``field_name(station, property)``. ``known`` are those with a number or a flag: a property
    that a station never had a number of is not registered. ``skipped`` counts rows without a time or long out of date
    that say nothing; ``drift`` has what the adapter did not expect. ``columns`` are the names of fields that the rows
    have, ``absent`` those that the config reads and no row has (of an empty page neither says anything).
    """

    decoded: Decoded = field(default_factory=Decoded)
    stations: dict[str, Station] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    skipped: int = 0
    drift: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)


def field_name(station_key: str, observed_property: str) -> str:
    return f"{station_key}/{observed_property}"
