"""Questions to a call are public with their answers; errata change wording or extend the call, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.records import events
from gops.testbed.errata import Errata
from gops.testbed.model import Call
from gops.testbed.questions import Questions
from tests.unit.testbed.conftest import City, at


@pytest.fixture
def call(city: City) -> Call:
    """Published, and open."""
    city.site()
    made = city.call()
    city.to("2026-06-02T09:00")
    return made


@pytest.fixture
def questions(city: City) -> Questions:
    return Questions(city.database, city.clock, city.settings)


@pytest.fixture
def errata(city: City) -> Errata:
    return Errata(city.database, city.clock, city.settings)


def kinds(city: City) -> list[str]:
    with city.database.read() as session:
        return [event.kind for event in events.since(session, 0)]


def test_deadlines_follow_from_the_close_in_working_days(city: City, call: Call) -> None:
    """30 June 2026 is a Tuesday; 17 July is a holiday."""
    assert call.questions_until == at("2026-06-23T18:00")
    assert call.answers_until == at("2026-06-26T18:00")
    assert call.review_until == at("2026-07-29T18:00")


def test_a_call_says_how_long_its_deadlines_are(city: City) -> None:
    city.site()
    call = city.call(terms={"timetable": {"questions": 0, "answers": 0, "review": 1}})
    assert (call.questions_until, call.review_until) == (call.closes_at, at("2026-07-01T18:00"))
    assert call.terms["timetable"]["appeals"] == city.settings.appeal_days


@pytest.mark.parametrize(("timetable", "field"), [
    ({"questions": 1}, "terms.timetable.questions"), ({"review": -1}, "terms.timetable.review"),
    ({"offers": 0}, "terms.timetable.offers"), ({"lunch": 1}, "terms.timetable"), ("soon", "terms.timetable"),
])  # fmt: skip
def test_a_wrong_timetable_is_refused_with_its_place(city: City, timetable: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        city.call(published=False, terms={"timetable": timetable})
    assert refused.value.field == field


def test_a_question_and_its_answer_are_public(city: City, call: Call, questions: Questions) -> None:
    asked = questions.ask(city.rival, call.slug, "Is there water?")
    assert [(row.text, row.answer) for row in questions.list(ANONYMOUS, call.slug)] == [("Is there water?", None)]
    questions.answer(city.planner, call.slug, asked.id, "There is.")
    assert [row.answer for row in questions.list(ANONYMOUS, call.slug)] == ["There is."]
    assert {"question.asked", "question.answered"} <= set(kinds(city))


def test_questions_need_a_key_and_end_before_the_call(city: City, call: Call, questions: Questions) -> None:
    with pytest.raises(Unauthenticated):
        questions.ask(ANONYMOUS, call.slug, "Hello?")
    city.to("2026-06-23T17:59:59")
    asked = questions.ask(city.rival, call.slug, "In time?")
    city.to("2026-06-23T18:00")
    with pytest.raises(Conflict) as refused:
        questions.ask(city.rival, call.slug, "Late?")
    assert refused.value.code == "questions_closed"
    assert questions.answer(city.planner, call.slug, asked.id, "Yes.").answer == "Yes."


@pytest.mark.parametrize(("who", "error"), [
    ("neighbour", Forbidden), ("company", Forbidden), ("operator", Forbidden), ("anonymous", Unauthenticated),
])  # fmt: skip
def test_only_the_owner_answers_and_corrects(
    city: City, call: Call, questions: Questions, errata: Errata, who: str, error: type[GopsError]
) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    asked = questions.ask(city.company, call.slug, "Is there water?")
    with pytest.raises(error):
        questions.answer(actor, call.slug, asked.id, "No.")
    with pytest.raises(error):
        errata.publish(actor, call.slug, "오타", "A slip", title_en="Mine")


def test_an_answer_stands(city: City, call: Call, questions: Questions) -> None:
    asked = questions.ask(city.company, call.slug, "Is there water?")
    questions.answer(city.planner, call.slug, asked.id, "No.")
    with pytest.raises(Conflict) as refused:
        questions.answer(city.planner, call.slug, asked.id, "Yes.")
    assert refused.value.code == "already_answered"


def test_a_question_belongs_to_its_call(city: City, call: Call, questions: Questions) -> None:
    other = city.call(closes_at=at("2026-07-15T18:00"))
    asked = questions.ask(city.company, call.slug, "Is there water?")
    for question in (asked.id, 0, 10**6):
        with pytest.raises(NotFound):
            questions.answer(city.planner, other.slug, question, "No.")


@pytest.mark.parametrize("bound", ["call_questions", "call_own_questions"])
def test_questions_are_bounded(city: City, call: Call, bound: str) -> None:
    narrow = Questions(city.database, city.clock, replace(city.settings, **{bound: 1}))
    narrow.ask(city.company, call.slug, "One?")
    with pytest.raises(Conflict) as refused:
        narrow.ask(city.company, call.slug, "Two?")
    assert f"GOPS_{bound.upper()}" in str(refused.value.expected)


def test_nobody_asks_a_call_that_is_not_public(city: City, questions: Questions) -> None:
    draft = city.call(published=False)
    with pytest.raises(NotFound):
        questions.ask(city.rival, draft.slug, "What is coming?")
    with pytest.raises(Conflict):
        questions.ask(city.planner, draft.slug, "Hm?")


def test_an_erratum_changes_wording_and_says_what_it_was(city: City, call: Call, errata: Errata) -> None:
    before = call.terms_hash
    made = errata.publish(city.planner, call.slug, "영문 제목 오타", "A slip in the title", title_en="The call")
    assert made.changes == {"title_en": ["A call", "The call"]}
    shown = city.calls.get(ANONYMOUS, call.slug)
    assert (shown.title_en, shown.terms_hash, shown.closes_at) == ("The call", before, call.closes_at)
    assert [row.id for row in errata.list(ANONYMOUS, call.slug)] == [made.id]
    assert "call.corrected" in kinds(city)


def test_an_erratum_extends_the_call_by_7_days_or_more_and_its_deadlines_move(
    city: City, call: Call, errata: Errata
) -> None:
    for early in ("2026-07-07T17:59", "2026-06-29T18:00"):
        with pytest.raises(Invalid) as refused:
            errata.publish(city.planner, call.slug, "연장", "Extended", closes_at=at(early))
        assert (refused.value.code, refused.value.field) == ("extension_too_short", "closes_at")
    errata.publish(city.planner, call.slug, "연장", "Extended", closes_at=at("2026-07-07T18:00"))
    shown = city.calls.get(ANONYMOUS, call.slug)
    assert (shown.closes_at, shown.questions_until) == (at("2026-07-07T18:00"), at("2026-06-30T18:00"))


@pytest.mark.parametrize(("change", "code"), [
    ({}, "nothing_to_change"),
    ({"title_en": "A call"}, "nothing_to_change"),
    ({"closes_at": at("2026-09-07T00:00")}, "bad_timetable"),
    ({"title_en": "x" * 201}, "invalid_value"),
])  # fmt: skip
def test_a_wrong_erratum_is_refused(city: City, call: Call, errata: Errata, change: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        errata.publish(city.planner, call.slug, "오타", "A slip", **change)
    assert refused.value.code == code


def test_a_draft_or_a_closed_call_has_no_errata(city: City, call: Call, errata: Errata) -> None:
    draft = city.call(published=False, closes_at=at("2026-08-01T18:00"))
    city.to("2026-06-30T18:00")
    for slug in (draft.slug, call.slug):
        with pytest.raises(Conflict) as refused:
            errata.publish(city.planner, slug, "오타", "A slip", title_en="Late")
        assert refused.value.code == "call_not_open"


def test_errata_are_bounded(city: City, call: Call) -> None:
    narrow = Errata(city.database, city.clock, replace(city.settings, call_errata=1))
    narrow.publish(city.planner, call.slug, "오타", "A slip", title_en="One")
    with pytest.raises(Conflict) as refused:
        narrow.publish(city.planner, call.slug, "오타", "A slip", title_en="Two")
    assert "GOPS_CALL_ERRATA" in str(refused.value.expected)


def test_applicants_can_be_told_that_a_call_is_cancelled(city: City, call: Call) -> None:
    city.calls.cancel(city.planner, call.slug, "no budget")
    assert "call.cancelled" in kinds(city)
