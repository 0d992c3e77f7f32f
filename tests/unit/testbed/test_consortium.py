"""What else belongs to an application: details, what is confidential of them, the consortium, likely duplicates."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from gops.errors import Conflict, Forbidden, Invalid, NotFound
from gops.notify.model import Notice
from gops.notify.templates import render
from gops.permissions import Actor
from gops.testbed.consortium import Consortia
from gops.testbed.details import read
from gops.testbed.duplicates import Duplicates
from gops.testbed.likeness import Described, Likeness, likely, likeness
from gops.testbed.model import Application, Call, Site
from tests.unit.testbed.conftest import FIRST_WEEK, City

DETAILS: dict[str, Any] = {
    "technology": ["lidar", "Edge AI"],
    "region": "41110",
    "equipment": [{"kind": "camera", "count": 2, "operator": True}],
    "exemptions": [{"law": "도로교통법", "need": "보도 통행"}],
    "funding": {"requested": 60_000_000, "own": 40_000_000},
    "maintenance": {"by": "수원시", "plan": "2년"},
    "kpis": [{"name": "litter", "unit": "kg/d", "baseline": 12.5, "target": 5}],
    "confidential": ["funding", "documents"],
}
NONCE = "0" * 32


@pytest.fixture
def site(city: City) -> Site:
    equipment = [{"kind": "camera", "count": 2, "operator": True}]
    return city.site(details={"equipment": equipment, "legal_basis": "스마트도시법", "exemptions": ["도로교통법"]})


@pytest.fixture
def call(city: City, site: Site) -> Call:
    made = city.call()
    city.to("2026-06-02T09:00")
    return made


@pytest.fixture
def consortia(city: City) -> Consortia:
    return Consortia(city.database, city.clock)


@pytest.fixture
def university(city: City) -> Actor:
    return city.people.actor(city.people.organisation("ajou", "university"), "applicant")


def test_details_are_kept_in_full(city: City, call: Call, site: Site) -> None:
    row = city.apply(call, [site], theme="environment", details=DETAILS)
    assert (row.theme, row.verdicts) == ("environment", [])
    assert row.details == DETAILS | {"funding": {"requested": 60_000_000, "own": 40_000_000, "other": 0}}


@pytest.mark.parametrize(("details", "field"), [
    ({"colour": 1}, "details"),
    ("many", "details"),
    ({"technology": "lidar"}, "details.technology"),
    ({"technology": ["x"] * 21}, "details.technology"),
    ({"region": "Suwon"}, "details.region"),
    ({"equipment": [{"kind": "a b"}]}, "details.equipment[0].kind"),
    ({"equipment": [{"kind": "camera", "count": 0}]}, "details.equipment[0].count"),
    ({"equipment": [{"kind": "camera", "operator": 1}]}, "details.equipment[0].operator"),
    ({"exemptions": [{"need": "all"}]}, "details.exemptions[0].law"),
    ({"funding": {"own": -1}}, "details.funding.own"),
    ({"funding": {"own": 1.5}}, "details.funding.own"),
    ({"maintenance": {"by": 5}}, "details.maintenance.by"),
    ({"kpis": [{"name": "x", "unit": "furlongs", "target": 1}]}, "details.kpis[0].unit"),
    ({"kpis": [{"name": "x", "unit": "%", "target": float("nan")}]}, "details.kpis[0].target"),
    ({"confidential": ["title"]}, "details.confidential"),
])  # fmt: skip
def test_wrong_details_are_refused_with_their_place(details: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(details)
    assert refused.value.field == field


def test_a_verdict_does_not_repeat_what_is_confidential(city: City) -> None:
    theirs = city.site(city.neighbour)
    call = city.call(terms={"rules": {"requested_max": 5, "documents": ["plan"], "regions": ["11"]}})
    city.to("2026-06-02T09:00")
    row = city.apply(call, [theirs], details=DETAILS | {"equipment": [], "exemptions": []})
    assert [one["code"] for one in city.applications.get(city.neighbour, row.id).verdicts] == ["region_outside"]
    assert len(city.applications.get(city.operator, row.id).verdicts) == 3


def test_a_theme_is_one_of_those_that_demands_have(city: City, call: Call, site: Site) -> None:
    with pytest.raises(Invalid) as refused:
        city.apply(call, [site], theme="magic")
    assert refused.value.field == "theme"


def test_equipment_that_a_site_has_not_stands_against_it(city: City, call: Call, site: Site) -> None:
    more = {"equipment": [{"kind": "camera", "count": 3}]}
    row = city.apply(call, [site], details=more, submitted=False)
    assert [(one["code"], one["site"], one["expected"]) for one in row.verdicts] == [
        ("equipment_missing", site.id, "at most 2")
    ]  # fmt: skip


@pytest.mark.parametrize(("who", "sees"), [
    ("company", True), ("planner", True), ("operator", True), ("auditor", True), ("neighbour", False),
])  # fmt: skip
def test_confidential_parts_are_not_for_municipalities_of_sites(city: City, site: Site, who: str, sees: bool) -> None:
    theirs = city.site(city.neighbour)
    both = city.call()
    city.to("2026-06-02T09:00")
    row = city.apply(both, [theirs], details=DETAILS | {"equipment": []})
    for seen in (city.applications.get(getattr(city, who), row.id),
                 *city.applications.list(getattr(city, who), both.slug)):  # fmt: skip
        assert seen.details is not None
        assert ("funding" in seen.details) is sees
        assert seen.details["technology"] == DETAILS["technology"]
    assert city.applications.get(city.company, row.id).details is not None


def test_all_of_a_consortium_confirm_before_it_is_handed_in(
    city: City, call: Call, site: Site, consortia: Consortia, university: Actor
) -> None:
    row = city.apply(call, [site], submitted=False)
    with pytest.raises(NotFound):
        city.applications.get(university, row.id)
    assert consortia.ask(city.company, row.id, "ajou", "measures").state == "asked"
    assert city.applications.get(university, row.id).title == row.title
    with pytest.raises(Conflict) as refused:
        city.applications.submit(city.company, row.id, NONCE)
    assert refused.value.code == "member_unconfirmed"
    assert consortia.answer(university, row.id, "ajou", "confirmed").state == "confirmed"
    assert city.applications.submit(city.company, row.id, NONCE).state == "submitted"
    assert [one.part for one in consortia.list(city.planner, row.id)] == ["measures"]


def told(city: City, event: str) -> list[tuple[int | None, dict[str, Any]]]:
    with city.database.read() as session:
        rows = session.scalars(select(Notice).where(Notice.event == event).order_by(Notice.id))
        return [(row.person_id, row.facts) for row in rows]


def test_the_applicant_is_told_what_an_asked_organisation_answers(
    city: City, call: Call, site: Site, consortia: Consortia, university: Actor
) -> None:
    row = city.apply(call, [site], submitted=False)
    consortia.ask(city.company, row.id, "ajou")
    for answer in ("confirmed", "declined"):
        consortia.answer(university, row.id, "ajou", answer)
    found = told(city, "consortium.answered")
    assert [(person, facts["answer"]["en"]) for person, facts in found] == [
        (city.company.person_id, "confirmed"), (city.company.person_id, "declined"),
    ]  # fmt: skip
    assert "답변: 참여를 확인함" in render("consortium.answered", found[0][1], "ko", ZoneInfo("Asia/Seoul"))[1]


def test_operators_alone_are_told_of_likely_duplicates(city: City, call: Call, site: Site) -> None:
    mine, theirs = _pair(city, call, site)
    found = told(city, "application.alike")
    assert [(person, facts["application_id"], facts["others"]) for person, facts in found] == [
        (city.operator.person_id, theirs.id, str(mine.id)),
    ]  # fmt: skip


def test_a_change_asks_the_consortium_anew(
    city: City, call: Call, site: Site, consortia: Consortia, university: Actor
) -> None:
    row = city.apply(call, [site], submitted=False)
    consortia.ask(city.company, row.id, "ajou")
    consortia.answer(university, row.id, "ajou", "confirmed")
    city.applications.edit(city.company, row.id, title="Bigger")
    assert [one.state for one in consortia.list(university, row.id)] == ["asked"]
    with pytest.raises(Conflict):
        city.applications.submit(city.company, row.id, NONCE)


def test_who_declines_takes_it_back_and_sees_it_no_more(
    city: City, call: Call, site: Site, consortia: Consortia, university: Actor
) -> None:
    row = city.apply(call, [site], submitted=False)
    consortia.ask(city.company, row.id, "ajou")
    consortia.answer(university, row.id, "ajou", "confirmed")
    city.applications.submit(city.company, row.id, NONCE)
    consortia.answer(university, row.id, "ajou", "declined")
    assert city.applications.get(city.company, row.id).state == "draft"
    with pytest.raises(NotFound):
        city.applications.get(university, row.id)
    consortia.remove(city.company, row.id, "ajou")
    assert city.applications.submit(city.company, row.id, "1" * 32).state == "submitted"


def test_only_the_asked_answer_and_only_the_applicant_asks(
    city: City, call: Call, site: Site, consortia: Consortia, university: Actor
) -> None:
    row = city.apply(call, [site], submitted=False)
    consortia.ask(city.company, row.id, "ajou")
    for actor, error in ((city.company, Forbidden), (city.rival, NotFound)):
        with pytest.raises(error):
            consortia.answer(actor, row.id, "ajou", "confirmed")
    with pytest.raises(Forbidden):
        consortia.ask(university, row.id, "drones")
    with pytest.raises(Forbidden):
        city.applications.edit(university, row.id, title="Ours")
    with pytest.raises(NotFound):
        consortia.answer(city.company, row.id, "robots", "confirmed")


@pytest.mark.parametrize(("slug", "error", "code"), [
    ("robots", Invalid, "invalid_value"), ("nobody", NotFound, "not_found"), ("ajou", Conflict, "member_asked"),
])  # fmt: skip
def test_who_cannot_be_asked(city: City, call: Call, site: Site, consortia: Consortia, university: Actor, slug: str,
                             error: type[Any], code: str) -> None:  # fmt: skip
    row = city.apply(call, [site], submitted=False)
    consortia.ask(city.company, row.id, "ajou")
    with pytest.raises(error) as refused:
        consortia.ask(city.company, row.id, slug)
    assert refused.value.code == code


def test_a_consortium_stands_once_the_call_is_closed(
    city: City, call: Call, site: Site, consortia: Consortia, university: Actor
) -> None:
    row = city.apply(call, [site], submitted=False)
    consortia.ask(city.company, row.id, "ajou")
    city.to("2026-06-30T18:00")
    for act in (
        lambda: consortia.answer(university, row.id, "ajou", "confirmed"),
        lambda: consortia.ask(city.company, row.id, "drones"),
        lambda: consortia.remove(city.company, row.id, "ajou"),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "call_not_open"


def test_a_rule_about_the_consortium_is_judged(city: City, site: Site, consortia: Consortia, university: Actor) -> None:
    call = city.call(terms={"rules": {"consortium": {"least": 2, "kinds": ["university"]}}})
    city.to("2026-06-02T09:00")
    row = city.apply(call, [site], submitted=False)
    assert [one["code"] for one in row.verdicts] == ["consortium_too_small", "consortium_kind_missing"]
    consortia.ask(city.company, row.id, "ajou")
    consortia.answer(university, row.id, "ajou", "confirmed")
    assert city.applications.submit(city.company, row.id, NONCE).verdicts == []


# likely duplicates

ONE = Described("safety", ["Edge AI", "lidar"], [1, 2], FIRST_WEEK, FIRST_WEEK + 4)


@pytest.mark.parametrize(("other", "expected"), [
    (ONE, Likeness(100, 100, 100, 100)),
    (Described("care", ["radar"], [3], FIRST_WEEK + 4, FIRST_WEEK + 8), Likeness(0, 0, 0, 0)),
    (Described("safety", ["LIDAR sensors"], [2, 3], FIRST_WEEK + 2, FIRST_WEEK + 6), Likeness(100, 50, 50, 50)),
    (Described(None, [], [], FIRST_WEEK, FIRST_WEEK), Likeness(0, 0, 0, 0)),
])  # fmt: skip
def test_likeness_is_of_theme_technology_place_and_time(other: Described, expected: Likeness) -> None:
    assert likeness(ONE, other) == likeness(other, ONE) == expected


def test_the_likest_come_first_and_unlike_ones_not_at_all() -> None:
    half = Described("safety", ["lidar"], [9], FIRST_WEEK, FIRST_WEEK + 4)
    far = Described("care", [], [9], FIRST_WEEK, FIRST_WEEK + 4)
    assert [name for name, _ in likely(ONE, [(3, half), (2, far), (5, ONE), (4, ONE)], 3)] == [4, 5, 3]
    assert likely(ONE, [(1, ONE), (2, ONE)], 1)[0][0] == 1


def _pair(city: City, call: Call, site: Site) -> tuple[Application, Application]:
    like = {"theme": "environment", "details": {"technology": ["lidar"]}}
    return city.apply(call, [site], **like), city.apply(call, [site], city.rival, **like)


def test_a_rival_is_no_duplicate_that_an_applicant_learns_of(city: City, call: Call, site: Site) -> None:
    mine, theirs = _pair(city, call, site)
    duplicates = Duplicates(city.database)
    assert list(duplicates.of(city.company, mine.id)) == []
    for actor in (city.operator, city.planner):
        assert [(one.id, one.likeness.total) for one in duplicates.of(actor, mine.id)] == [(theirs.id, 100)]
    with pytest.raises(NotFound):
        duplicates.of(city.neighbour, mine.id)
    again = city.apply(call, [site], theme="environment", submitted=False)
    assert [one.id for one in duplicates.of(city.company, again.id)] == [mine.id]
    with pytest.raises(NotFound):
        duplicates.of(city.rival, mine.id)


def test_confidential_words_are_not_compared_for_who_may_not_read_them(city: City) -> None:
    theirs = city.site(city.neighbour)
    call = city.call()
    city.to("2026-06-02T09:00")
    hidden = {"technology": ["lidar"], "confidential": ["technology"]}
    mine = city.apply(call, [theirs], theme="safety", details=hidden)
    city.apply(call, [theirs], city.rival, theme="safety", details={"technology": ["lidar"]})
    duplicates = Duplicates(city.database)
    for actor, technology in ((city.operator, 100), (city.neighbour, 0)):
        (found,) = duplicates.of(actor, mine.id)
        assert (found.likeness.technology, found.likeness.place) == (technology, 100)
