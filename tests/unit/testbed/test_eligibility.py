"""Eligibility: every verdict has its code, site, what was found and what was expected."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from gops.testbed import weeks
from gops.testbed.eligibility import TITLES, Code, Pilot, Place, Rules, Verdict, eligible_sites, judge

WEEK = weeks.parse("2026-09-07")
PILOT = Pilot("company", 6, {"area_m2": 60, "power_w": 100}, 2, WEEK, WEEK + 1, (1, 2))
RULES = Rules(frozenset({"company"}), 4, 7, 8)


def place(site: int, **options: Any) -> Place:
    wanted: dict[str, Any] = {"in_call": True, "offered": True, "capacity": {"area_m2": 100, "power_w": 1000}}
    return Place(site, **(wanted | options))


def judged(pilot: Pilot = PILOT, rules: Rules = RULES, **options: Any) -> tuple[Verdict, ...]:
    """Of a pilot that ranks 1 and 2, with 1 as the options say."""
    return judge(rules, pilot, {1: place(1, **options), 2: place(2)})


def test_nothing_stands_against_a_fitting_application() -> None:
    assert judged() == ()


def test_a_call_without_rules_takes_any() -> None:
    odd = dataclasses.replace(PILOT, organisation_kind="citizen_group", trl=1, duration=2)
    assert judged(odd, Rules()) == ()


@pytest.mark.parametrize(("change", "code", "found", "expected"), [
    ({"organisation_kind": "municipality"}, "organisation_kind", "municipality", "one of company"),
    ({"trl": 3}, "trl_below", "3", "at least 4"),
    ({"trl": 8}, "trl_above", "8", "at most 7"),
    ({"duration": 9}, "duration_too_long", "9 weeks", "at most 8 weeks"),
])  # fmt: skip
def test_what_stands_against_the_whole(change: dict[str, Any], code: str, found: str, expected: str) -> None:
    (verdict,) = judged(dataclasses.replace(PILOT, **change))
    assert (verdict.code, verdict.site, verdict.found, verdict.expected) == (code, None, found, expected)


@pytest.mark.parametrize(("options", "codes"), [
    ({"in_call": False}, ["site_not_in_call"]),
    ({"offered": False}, ["site_not_offered"]),
    ({"capacity": {"area_m2": 59, "power_w": 1000}}, ["capacity_too_small"]),
    ({"capacity": {"area_m2": 59}}, ["capacity_too_small", "capacity_too_small"]),
    ({"closed": frozenset({WEEK + 1})}, ["closed"]),
    ({"closed": frozenset({WEEK})}, []),
    ({"closed": frozenset({WEEK + 3})}, []),
    ({"closed": frozenset({WEEK, WEEK + 2})}, ["closed"]),
])  # fmt: skip
def test_what_stands_against_a_site(options: dict[str, Any], codes: list[str]) -> None:
    verdicts = judged(**options)
    assert [verdict.code for verdict in verdicts] == codes
    assert {verdict.site for verdict in verdicts} <= {1}


def test_a_site_that_is_nowhere_is_not_in_the_call() -> None:
    assert [verdict.code for verdict in judge(RULES, PILOT, {2: place(2)})] == ["site_not_in_call"]


def test_an_exact_fit_is_a_fit() -> None:
    assert judged(capacity={"area_m2": 60, "power_w": 100}) == ()


def test_a_verdict_on_one_site_leaves_the_others() -> None:
    assert eligible_sites((1, 2), {verdict.site for verdict in judged(offered=False)}) == (2,)


def test_a_verdict_on_the_whole_leaves_none() -> None:
    assert eligible_sites((1, 2), {None}) == ()


def test_every_code_has_a_title_in_both_languages() -> None:
    assert set(TITLES) == set(get_args(Code))
    assert all(korean and english for korean, english in TITLES.values())


ASKED = dataclasses.replace(
    PILOT, theme="safety", region="41110", requested=60, cost=100, own_funds=40, members=("municipality",),
    documents=frozenset({"plan"}),
)  # fmt: skip


@pytest.mark.parametrize(("rules", "code", "found"), [
    ({"themes": frozenset({"care", "energy"})}, "theme_outside", "safety"),
    ({"regions": ("11", "4117")}, "region_outside", "41110"),
    ({"requested_max": 59}, "too_much_requested", "60 KRW"),
    ({"own_percent_min": 41}, "own_funds_too_small", "40 KRW"),
    ({"members_min": 3}, "consortium_too_small", "2"),
    ({"members_max": 1}, "consortium_too_large", "2"),
    ({"member_kinds": ("company", "university")}, "consortium_kind_missing", "company, municipality"),
    ({"documents": ("plan", "insurance")}, "document_missing", "nothing"),
])  # fmt: skip
def test_each_rule_has_its_verdict(rules: dict[str, Any], code: str, found: str) -> None:
    (verdict,) = judged(ASKED, dataclasses.replace(RULES, **rules))
    assert (verdict.code, verdict.site, verdict.found) == (code, None, found)


def test_what_meets_every_rule_exactly_is_eligible() -> None:
    rules = dataclasses.replace(
        RULES, themes=frozenset({"safety"}), regions=("41",), requested_max=60, own_percent_min=40, members_min=2,
        members_max=2, member_kinds=("company", "municipality"), documents=("plan",),
    )  # fmt: skip
    assert judged(ASKED, rules) == ()


def test_what_was_not_said_meets_no_rule_about_it() -> None:
    rules = Rules(themes=frozenset({"safety"}), regions=("41",), documents=("plan",))
    assert [(one.code, one.found) for one in judged(PILOT, rules)] == [
        ("theme_outside", "nothing"), ("region_outside", "nothing"), ("document_missing", "nothing")
    ]  # fmt: skip
