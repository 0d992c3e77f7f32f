"""Calls: their terms are frozen at publication, and the clock opens and closes them."""

from __future__ import annotations

from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.testbed.allocation import ties
from gops.testbed.allocation.roundfile import digest
from gops.testbed.calls import Calls
from tests.unit.testbed.conftest import City, at


def test_a_new_call_is_a_draft_with_its_terms_in_full(city: City) -> None:
    call = city.call(published=False)
    assert (call.state, call.terms_hash, call.operator_seed_hash) == ("draft", None, None)
    assert call.terms == {
        "mechanism": "ranked",
        "first_week": "2026-09-07",
        "weeks": 12,
        "shift_max": 8,
        "resources": ["area_m2", "power_w"],
        "criteria": [{"name": "impact", "weight": 60, "description": ""},
                     {"name": "plan", "weight": 40, "description": ""}],
        "rules": {"organisation_kinds": ["company", "university"], "trl_min": 4, "trl_max": None, "duration_max": 8,
                  "themes": [], "regions": [], "requested_max": None, "own_percent_min": None,
                  "consortium": {"least": None, "most": None, "kinds": []}, "documents": []},
        "timetable": {"questions": 5, "answers": 2, "review": 20, "offers": 10, "appeals": 10},
        "review": {"scoring": "panel", "reviews": 3},
        "allocation": {"fairness": "none", "limits": [], "shares": [], "budget": None, "groups": False},
        "bands": [{"id": "b920", "separation_m": 500}, {"id": "lora", "separation_m": 2000}],
        "sites": [],
    }  # fmt: skip


@pytest.mark.parametrize(("terms", "field", "code"), [
    ({"mechanism": "dice"}, "terms.mechanism", "unknown_mechanism"),
    ({"allocation": {"groups": True}}, "terms.allocation.groups", "needs_optimal"),
    ({"groups": []}, "terms.groups", "unknown_field"),
    ({"first_week": "2026-09-08"}, "terms.first_week", "bad_week"),
    ({"first_week": "2026-06-29"}, "terms.first_week", "bad_timetable"),
    ({"first_week": "2056-09-04"}, "terms.first_week", "bad_week"),
    ({"first_week": 7}, "terms.first_week", "bad_week"),
    ({"weeks": 0}, "terms.weeks", "invalid_value"),
    ({"weeks": 105}, "terms.weeks", "invalid_value"),
    ({"shift_max": -1}, "terms.shift_max", "invalid_value"),
    ({"criteria": []}, "terms.criteria", "bad_weights"),
    ({"criteria": [{"name": "a", "weight": 99}]}, "terms.criteria", "bad_weights"),
    ({"criteria": [{"name": "a", "weight": 0}]}, "terms.criteria[0].weight", "invalid_value"),
    ({"criteria": [{"weight": 100}]}, "terms.criteria[0].name", "invalid_value"),
    ({"criteria": [{"name": "a", "weight": 100, "secret": 1}]}, "terms.criteria[0]", "invalid_value"),
    ({"criteria": "impact"}, "terms.criteria", "invalid_value"),
    ({"rules": {"trl_min": 0}}, "terms.rules.trl_min", "invalid_value"),
    ({"rules": {"trl_min": 7, "trl_max": 5}}, "terms.rules.trl_max", "invalid_value"),
    ({"rules": {"duration_max": 13}}, "terms.rules.duration_max", "invalid_value"),
    ({"rules": {"organisation_kinds": ["pirates"]}}, "terms.rules.organisation_kinds", "invalid_value"),
    ({"rules": {"colour": "red"}}, "terms.rules", "invalid_value"),
    ({"rules": []}, "terms.rules", "invalid_value"),
    ({"rules": {"themes": ["magic"]}}, "terms.rules.themes", "invalid_value"),
    ({"rules": {"regions": ["41", "4a"]}}, "terms.rules.regions[1]", "invalid_value"),
    ({"rules": {"regions": ["41", "41"]}}, "terms.rules.regions", "invalid_value"),
    ({"rules": {"requested_max": -1}}, "terms.rules.requested_max", "invalid_value"),
    ({"rules": {"own_percent_min": 101}}, "terms.rules.own_percent_min", "invalid_value"),
    ({"rules": {"consortium": {"least": 0}}}, "terms.rules.consortium.least", "invalid_value"),
    ({"rules": {"consortium": {"least": 3, "most": 2}}}, "terms.rules.consortium.most", "invalid_value"),
    ({"rules": {"consortium": {"pirates": 2}}}, "terms.rules.consortium", "invalid_value"),
    ({"rules": {"documents": ["Plan!"]}}, "terms.rules.documents[0]", "invalid_value"),
    ({"rules": {"documents": "plan"}}, "terms.rules.documents", "invalid_value"),
    ({"bands": [{"id": "a"}, {"id": "a"}]}, "terms.bands[1].id", "invalid_value"),
    ({"bands": [{"id": "a", "separation_m": -1}]}, "terms.bands[0].separation_m", "invalid_value"),
    ({"bands": [{"id": "x" * 33}]}, "terms.bands[0].id", "invalid_value"),
    ({"sites": [0]}, "terms.sites[0]", "invalid_value"),
    ({"sites": [3, 3]}, "terms.sites", "invalid_value"),
    ({"sites": "all"}, "terms.sites", "invalid_value"),
])  # fmt: skip
def test_wrong_terms_are_refused_with_their_place(city: City, terms: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        city.call(published=False, terms=terms)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.expected


def test_a_call_closes_after_it_opens_and_before_its_first_week(city: City) -> None:
    with pytest.raises(Invalid) as refused:
        city.call(published=False, closes_at=at("2026-06-01T09:00"))
    assert (refused.value.code, refused.value.field) == ("bad_timetable", "closes_at")


def test_a_slug_is_one_calls(city: City) -> None:
    city.call(published=False, slug="spring")
    with pytest.raises(Conflict) as refused:
        city.call(published=False, slug="spring")
    assert refused.value.code == "slug_taken"


@pytest.mark.parametrize(("who", "error"), [
    ("neighbour", Forbidden), ("company", Forbidden), ("operator", Forbidden), ("anonymous", Unauthenticated),
])  # fmt: skip
def test_nobody_makes_a_call_of_another(city: City, who: str, error: type[GopsError]) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    made = city.call(published=False)
    with pytest.raises(error):
        city.calls.create(actor, "suwon", slug="mine", title_ko="가", title_en="A", opens_at=made.opens_at,
                          closes_at=made.closes_at, terms=dict(_asked(made)))  # fmt: skip


def _asked(call: Any) -> Any:
    return {key: value for key, value in call.terms.items() if key != "resources"}


def test_a_company_makes_no_calls(city: City) -> None:
    made = city.call(published=False)
    with pytest.raises(Forbidden) as refused:
        city.calls.create(city.people.actor(city.robots, "owner"), "robots", slug="mine", title_ko="가", title_en="A",
                          opens_at=made.opens_at, closes_at=made.closes_at, terms=_asked(made))  # fmt: skip
    assert refused.value.code == "not_a_municipality"


def test_the_operator_may_make_a_call_for_all(city: City) -> None:
    city.site()
    assert city.call(city.operator).organisation_id == city.gops.id


def test_a_draft_is_its_owners_alone(city: City) -> None:
    call = city.call(published=False)
    assert city.calls.get(city.planner, call.slug).id == call.id
    for actor in (ANONYMOUS, city.company, city.neighbour, city.operator):
        with pytest.raises(NotFound):
            city.calls.get(actor, call.slug)
        with pytest.raises(NotFound):
            city.calls.publish(actor, call.slug)
        assert list(city.calls.list(actor)) == []


def test_publication_freezes_the_terms_and_hashes_them(city: City) -> None:
    first, second = city.site(), city.site(city.neighbour)
    city.site(offered=False)
    call = city.call()
    assert call.terms["sites"] == [first.id, second.id]
    assert call.terms_hash == digest(call.terms)
    with pytest.raises(Conflict) as refused:
        city.calls.edit(city.planner, call.slug, title_en="Another")
    assert refused.value.code == "call_frozen"


def test_publication_commits_to_secrets_without_showing_them(city: City) -> None:
    city.site()
    call = city.call()
    shown = city.calls.get(ANONYMOUS, call.slug)
    assert {"operator_seed", "pseudonym_key"}.isdisjoint(vars(shown))
    with city.database.read() as session:
        kept = session.merge(call, load=False)
        assert kept.operator_seed is not None
        assert ties.commitment(kept.operator_seed) == shown.operator_seed_hash
        assert kept.pseudonym_key is not None
        assert ties.commitment(kept.pseudonym_key) == shown.pseudonym_key_hash
        assert kept.operator_seed != kept.pseudonym_key


def test_two_calls_draw_different_secrets(city: City) -> None:
    city.site()
    assert city.call().operator_seed_hash != city.call().operator_seed_hash


def test_a_call_names_only_sites_that_are_offered(city: City) -> None:
    city.site()
    hidden = city.site(offered=False)
    with pytest.raises(Invalid) as refused:
        city.call(terms={"sites": [hidden.id]})
    assert (refused.value.field, refused.value.found) == ("terms.sites", str(hidden.id))


def test_a_call_without_any_site_is_not_published(city: City) -> None:
    with pytest.raises(Invalid) as refused:
        city.call()
    assert refused.value.code == "site_not_offered"


def test_a_call_is_open_for_at_least_28_days(city: City) -> None:
    city.site()
    with pytest.raises(Invalid) as refused:
        city.call(closes_at=at("2026-06-29T08:59"))
    assert (refused.value.code, refused.value.field) == ("open_too_short", "closes_at")
    assert "GOPS_CALL_OPEN_DAYS" in str(refused.value.expected)
    assert city.call(closes_at=at("2026-06-29T09:00")).state == "published"


def test_time_that_passed_before_publication_does_not_count(city: City) -> None:
    city.site()
    call = city.call(published=False)
    city.to("2026-06-10T09:00")
    with pytest.raises(Invalid):
        city.calls.publish(city.planner, call.slug)


@pytest.mark.parametrize(("moment", "state"), [
    ("2026-06-01T08:59:59", "published"),
    ("2026-06-01T09:00:00", "open"),
    ("2026-06-30T17:59:59", "open"),
    ("2026-06-30T18:00:00", "closed"),
])  # fmt: skip
def test_the_clock_opens_and_closes_a_call(city: City, moment: str, state: str) -> None:
    city.site()
    call = city.call()
    city.to(moment)
    assert city.calls.get(ANONYMOUS, call.slug).state == state
    assert [row.slug for row in city.calls.list(ANONYMOUS, state=state)] == [call.slug]
    assert {row.state for row in city.calls.list(ANONYMOUS)} == {state}


def test_a_scheduler_writes_down_what_the_clock_says(city: City) -> None:
    city.site()
    call = city.call()
    assert city.calls.advance() == 0
    city.to("2026-07-01T09:00")
    assert city.calls.advance() == 1
    assert city.calls.advance() == 0
    assert _kept(city, call.slug) == "closed"


def _kept(city: City, slug: str) -> str:
    city.clock.move(days=-100)  # reading does not add what the clock would say
    return city.calls.get(ANONYMOUS, slug).state


def test_a_call_is_cancelled_with_a_reason_before_it_is_final(city: City) -> None:
    city.site()
    call = city.call()
    with pytest.raises(Invalid):
        city.calls.cancel(city.planner, call.slug, "")
    city.calls.cancel(city.planner, call.slug, "no budget")
    shown = city.calls.get(ANONYMOUS, call.slug)
    assert (shown.state, shown.reason) == ("cancelled", "no budget")
    with pytest.raises(Conflict) as refused:
        city.calls.cancel(city.planner, call.slug, "again")
    assert refused.value.code == "illegal_move"


def test_a_cancelled_draft_stays_hidden(city: City) -> None:
    call = city.call(published=False)
    city.calls.cancel(city.planner, call.slug, "a mistake")
    with pytest.raises(NotFound):
        city.calls.get(ANONYMOUS, call.slug)


def test_a_published_call_is_changed_by_its_owner_alone(city: City) -> None:
    city.site()
    call = city.call()
    for actor in (city.neighbour, city.company, city.operator):
        with pytest.raises(Forbidden):
            city.calls.cancel(actor, call.slug, "mine now")
    with pytest.raises(Unauthenticated):
        city.calls.cancel(ANONYMOUS, call.slug, "mine now")


def test_a_draft_is_edited(city: City) -> None:
    call = city.call(published=False)
    edited = city.calls.edit(city.planner, call.slug, title_en="Autumn", terms={**_asked(call), "weeks": 8,
                             "rules": {}})  # fmt: skip
    assert (edited.title_en, edited.terms["weeks"], edited.title_ko) == ("Autumn", 8, call.title_ko)
    with pytest.raises(Invalid) as refused:
        city.calls.edit(city.planner, call.slug, opens_at=at("2026-08-01T09:00"))
    assert refused.value.code == "bad_timetable"


def test_calls_need_nothing_but_records_and_a_clock(city: City) -> None:
    """Another process sees what this one did."""
    city.site()
    call = city.call()
    assert Calls(city.database, city.clock, city.settings).get(ANONYMOUS, call.slug).terms_hash == call.terms_hash
