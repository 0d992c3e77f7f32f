"""Eligibility: may this application stand in this call, and at which of its sites? Pure, with coded verdicts.

A verdict is a reason against: of the whole application (``site`` None) or of one ranked site. An application is
eligible when nothing stands against it as a whole and something is left of its list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gops.testbed import weeks

Code = Literal[
    "organisation_kind",
    "trl_below",
    "trl_above",
    "duration_too_long",
    "site_not_in_call",
    "site_not_offered",
    "capacity_too_small",
    "closed",
]
TITLES: Mapping[Code, tuple[str, str]] = {  # Korean, English
    "organisation_kind": ("신청할 수 없는 기관 유형", "this kind of organisation may not apply"),
    "trl_below": ("기술성숙도(TRL)가 기준보다 낮음", "the technology is less ready than the call asks"),
    "trl_above": ("기술성숙도(TRL)가 기준보다 높음", "the technology is readier than the call is for"),
    "duration_too_long": ("실증 기간이 공고의 상한보다 김", "it lasts longer than the call allows"),
    "site_not_in_call": ("공고에 포함되지 않은 부지", "the site is not in the call"),
    "site_not_offered": ("현재 제공되지 않는 부지", "the site is not offered"),
    "capacity_too_small": ("부지 용량이 항상 부족", "the site never has that much"),
    "closed": ("가능한 모든 시작 주에 휴장 기간이 겹침", "the site is closed in some week of every possible start"),
}


@dataclass(frozen=True)
class Rules:
    """What a call asks. Empty ``organisation_kinds``: any; None: no bound."""

    organisation_kinds: frozenset[str] = frozenset()
    trl_min: int | None = None
    trl_max: int | None = None
    duration_max: int | None = None


@dataclass(frozen=True)
class Pilot:
    """What is judged. Weeks are absolute numbers."""

    organisation_kind: str
    trl: int
    needs: Mapping[str, int]
    duration: int
    first_start: int
    last_start: int
    sites: Sequence[int]


@dataclass(frozen=True)
class Place:
    """What is known of a site: ``closed`` are weeks."""

    id: int
    in_call: bool
    offered: bool
    capacity: Mapping[str, int]
    closed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """``found`` and ``expected`` say what stood against what."""

    code: Code
    site: int | None
    field: str
    found: str
    expected: str

    def document(self) -> dict[str, Any]:
        return asdict(self)


def judge(rules: Rules, pilot: Pilot, places: Mapping[int, Place]) -> tuple[Verdict, ...]:
    """Every reason against, first those of the whole, then site by site in the order of ranks."""
    found = [*_whole(rules, pilot)]
    for site in pilot.sites:
        found += _at(pilot, site, places.get(site))
    return tuple(found)


def eligible_sites(sites: Sequence[int], against: Collection[int | None]) -> tuple[int, ...]:
    """The sites that no verdict is ``against`` (the ``site`` of each); none where one is of the whole."""
    return () if None in against else tuple(site for site in sites if site not in against)


def _whole(rules: Rules, pilot: Pilot) -> list[Verdict]:
    found = []
    if rules.organisation_kinds and pilot.organisation_kind not in rules.organisation_kinds:
        kinds = "one of " + ", ".join(sorted(rules.organisation_kinds))
        found.append(Verdict("organisation_kind", None, "organisation", pilot.organisation_kind, kinds))
    if rules.trl_min is not None and pilot.trl < rules.trl_min:
        found.append(Verdict("trl_below", None, "trl", str(pilot.trl), f"at least {rules.trl_min}"))
    if rules.trl_max is not None and pilot.trl > rules.trl_max:
        found.append(Verdict("trl_above", None, "trl", str(pilot.trl), f"at most {rules.trl_max}"))
    if rules.duration_max is not None and pilot.duration > rules.duration_max:
        at_most = f"at most {rules.duration_max} weeks"
        found.append(Verdict("duration_too_long", None, "duration", f"{pilot.duration} weeks", at_most))
    return found


def _at(pilot: Pilot, site: int, place: Place | None) -> list[Verdict]:
    if place is None or not place.in_call:
        return [Verdict("site_not_in_call", site, "sites", str(site), "a site of the call")]
    if not place.offered:
        return [Verdict("site_not_offered", site, "sites", str(site), "a site that is offered")]
    found = []
    for resource, need in pilot.needs.items():
        most = place.capacity.get(resource, 0)
        if need > most:
            found.append(Verdict("capacity_too_small", site, f"needs.{resource}", str(need), f"at most {most}"))
    if all(_meets(place, start, pilot.duration) for start in range(pilot.first_start, pilot.last_start + 1)):
        span = f"{weeks.name(pilot.first_start)}..{weeks.name(pilot.last_start)}"
        expected = f"a start with {pilot.duration} open weeks after it"
        found.append(Verdict("closed", site, "first_start", span, expected))
    return found


def _meets(place: Place, start: int, duration: int) -> bool:
    """Is the site closed in a week of [start, start + duration)?"""
    return any(week in place.closed for week in range(start, start + duration))
