"""Eligibility: may this application stand in this call, and at which of its sites? Pure, with coded verdicts.

A verdict is a reason against: of the whole application (``site`` None) or of one ranked site. An application is
eligible when nothing stands against it as a whole and something is left of its list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gops.testbed import weeks

Code = Literal[
    "organisation_kind",
    "trl_below",
    "trl_above",
    "duration_too_long",
    "theme_outside",
    "region_outside",
    "too_much_requested",
    "own_funds_too_small",
    "consortium_too_small",
    "consortium_too_large",
    "consortium_kind_missing",
    "document_missing",
    "site_not_in_call",
    "site_not_offered",
    "capacity_too_small",
    "closed",
    "band_unavailable",
    "equipment_missing",
    "exemption_missing",
    "no_consent",
]
TITLES: Mapping[Code, tuple[str, str]] = {  # Korean, English
    "organisation_kind": ("신청할 수 없는 기관 유형", "this kind of organisation may not apply"),
    "trl_below": ("기술성숙도(TRL)가 기준보다 낮음", "the technology is less ready than the call asks"),
    "trl_above": ("기술성숙도(TRL)가 기준보다 높음", "the technology is readier than the call is for"),
    "duration_too_long": ("실증 기간이 공고의 상한보다 김", "it lasts longer than the call allows"),
    "theme_outside": ("공고의 분야가 아님", "the call is about other themes"),
    "region_outside": ("신청할 수 없는 지역의 기관", "organisations of that region may not apply"),
    "too_much_requested": ("신청 금액이 상한을 넘음", "it asks for more money than the call allows"),
    "own_funds_too_small": ("자부담 비율이 기준보다 낮음", "the applicants bear less of the cost than the call asks"),
    "consortium_too_small": ("컨소시엄 참여 기관이 부족", "the consortium has too few organisations"),
    "consortium_too_large": (
        "컨소시엄 참여 기관이 너무 많음",
        "the consortium has more organisations than allowed",
    ),
    "consortium_kind_missing": (
        "컨소시엄에 필요한 유형의 기관이 없음",
        "an organisation of a kind is missing",
    ),
    "document_missing": ("필수 제출 서류가 없음", "a document that the call asks for is missing"),
    "site_not_in_call": ("공고에 포함되지 않은 부지", "the site is not in the call"),
    "site_not_offered": ("현재 제공되지 않는 부지", "the site is not offered"),
    "capacity_too_small": ("부지 용량이 항상 부족", "the site never has that much"),
    "closed": ("가능한 모든 시작 주에 휴장 기간이 겹침", "the site is closed in some week of every possible start"),
    "band_unavailable": ("부지에서 쓸 수 없는 주파수 대역", "the site has other radio bands"),
    "equipment_missing": ("부지에 필요한 장비가 없음", "the site has no such equipment, or not so much"),
    "exemption_missing": (
        "필요한 규제 특례를 받을 수 없는 부지",
        "an exemption that it needs is neither to be had at the site nor granted",
    ),
    "no_consent": ("부지 소유자가 동의하지 않음", "the owner of the site does not consent"),
}


NOTHING = "nothing"


@dataclass(frozen=True)
class Rules:
    """What a call asks. Empty collections: anything goes; None: no bound. Money in KRW.

    ``regions``: how codes of districts begin. ``members_*``: organisations of the consortium, the applicant included;
    of each of ``member_kinds`` there must be one.
    """

    organisation_kinds: frozenset[str] = frozenset()
    trl_min: int | None = None
    trl_max: int | None = None
    duration_max: int | None = None
    themes: frozenset[str] = frozenset()
    regions: tuple[str, ...] = ()
    requested_max: int | None = None
    own_percent_min: int | None = None
    members_min: int | None = None
    members_max: int | None = None
    member_kinds: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Equipment:
    """``operator``: with somebody who runs it."""

    kind: str
    count: int
    operator: bool


@dataclass(frozen=True)
class Pilot:
    """What is judged. Weeks are absolute numbers; ``members`` the kinds of the consortium's other organisations.

    ``exemptions``: the laws from which it must be exempted; ``granted``: (``law_key``, site) of what was granted for
    all of its weeks, site None for every one.
    """

    organisation_kind: str
    trl: int
    needs: Mapping[str, int]
    duration: int
    first_start: int
    last_start: int
    sites: Sequence[int]
    theme: str | None = None
    region: str | None = None
    requested: int = 0
    cost: int = 0
    own_funds: int = 0
    members: Sequence[str] = ()
    documents: frozenset[str] = frozenset()
    band: str | None = None
    equipment: Sequence[Equipment] = ()
    exemptions: Sequence[str] = ()
    granted: Collection[tuple[str, int | None]] = ()


@dataclass(frozen=True)
class Place:
    """What is known of a site: ``closed`` are weeks. Without ``bands`` any may be used. ``exemptions``: the
    ``law_key`` of what can be had there on a legal basis."""

    id: int
    in_call: bool
    offered: bool
    capacity: Mapping[str, int]
    closed: frozenset[int] = frozenset()
    bands: frozenset[str] = frozenset()
    equipment: Sequence[Equipment] = ()
    consent: bool = True
    exemptions: frozenset[str] = frozenset()


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
    return [*found, *_about(rules, pilot), *_money(rules, pilot), *_together(rules, pilot)]


def _about(rules: Rules, pilot: Pilot) -> Iterator[Verdict]:
    if rules.themes and pilot.theme not in rules.themes:
        expected = "one of " + ", ".join(sorted(rules.themes))
        yield Verdict("theme_outside", None, "theme", pilot.theme or NOTHING, expected)
    if rules.regions and not (pilot.region or "").startswith(rules.regions):
        expected = "a code that begins with " + " or ".join(rules.regions)
        yield Verdict("region_outside", None, "details.region", pilot.region or NOTHING, expected)
    for kind in rules.documents:
        if kind not in pilot.documents:
            yield Verdict("document_missing", None, "documents", NOTHING, f"a document of the kind {kind}")


def _money(rules: Rules, pilot: Pilot) -> Iterator[Verdict]:
    if rules.requested_max is not None and pilot.requested > rules.requested_max:
        expected = f"at most {rules.requested_max} KRW"
        yield Verdict("too_much_requested", None, "details.funding.requested", f"{pilot.requested} KRW", expected)
    least = rules.own_percent_min
    if least is not None and pilot.own_funds * 100 < least * pilot.cost:
        expected = f"at least {least} % of {pilot.cost} KRW"
        yield Verdict("own_funds_too_small", None, "details.funding.own", f"{pilot.own_funds} KRW", expected)


def _together(rules: Rules, pilot: Pilot) -> Iterator[Verdict]:
    kinds = [pilot.organisation_kind, *pilot.members]
    if rules.members_min is not None and len(kinds) < rules.members_min:
        yield Verdict("consortium_too_small", None, "members", str(len(kinds)), f"at least {rules.members_min}")
    if rules.members_max is not None and len(kinds) > rules.members_max:
        yield Verdict("consortium_too_large", None, "members", str(len(kinds)), f"at most {rules.members_max}")
    for kind in rules.member_kinds:
        if kind not in kinds:
            yield Verdict("consortium_kind_missing", None, "members", ", ".join(sorted(set(kinds))), f"a {kind} too")


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
    return [*found, *_furnished(pilot, place)]


def _furnished(pilot: Pilot, place: Place) -> Iterator[Verdict]:
    if pilot.band is not None and place.bands and pilot.band not in place.bands:
        expected = "one of " + ", ".join(sorted(place.bands))
        yield Verdict("band_unavailable", place.id, "band", pilot.band, expected)
    if not place.consent:
        yield Verdict("no_consent", place.id, "sites", "refused", "the consent of its owner")
    for law in pilot.exemptions:
        key = law_key(law)
        if key not in place.exemptions and not {(key, None), (key, place.id)} & {*pilot.granted}:
            expected = "an exemption listed by the site beside its legal basis, or granted for all of its weeks"
            yield Verdict("exemption_missing", place.id, "details.exemptions", law, expected)
    for wanted in pilot.equipment:
        fitting = [one for one in place.equipment if one.kind == wanted.kind and one.operator >= wanted.operator]
        most = sum(one.count for one in fitting)
        if most < wanted.count:
            asked = f"{wanted.count} {wanted.kind}" + " with an operator" * wanted.operator
            yield Verdict("equipment_missing", place.id, "details.equipment", asked, f"at most {most}")


def law_key(text: str) -> str:
    """The same for two ways to write one law: width, case and spaces say nothing.

    >>> law_key("도로교통법 제12조") == law_key("도로교통법제１２조")
    True
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _meets(place: Place, start: int, duration: int) -> bool:
    """Is the site closed in a week of [start, start + duration)?"""
    return any(week in place.closed for week in range(start, start + duration))
