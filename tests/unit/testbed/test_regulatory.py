"""Regulatory checks and exemptions: answered, presumed after silence and labelled so, and what a slot waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from gops.clock import DAY
from gops.errors import Conflict, Forbidden, Invalid, NotFound
from gops.permissions import Actor
from gops.testbed.lifecycles import EXEMPTION
from gops.testbed.model import Application, Call
from gops.testbed.offers.conditions import ALWAYS
from gops.testbed.regulatory.answerers import Answerers
from gops.testbed.regulatory.checks import RegulatoryChecks, label
from gops.testbed.regulatory.exemptions import Exemptions
from tests.unit.testbed.conftest import FIRST_WEEK, City

LAW = "도로교통법 제12조"
NEED = {"exemptions": [{"law": LAW, "need": "보도 통행"}]}
BASIS = "스마트도시법 제50조"


@dataclass
class Bureau:
    city: City
    call: Call
    application: Application
    official: Actor

    def __post_init__(self) -> None:
        city = self.city
        self.answerers = Answerers(city.database, city.clock, city.settings)
        self.checks = RegulatoryChecks(city.database, city.clock, city.settings)
        self.exemptions = Exemptions(city.database, city.clock, city.settings)

    def ask(self) -> int:
        return self.checks.ask(self.city.company, self.application.id, LAW, "보도를 지나갑니다").id

    def accepted(self) -> int:
        """The slot of the application, accepted, with every condition met that a municipality can meet."""
        city = self.city
        city.scored(self.call, {self.application.id: 9000})
        city.final(self.call)
        (offer,) = city.offers.list(city.company)
        city.offers.answer(city.company, offer.id, "accepted")
        for kind in ALWAYS:
            city.slots.set_condition(city.planner, offer.slot_id, kind, "met")
        return offer.slot_id

    def slot(self, slot_id: int) -> tuple[str, set[tuple[str, str]]]:
        rows = self.city.slots.conditions(self.city.company, slot_id)
        return self.city.slots.get(self.city.company, slot_id).state, {(row.kind, row.state) for row in rows}


@pytest.fixture
def bureau(city: City) -> Bureau:
    site = city.site(details={"legal_basis": BASIS, "exemptions": [LAW]})
    call = city.call(terms={"sites": [site.id]})
    city.to("2026-06-02T09:00")
    application = city.apply(call, [site])
    official = city.people.actor(city.people.organisation("ministry", "regulator"), "viewer")
    made = Bureau(city, call, application, official)
    email = city.people.person_of(official).email
    assert email is not None
    made.answerers.add(city.planner, call.slug, email, "ministry", "Kim")
    return made


def refused(code: str, act: Any, *given: Any, **named: Any) -> None:
    with pytest.raises((Conflict, Invalid, Forbidden)) as found:
        act(*given, **named)
    assert found.value.code == code


def test_an_answer_is_given_by_who_is_assigned_and_confirmed_by_the_owner(bureau: Bureau) -> None:
    city, check = bureau.city, bureau.ask()
    assert [row.id for row in bureau.checks.list(bureau.official, bureau.call.slug)] == [check]
    for stranger in (city.rival, city.neighbour):
        with pytest.raises(NotFound):
            bureau.checks.get(stranger, check)
    for no_answerer in (city.planner, city.company, city.operator):
        with pytest.raises(NotFound):
            bureau.checks.answer(no_answerer, check, "no_rule", "so")
    refused("check_unanswered", bureau.checks.confirm, city.planner, check)
    with pytest.raises(Invalid):
        bureau.checks.answer(bureau.official, check, "perhaps", "so")
    answered = bureau.checks.answer(bureau.official, check, "no_rule", "보도가 아닙니다")
    assert (answered.state, label(answered)) == ("answered", ("규제 없음", "no rule"))
    with pytest.raises(Forbidden):
        bureau.checks.confirm(bureau.official, check)
    assert bureau.checks.confirm(city.planner, check).confirmed_at == city.clock.micros()
    refused("check_confirmed", bureau.checks.answer, bureau.official, check, "rule", "after all")
    refused("not_a_regulator", bureau.answerers.add, city.planner, bureau.call.slug,
            city.people.person_of(city.rival).email, "drones", "No")  # fmt: skip


def test_thirty_days_of_silence_presume_none_and_say_so(bureau: Bureau) -> None:
    city, check = bureau.city, bureau.ask()
    city.clock.move(microseconds=30 * DAY - 1)
    city.clocks.advance()
    assert bureau.checks.get(city.company, check).state == "requested"
    city.clock.move(microseconds=1)
    city.clocks.advance()
    silent = bureau.checks.get(city.company, check)
    assert (silent.state, silent.answer) == ("presumed_none", None)
    assert label(silent) == ("규제 없음으로 추정 (답변 없음)", "presumed none (no answer)")
    late = bureau.checks.answer(bureau.official, check, "rule", "늦었지만")
    assert (late.state, label(late)[1]) == ("answered", "a rule stands in the way")
    refused("rule_in_the_way", bureau.checks.confirm, city.planner, check)


def test_a_slot_is_ready_only_when_the_owner_has_confirmed(bureau: Bureau) -> None:
    city, check = bureau.city, bureau.ask()
    slot = bureau.accepted()
    assert bureau.slot(slot)[0] == "conditions"
    assert ("regulation", "open") in bureau.slot(slot)[1]
    refused("condition_by_check", city.slots.set_condition, city.planner, slot, "regulation", "met")
    refused("conditions_unmet", city.slots.move, city.planner, slot, "ready")
    city.clocks.advance()  # the days of silence are over
    assert bureau.slot(slot)[0] == "conditions"
    bureau.checks.confirm(city.planner, check)
    assert bureau.slot(slot)[0] == "ready"


def test_an_exemption_covers_site_and_weeks_before_the_slot_is_ready(bureau: Bureau) -> None:
    city, check = bureau.city, bureau.ask()
    bureau.checks.answer(bureau.official, check, "exemption_needed", "특례가 필요합니다")
    bureau.checks.confirm(city.planner, check)
    slot = bureau.accepted()
    assert bureau.slot(slot)[1] >= {("exemption", "open")}
    site = bureau.application.sites[0]
    other_law = bureau.exemptions.request(city.company, bureau.application.id, "전파법", "출력", site)
    bureau.exemptions.decide(bureau.official, other_law.id, "checking", "검토")
    bureau.exemptions.decide(bureau.official, other_law.id, "granted", "네", FIRST_WEEK, 2)
    refused("condition_by_check", city.slots.set_condition, city.planner, slot, "exemption", "met")
    made = bureau.exemptions.request(city.company, bureau.application.id, LAW, "보도 통행", site)
    city.clock.move(microseconds=40 * DAY)
    assert bureau.exemptions.get(city.company, made.id).state == "requested"  # silence grants nothing
    refused("condition_by_check", city.slots.set_condition, city.planner, slot, "exemption", "met")
    with pytest.raises(NotFound):
        bureau.exemptions.decide(city.planner, made.id, "checking", "so")
    bureau.exemptions.decide(bureau.official, made.id, "checking", "검토")
    refused("required", bureau.exemptions.decide, bureau.official, made.id, "granted", "so")
    bureau.exemptions.decide(bureau.official, made.id, "granted", "한 주", FIRST_WEEK, 1, "1대")
    refused("condition_by_check", city.slots.set_condition, city.planner, slot, "exemption", "met")
    refused("invalid_value", bureau.exemptions.decide, bureau.official, made.id, "extended", "so", None, 1)
    bureau.exemptions.decide(bureau.official, made.id, "extended", "두 주", None, 2)
    city.slots.set_condition(city.planner, slot, "exemption", "met")
    assert bureau.slot(slot)[0] == "ready"
    bureau.exemptions.decide(bureau.official, made.id, "revoked", "사고")
    assert bureau.slot(slot)[0] == "cancelled"
    refused("illegal_move", bureau.exemptions.decide, bureau.official, made.id, "granted", "again", FIRST_WEEK, 2)


def test_an_exemption_expires_by_the_clock_unless_a_review_is_pending(bureau: Bureau) -> None:
    city = bureau.city
    made = bureau.exemptions.request(city.company, bureau.application.id, "전파법", "출력")
    bureau.exemptions.decide(bureau.official, made.id, "checking", "검토")
    bureau.exemptions.decide(bureau.official, made.id, "granted", "네", FIRST_WEEK, 1)
    slot = bureau.accepted()
    city.to("2026-09-07T00:00")
    city.clocks.advance()
    assert bureau.slot(slot)[0] == "active"
    bureau.exemptions.pend(bureau.official, made.id, pending=True)
    city.to("2026-09-14T00:00")
    city.clocks.advance()
    assert (bureau.exemptions.get(city.company, made.id).state, bureau.slot(slot)[0]) == ("granted", "active")
    bureau.exemptions.pend(bureau.official, made.id, pending=False)
    city.clocks.advance()
    assert (bureau.exemptions.get(city.company, made.id).state, bureau.slot(slot)[0]) == ("expired", "ended")
    assert not EXEMPTION.moves["expired"]


def test_only_what_was_handed_in_is_checked_and_exempted(bureau: Bureau) -> None:
    city = bureau.city
    city.applications.take_back(city.company, bureau.application.id)
    refused("not_handed_in", bureau.ask)
    with pytest.raises(Conflict):
        bureau.exemptions.request(city.company, bureau.application.id, "전파법", "출력")
    with pytest.raises(NotFound):
        bureau.checks.ask(city.rival, bureau.application.id, "법", "왜")


def missing_at(row: Application) -> list[int]:
    assert {one["code"] for one in row.verdicts} <= {"exemption_missing"}
    return [one["site"] for one in row.verdicts]


def test_a_need_for_an_exemption_is_met_only_where_a_legal_basis_grants_it(city: City) -> None:
    zone = city.site(details={"legal_basis": BASIS, "exemptions": ["야간 비행", "도로교통법  제１２조"]})
    unfounded = city.site(details={"exemptions": [LAW]})
    another_law = city.site(details={"legal_basis": BASIS, "exemptions": ["도로교통법 제13조"]})
    call = city.call()
    city.to("2026-06-02T09:00")
    row = city.apply(call, [unfounded, zone, another_law], details=NEED)
    nowhere = city.apply(call, [unfounded], city.rival, details=NEED)
    assert missing_at(row) == [unfounded.id, another_law.id]
    city.to("2026-07-01T09:00")
    city.calls.advance()
    row, nowhere = (city.applications.get(city.operator, one.id) for one in (row, nowhere))
    assert (row.state, missing_at(row)) == ("eligible", [unfounded.id, another_law.id])
    assert nowhere.state == "ineligible"


@pytest.mark.parametrize(("state", "first", "weeks", "here", "left"), [
    ("checking", FIRST_WEEK, 4, True, False),
    ("granted", FIRST_WEEK, 3, True, False),  # the window of starts asks for one week more
    ("granted", FIRST_WEEK, 4, True, True),
    ("granted", FIRST_WEEK, 4, False, False),
])  # fmt: skip
def test_a_need_is_met_where_the_exemption_was_granted_for_all_weeks(
    bureau: Bureau, state: str, first: int, weeks: int, here: bool, left: bool
) -> None:
    city = bureau.city
    own, other = city.site(), city.site()
    call = city.call(bureau.city.planner, opens_at=city.clock.micros(), closes_at=city.clock.micros() + 29 * DAY)
    row = city.apply(call, [own, other], details=NEED, last_start=FIRST_WEEK + 2)
    person = city.people.person_of(bureau.official).email
    assert person is not None
    bureau.answerers.add(city.planner, call.slug, person, "ministry", "Kim")
    made = bureau.exemptions.request(city.company, row.id, LAW, "보도 통행", own.id if here else other.id)
    bureau.exemptions.decide(bureau.official, made.id, "checking", "봅니다")
    if state == "granted":
        bureau.exemptions.decide(bureau.official, made.id, "granted", "허용", first, weeks)
    city.clock.move(microseconds=30 * DAY)
    city.calls.advance()
    assert (own.id not in missing_at(city.applications.get(city.company, row.id))) is left


def test_what_a_regulator_finds_needed_counts_like_what_was_said(bureau: Bureau) -> None:
    city = bureau.city
    check = bureau.checks.ask(city.company, bureau.application.id, "전파법", "출력").id
    bureau.checks.answer(bureau.official, check, "exemption_needed", "특례가 필요합니다")
    city.to("2026-07-01T09:00")
    city.calls.advance()
    assert city.applications.get(city.company, bureau.application.id).state == "ineligible"
