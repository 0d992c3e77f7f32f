"""Appeals: in the window, against an input, answered or not, and the round that follows from what was upheld."""

from __future__ import annotations

from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.testbed.allocation.verify import verify
from gops.testbed.appeals.model import Appeal
from gops.testbed.model import Application, Call, Site
from tests.unit.testbed.conftest import City

END = "2026-07-16T00:00"


class Story:
    """One site for one of two: 9000 is placed, 7000 is not; a third is ineligible by its readiness."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.site: Site = city.site()
        self.call: Call = city.call(terms={"sites": [self.site.id]})
        city.to("2026-06-02T09:00")
        self.first: Application = city.apply(self.call, [self.site])
        self.second: Application = city.apply(self.call, [self.site], city.rival)
        self.unready: Application = city.apply(self.call, [self.site], city.rival, trl=1)
        city.scored(self.call, {self.first.id: 9000, self.second.id: 7000})
        city.published(self.call)

    def file(self, about: str = "score", row: Application | None = None, **options: Any) -> Appeal:
        wanted: dict[str, Any] = {"claimed": {"score": 9500}} if about == "score" else {}
        application = row or self.second
        return self.city.appeals.file(self.city.rival, application.id, about, "The sum is wrong.", **wanted | options)

    def states(self) -> tuple[str, str]:
        rows = {row.id: row.state for row in self.city.applications.list(self.city.operator)}
        return rows[self.first.id], rows[self.second.id]

    def rounds(self) -> list[tuple[int, str]]:
        return [(row.revision, row.state) for row in self.city.rounds.list(ANONYMOUS, self.call.slug)]


@pytest.fixture
def story(city: City) -> Story:
    return Story(city)


def test_without_an_appeal_a_round_becomes_final_by_itself(city: City, story: Story) -> None:
    assert city.settling.run() == 0
    city.to(END)
    assert city.settling.run() == 1
    assert (story.rounds(), story.states()) == ([(1, "final")], ("offered", "reserve"))
    assert city.settling.run() == 0


def test_an_upheld_score_makes_a_second_round_and_both_stay_public(city: City, story: Story) -> None:
    appeal = story.file()
    city.appeals.answer(city.planner, appeal.id, "upheld", "Indeed.")
    assert city.settling.run() == 0, "not before the window is over"
    city.to(END)
    assert city.settling.run() == 1
    assert (story.rounds(), story.states()) == ([(1, "superseded"), (2, "final")], ("reserve", "offered"))
    for revision in (1, 2):
        assert verify(city.rounds.file(ANONYMOUS, story.call.slug, revision)).is_true
    assert city.appeals.get(city.rival, appeal.id).corrected_at == city.clock.micros()
    assert len(city.offers.list(city.operator)) == 1


def test_a_dismissed_appeal_changes_nothing(city: City, story: Story) -> None:
    city.appeals.answer(city.planner, story.file().id, "dismissed", "The sum is right.")
    city.to(END)
    city.settling.run()
    assert (story.rounds(), story.states()) == ([(1, "final")], ("offered", "reserve"))


def test_unanswered_arithmetic_is_upheld_by_silence(city: City, story: Story) -> None:
    appeal = story.file()
    city.clock.move(microseconds=appeal.due_at - city.clock.micros())
    city.clocks.advance()
    found = city.appeals.get(city.rival, appeal.id)
    assert (found.state, found.decided_by, found.correction) == ("upheld", "silence", {"score": 9500})
    city.settling.run()
    assert story.states() == ("reserve", "offered")


def test_other_silence_goes_to_the_panel_and_the_round_waits(city: City, story: Story) -> None:
    appeal = story.file("conflict")
    city.clock.move(microseconds=appeal.due_at - city.clock.micros())
    city.clocks.advance()
    assert city.appeals.get(city.rival, appeal.id).state == "panel"
    city.to("2026-08-03T00:00")
    assert (city.settling.run(), story.rounds()) == (0, [(1, "published")])
    with pytest.raises(Conflict) as waits:
        city.rounds.finish(city.operator, story.call.slug, 1)
    assert waits.value.code == "appeals_open"
    with pytest.raises(Invalid) as lacking:
        city.appeals.rule(city.operator, appeal.id, "upheld", "A cousin scored.")
    assert (lacking.value.code, lacking.value.field) == ("appeal_incomplete", "correction.score")
    city.appeals.rule(city.operator, appeal.id, "upheld", "A cousin scored.", {"score": 9100})
    assert (city.settling.run(), story.states()) == (1, ("reserve", "offered"))


def test_a_verdict_that_was_wrong_lets_an_application_in(city: City, story: Story) -> None:
    appeal = story.file("eligibility", story.unready)
    with pytest.raises(Invalid):
        city.appeals.answer(city.planner, appeal.id, "upheld", "It is ready.")
    city.appeals.answer(city.planner, appeal.id, "upheld", "It is ready.", {"score": 9900})
    city.to(END)
    city.settling.run()
    states = {row.id: row.state for row in city.applications.list(city.operator)}
    assert (states[story.unready.id], story.states()) == ("offered", ("reserve", "reserve"))


def test_a_capacity_that_was_wrong_makes_room(city: City, story: Story) -> None:
    appeal = story.file("capacity", site=story.site.id, claimed={"resource": "area_m2", "amount": 120})
    city.appeals.answer(city.operator, appeal.id, "upheld", "Measured again.")
    city.to(END)
    city.settling.run()
    assert story.states() == ("offered", "offered")


def test_a_missing_reason_is_written_anew(city: City, story: Story) -> None:
    city.appeals.answer(city.planner, story.file("reason").id, "upheld", "It was left out.")
    city.to(END)
    city.settling.run()
    assert (story.rounds()[-1], story.states()) == ((2, "final"), ("offered", "reserve"))


def test_appeals_are_taken_until_the_window_ends(city: City, story: Story) -> None:
    assert city.appeals.window(ANONYMOUS, story.call.slug, 1) == city.clock.micros() + (14 * 24 + 15) * 3_600_000_000
    city.to(END)
    with pytest.raises(Conflict) as late:
        story.file()
    assert late.value.code == "appeals_closed"


def test_what_an_appeal_must_say(city: City, story: Story) -> None:
    for wrong, code in (
        ({"about": "luck"}, "invalid_value"),
        ({"claimed": {}}, "appeal_incomplete"),
        ({"claimed": {"score": 10_001}}, "invalid_value"),
        ({"claimed": {"score": 1, "site": 2}}, "unknown_field"),
        ({"about": "capacity", "claimed": {"resource": "area_m2", "amount": 1}}, "appeal_incomplete"),
        ({"site": story.site.id}, "invalid_value"),
    ):
        with pytest.raises(Invalid) as refused:
            story.file(**{"about": "score", **wrong})  # type: ignore[arg-type]
        assert refused.value.code == code, wrong
    story.file()
    with pytest.raises(Conflict) as twice:
        story.file()
    assert twice.value.code == "appeal_filed"


def test_who_files_answers_and_rules(city: City, story: Story) -> None:
    with pytest.raises((NotFound, Unauthenticated)):
        city.appeals.file(ANONYMOUS, story.second.id, "reason", "x")
    with pytest.raises(NotFound):
        city.appeals.file(city.company, story.second.id, "reason", "x")
    with pytest.raises(Forbidden):
        city.appeals.file(city.planner, story.second.id, "reason", "x")
    appeal = story.file()
    for actor in (city.rival, city.company, city.neighbour, city.auditor):
        with pytest.raises(Forbidden):
            city.appeals.answer(actor, appeal.id, "dismissed", "no")
    city.appeals.answer(city.operator, appeal.id, "panel", "Let others see.")
    with pytest.raises(Forbidden) as own:
        city.appeals.rule(city.operator, appeal.id, "dismissed", "no")
    assert own.value.code == "own_answer"
    with pytest.raises(Forbidden):
        city.appeals.rule(city.planner, appeal.id, "dismissed", "no")
    other = city.people.actor(city.gops, "operator")
    assert city.appeals.rule(other, appeal.id, "dismissed", "The sum is right.").state == "dismissed"
    with pytest.raises(Conflict):
        city.appeals.answer(city.planner, appeal.id, "upheld", "late")


def test_an_appeal_is_public_without_its_words_and_its_name(city: City, story: Story) -> None:
    appeal = story.file()
    (shown,) = city.appeals.list(ANONYMOUS, story.call.slug)
    assert (shown.about, shown.state, shown.text, shown.application_id) == ("score", "filed", "", 0)
    for actor in (city.rival, city.planner, city.auditor):
        assert city.appeals.get(actor, appeal.id).text == "The sum is wrong."
    assert city.appeals.get(city.company, appeal.id).text == ""
