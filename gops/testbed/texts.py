"""A round's outcome for one application in words, Korean or English, from the round file's document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from gops.permissions import missing

Language = Literal["ko", "en"]
RESOURCES: Mapping[str, tuple[str, str, str]] = {  # Korean, English, unit
    "area_m2": ("면적", "area", "m²"),
    "power_w": ("전력", "power", "W"),
    "visitors": ("방문자", "visitors", ""),
    "bandwidth_mbps": ("통신 대역폭", "bandwidth", "Mbps"),
    "water_l": ("용수", "water", "L"),
    "band": ("주파수 대역", "the radio band", ""),
    "budget": ("예산", "the budget", "KRW"),
}
QUOTAS: Mapping[str, tuple[str, str]] = {  # what a call allows at most, and what no week and no amount can tell
    "company": ("같은 기업의 배정 한도", "as many of its company as the call allows have places"),
    "municipality": ("같은 지자체의 배정 한도", "the municipality has as many as the call allows"),
    "theme": ("같은 분야의 배정 한도", "as many of its theme as the call allows have places"),
    "cutoff": ("먼저 기다리는 신청", "others wait for the site before it"),
    "group": ("함께 신청한 실증이 배정되지 않음", "the pilots that it is joint with found no place"),
}


Names = Mapping[str, str]
"""What sites and applications are called instead of their names in the round file; the others keep those."""


def explain(document: Any, application: str, language: Language, names: Names | None = None) -> list[str]:
    """Lines of text about ``application``. Raises ``NotFound`` when the round has none of that name."""
    names = names or {}
    instance = document["inputs"]["instance"]
    outcome = next((row for row in document["outcome"] if row[0] == application), None)
    if outcome is None:
        raise missing("application in this round")
    if outcome[1] is not None:
        return [_placed(instance, outcome, language, names)]
    refusal = next(row for row in document["refusals"] if row["application"] == application)
    by_turns = document["inputs"]["mechanism"]["id"] == "ranked"
    first_week = dt.date.fromisoformat(instance["first_week"])
    return refusal_lines(refusal, first_week, language, names, by_turns=by_turns)


def refusal_lines(
    refusal: Any, first_week: dt.date, language: Language, names: Names, *, by_turns: bool = True
) -> list[str]:
    """Why, site by site in the order of ranks, and what would have been accepted. ``by_turns``: holders came before."""
    head = {"ko": "배정되지 않았습니다. 순위별 사유:", "en": "Not placed. Why, site by site:"}
    reasons = _reasons(refusal, first_week, language, names, by_turns)
    return [head[language], *reasons, *_changes(refusal, first_week, language, names)]


def _placed(instance: Any, row: Any, language: Language, names: Names) -> str:
    first_week = dt.date.fromisoformat(instance["first_week"])
    application = next(item for item in instance["applications"] if item["id"] == row[0])
    span = _span(first_week, row[2], row[2] + application["duration"])
    rank, site = application["sites"].index(row[1]) + 1, names.get(row[1], row[1])
    if language == "ko":
        return f"{site} 배정 ({rank}순위), {span}"
    return f"Placed at {site} (choice {rank}), {span}"


def _reasons(refusal: Any, first_week: dt.date, language: Language, names: Names, by_turns: bool) -> Iterator[str]:
    for rank, reason in enumerate(refusal["sites"], start=1):
        site = names.get(reason["site"], reason["site"])
        yield from _cutoff(reason, rank, site, language)
        for lack in reason["lacks"]:
            if lack["what"] in QUOTAS:
                holders = ", ".join(names.get(one, one) for one in lack["holders"])
                mark = f"{rank}순위" if language == "ko" else f"{rank}."
                yield f"  {mark} {site}: {QUOTAS[lack['what']][language != 'ko']} ({holders})"
                continue
            weeks = ", ".join(_span(first_week, *span) for span in lack["weeks"])
            what, holders = _name(lack["what"], language), ", ".join(names.get(one, one) for one in lack["holders"])
            if language == "ko":
                who = "선순위 신청" if by_turns else "배정된 신청"
                by = f"{who} {holders}이(가) 사용" if holders else "부지 자체의 용량이 부족"
                yield f"  {rank}순위 {site}: {weeks} {what} 부족, {by}"
            else:
                before = ", who came before" if by_turns else ""
                by = f"held by {holders}{before}" if holders else "the site itself has less than was asked for"
                yield f"  {rank}. {site}: {what} was short {weeks}; {by}"


def _cutoff(reason: Any, rank: int, site: str, language: Language) -> Iterator[str]:
    """Under ``fair``: the own score, and the lowest that has a place there."""
    if reason.get("cutoff") is None:
        return
    score, cutoff = f"{reason['score'] / 100:.2f}", f"{reason['cutoff'] / 100:.2f}"
    if language == "ko":
        yield f"  {rank}순위 {site}: 점수 {score}, 배정 최저 점수 {cutoff}"
    else:
        yield f"  {rank}. {site}: score {score}, cutoff {cutoff}"


def _changes(refusal: Any, first_week: dt.date, language: Language, names: Names) -> Iterator[str]:
    if not refusal["changes"]:
        yield {
            "ko": "한 가지만 바꾸어 배정될 수 있는 방법은 없었습니다.",
            "en": "No single change would have placed it.",
        }[language]
    for place, change in enumerate(refusal["changes"]):
        nearest = {"ko": ("가장 가까운 변경", "다른 변경"), "en": ("Nearest change", "Another")}[language][place > 0]
        yield f"{nearest}: {_change(change, first_week, language, names)}"


def _change(change: Any, first_week: dt.date, language: Language, names: Names) -> str:
    site, monday = names.get(change["site"], change["site"]), first_week + dt.timedelta(weeks=change["start"])
    if change["kind"] == "start":
        weeks = change["weeks_later"]
        if language == "ko":
            return f"{weeks}주 늦은 시작 ({site}, {monday})"
        return f"a start {weeks} week{'s' if weeks > 1 else ''} later (at {site} on {monday})"
    if change["kind"] == "site":
        return f"다른 부지 {site} ({monday})" if language == "ko" else f"another site, {site} (on {monday})"
    name, amount = _name(change["resource"], language), f"{change['to']:,} {_unit(change['resource'])}".strip()
    if language == "ko":
        return f"{name} {change['percent']} % 축소 ({amount}까지; {site}, {monday})"
    return f"{change['percent']} % less {name} (down to {amount}; at {site} on {monday})"


def _name(what: str, language: Language) -> str:
    _, is_equipment, kind = what.partition("equipment.")
    korean, english, _ = RESOURCES.get(what, (f"장비 {kind}", f"equipment {kind}", "") if is_equipment else (what,) * 3)
    return korean if language == "ko" else english


def _unit(what: str) -> str:
    return RESOURCES.get(what, ("", "", ""))[2]


def _span(first_week: dt.date, since: int, until: int) -> str:
    """Half-open weeks as the first Monday and the last Sunday."""
    last = first_week + dt.timedelta(weeks=until, days=-1)
    return f"{first_week + dt.timedelta(weeks=since)}~{last}"
