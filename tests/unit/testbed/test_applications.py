"""Applications: written, handed in and taken back until the call closes; seen by those who may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.settings import Settings
from gops.testbed.applications import Applications
from gops.testbed.model import Call, Site
from tests.unit.testbed.conftest import FIRST_WEEK, City


@pytest.fixture
def site(city: City) -> Site:
    return city.site()


@pytest.fixture
def call(city: City, site: Site) -> Call:
    """Open."""
    made = city.call()
    city.to("2026-06-02T09:00")
    return made


def test_an_application_is_written_and_handed_in(city: City, call: Call, site: Site) -> None:
    draft = city.apply(call, [site], submitted=False, band="b920")
    assert (draft.state, draft.sites, draft.needs) == ("draft", [site.id], {"area_m2": 60, "power_w": 100})
    assert (draft.verdicts, draft.nonce) == ([], None)
    handed_in = city.applications.submit(city.company, draft.id, "0f" * 16)
    assert (handed_in.state, handed_in.nonce) == ("submitted", bytes([15] * 16))
    assert handed_in.submitted_at == city.clock.micros()


@pytest.mark.parametrize(("change", "field", "code"), [
    ({"title": ""}, "title", "invalid_value"),
    ({"needs": {"area_m2": 0}}, "needs.area_m2", "bad_need"),
    ({"needs": {"area_m2": -5}}, "needs.area_m2", "bad_need"),
    ({"needs": {"area_m2": 5, "power_w": 0}}, "needs.power_w", "bad_need"),
    ({"needs": {"power_w": 5}}, "needs.area_m2", "bad_need"),
    ({"needs": {"area_m2": 1e3}}, "needs.area_m2", "bad_need"),
    ({"needs": {"area_m2": 10**10}}, "needs.area_m2", "bad_need"),
    ({"needs": {"area_m2": 5, "gold": 1}}, "needs.gold", "unknown_resource"),
    ({"duration": 0}, "duration", "invalid_value"),
    ({"duration": 13}, "duration", "invalid_value"),
    ({"last_start": FIRST_WEEK - 1}, "last_start", "window_reversed"),
    ({"first_start": FIRST_WEEK - 1}, "first_start", "window_outside"),
    ({"last_start": FIRST_WEEK + 11}, "last_start", "window_outside"),
    ({"sites": []}, "sites", "bad_ranks"),
    ({"sites": [10**6]}, "sites[0]", "site_not_in_call"),
    ({"sites": ["1"]}, "sites[0]", "site_not_in_call"),
    ({"sites": [True]}, "sites[0]", "site_not_in_call"),
    ({"sites": list(range(1, 30))}, "sites", "bad_ranks"),
    ({"band": "b433"}, "band", "invalid_value"),
    ({"trl": 0}, "trl", "invalid_value"),
    ({"trl": 10}, "trl", "invalid_value"),
    ({"summary": "x" * 2001}, "summary", "invalid_value"),
])  # fmt: skip
def test_a_wrong_application_is_refused_with_its_place(
    city: City, call: Call, site: Site, change: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        city.apply(call, [site], **change)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.expected


def test_the_last_start_that_still_ends_with_the_call_is_good(city: City, call: Call, site: Site) -> None:
    assert city.apply(call, [site], last_start=FIRST_WEEK + 10).last_start == FIRST_WEEK + 10


def test_a_site_is_ranked_once(city: City, call: Call, site: Site) -> None:
    with pytest.raises(Invalid) as refused:
        city.apply(call, [site, site])
    assert refused.value.code == "bad_ranks"


def test_a_site_of_no_call_is_not_ranked(city: City, call: Call) -> None:
    later = city.site()
    with pytest.raises(Invalid) as refused:
        city.apply(call, [later])
    assert refused.value.code == "site_not_in_call"


@pytest.mark.parametrize("state", ["paused", "withdrawn"])
def test_a_site_that_is_no_longer_offered_is_not_ranked(city: City, call: Call, site: Site, state: str) -> None:
    draft = city.apply(call, [site], submitted=False)
    city.sites.move(city.planner, site.id, state)
    for act in (lambda: city.apply(call, [site]), lambda: city.applications.submit(city.company, draft.id, "0" * 32)):
        with pytest.raises(Invalid) as refused:
            act()
        assert (refused.value.code, refused.value.field) == ("site_not_offered", "sites[0]")


@pytest.mark.parametrize("nonce", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, None, 5])
def test_a_nonce_is_16_bytes_in_hex(city: City, call: Call, site: Site, nonce: Any) -> None:
    draft = city.apply(call, [site], submitted=False)
    with pytest.raises(Invalid) as refused:
        city.applications.submit(city.company, draft.id, nonce)
    assert (refused.value.code, refused.value.field) == ("bad_nonce", "nonce")


def test_what_stands_against_it_is_told_at_once(city: City, call: Call, site: Site) -> None:
    row = city.apply(call, [site], needs={"area_m2": 101}, trl=3, submitted=False)
    assert [(verdict["code"], verdict["site"]) for verdict in row.verdicts] == [
        ("trl_below", None), ("capacity_too_small", site.id)
    ]  # fmt: skip


def test_only_feasible_sites_are_handed_in_and_others_say_why(city: City, call: Call, site: Site) -> None:
    wide = city.site(capacity={"area_m2": 500, "power_w": 10})
    both = city.call(closes_at=call.closes_at + 86_400_000_000)
    row = city.apply(both, [wide, site], needs={"area_m2": 101, "power_w": 5}, submitted=False)
    with pytest.raises(Invalid) as refused:
        city.applications.submit(city.company, row.id, "0" * 32)
    assert (refused.value.code, refused.value.field, refused.value.expected) == (
        "site_infeasible", "sites[1]", "at most 100"
    )  # fmt: skip
    reasons = {one: [verdict.code for verdict in against] for one, against in
               city.applications.sites(city.company, row.id)}  # fmt: skip
    assert reasons == {site.id: ["capacity_too_small"], wide.id: []}
    city.applications.edit(city.company, row.id, sites=[wide.id])
    assert city.applications.submit(city.company, row.id, "0" * 32).state == "submitted"


def test_a_nonce_is_used_once(city: City, call: Call, site: Site) -> None:
    row, other = city.apply(call, [site], submitted=False), city.apply(call, [site], submitted=False)
    city.applications.submit(city.company, row.id, "0" * 32)
    city.applications.take_back(city.company, row.id)
    for one in (row, other):
        with pytest.raises(Invalid) as refused:
            city.applications.submit(city.company, one.id, "0" * 32)
        assert refused.value.code == "nonce_used"


def test_a_draft_may_be_written_before_the_call_opens_but_not_handed_in(city: City, site: Site) -> None:
    call = city.call()
    draft = city.apply(call, [site], submitted=False)
    with pytest.raises(Conflict) as refused:
        city.applications.submit(city.company, draft.id, "0" * 32)
    assert (refused.value.code, refused.value.found) == ("call_not_open", "published")


def test_nothing_is_written_in_a_draft_of_a_call(city: City, site: Site) -> None:
    call = city.call(published=False)
    with pytest.raises(NotFound):
        city.apply(call, [site])


def test_it_is_taken_back_and_edited_and_handed_in_again(city: City, call: Call, site: Site) -> None:
    row = city.apply(call, [site])
    with pytest.raises(Conflict) as refused:
        city.applications.edit(city.company, row.id, title="Other")
    assert refused.value.code == "not_a_draft"
    assert city.applications.take_back(city.company, row.id).submitted_at is None
    edited = city.applications.edit(city.company, row.id, title="Other", needs={"area_m2": 5})
    assert (edited.title, edited.needs, edited.duration) == ("Other", {"area_m2": 5}, 2)
    assert city.applications.submit(city.company, row.id, "1" * 32).state == "submitted"


def test_a_band_is_taken_away_by_null(city: City, call: Call, site: Site) -> None:
    row = city.apply(call, [site], submitted=False, band="lora")
    assert city.applications.edit(city.company, row.id, title="Other").band == "lora"
    assert city.applications.edit(city.company, row.id, band=None).band is None


@pytest.mark.parametrize("act", ["edit", "submit", "take_back", "withdraw"])
def test_late_is_refused(city: City, call: Call, site: Site, act: str) -> None:
    row = city.apply(call, [site], submitted=act in ("take_back", "withdraw"))
    city.to("2026-06-30T18:00")
    arguments = {"edit": {"title": "Late"}, "submit": {"nonce": "0" * 32}}.get(act, {})
    with pytest.raises(Conflict) as refused:
        getattr(city.applications, act)(city.company, row.id, **arguments)
    assert (refused.value.code, refused.value.found) == ("call_not_open", "closed")


def test_one_microsecond_before_the_close_is_in_time(city: City, call: Call, site: Site) -> None:
    row = city.apply(call, [site], submitted=False)
    city.to("2026-06-30T18:00")
    city.clock.move(microseconds=-1)
    assert city.applications.submit(city.company, row.id, "0" * 32).state == "submitted"


def test_what_is_withdrawn_stays_so(city: City, call: Call, site: Site) -> None:
    row = city.apply(call, [site])
    assert city.applications.withdraw(city.company, row.id).state == "withdrawn"
    with pytest.raises(Conflict) as refused:
        city.applications.submit(city.company, row.id, "0" * 32)
    assert refused.value.code == "illegal_move"


def test_at_the_close_applications_are_judged(city: City, call: Call, site: Site) -> None:
    good, bad = city.apply(call, [site]), city.apply(call, [site], trl=3)
    draft = city.apply(call, [site], submitted=False)
    city.to("2026-07-01T09:00")
    city.calls.advance()
    states = {row.id: row.state for row in city.applications.list(city.company)}
    assert states == {good.id: "eligible", bad.id: "ineligible", draft.id: "draft"}


def test_a_site_that_closes_while_the_call_is_open_decides_at_the_close(city: City, call: Call, site: Site) -> None:
    other = city.site()
    both = city.call(terms={"sites": [site.id, other.id]}, closes_at=call.closes_at + 86_400_000_000)
    row = city.apply(both, [site, other])
    city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK, 2, "works")])
    city.to("2026-07-02T09:00")
    city.calls.advance()
    judged = city.applications.get(city.company, row.id)
    assert (judged.state, [verdict["code"] for verdict in judged.verdicts]) == ("eligible", ["closed"])


@pytest.mark.parametrize(("who", "sees"), [
    ("company", True), ("planner", True), ("operator", True), ("auditor", True),
    ("rival", False), ("neighbour", False), ("anonymous", False),
])  # fmt: skip
def test_who_sees_an_application_before_the_end(city: City, call: Call, site: Site, who: str, sees: bool) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    row = city.apply(call, [site])
    if who == "anonymous":
        with pytest.raises(Unauthenticated):
            city.applications.list(actor)
    else:
        assert [found.id for found in city.applications.list(actor)] == ([row.id] if sees else [])
    if sees:
        assert city.applications.get(actor, row.id).title == "Sweeping robots"
    else:
        with pytest.raises(NotFound):
            city.applications.get(actor, row.id)


def test_the_municipality_of_a_ranked_site_sees_it_in_anothers_call(city: City, site: Site) -> None:
    theirs = city.site(city.neighbour)
    call = city.call()
    city.to("2026-06-02T09:00")
    row, other = city.apply(call, [site, theirs]), city.apply(call, [site])
    assert [found.id for found in city.applications.list(city.neighbour)] == [row.id]
    with pytest.raises(NotFound):
        city.applications.get(city.neighbour, other.id)


def test_a_draft_is_the_applicants_alone(city: City, call: Call, site: Site) -> None:
    row = city.apply(call, [site], submitted=False)
    for actor in (city.planner, city.operator, city.auditor, city.rival, ANONYMOUS):
        with pytest.raises(NotFound):
            city.applications.get(actor, row.id)


@pytest.mark.parametrize(("who", "error"), [
    ("rival", NotFound), ("anonymous", NotFound), ("planner", Forbidden), ("operator", Forbidden),
])  # fmt: skip
def test_only_the_applicant_changes_it(city: City, call: Call, site: Site, who: str, error: type[GopsError]) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    row = city.apply(call, [site])
    for act in (
        lambda: city.applications.withdraw(actor, row.id),
        lambda: city.applications.take_back(actor, row.id),
        lambda: city.applications.edit(actor, row.id, title="Mine"),
        lambda: city.applications.submit(actor, row.id, "0" * 32),
    ):
        with pytest.raises(error):
            act()


@pytest.mark.parametrize(("who", "error"), [
    ("rival", Forbidden), ("planner", Forbidden), ("operator", Forbidden), ("anonymous", Unauthenticated),
])  # fmt: skip
def test_nobody_applies_for_another(city: City, call: Call, site: Site, who: str, error: type[GopsError]) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    written = city.apply(call, [site], submitted=False)
    with pytest.raises(error):
        city.applications.create(actor, call.slug, "robots", _draft(written))


def _draft(row: Any) -> Any:
    from gops.testbed.applications import Draft

    return Draft(row.title, row.sites, row.needs, row.duration, row.first_start, row.last_start, row.trl)


def test_a_key_without_the_scope_to_apply_does_not(city: City, call: Call, site: Site) -> None:
    reader = replace(city.company, scopes=frozenset({"data:read"}))
    written = city.apply(call, [site], submitted=False)
    with pytest.raises(Forbidden):
        city.applications.create(reader, call.slug, "robots", _draft(written))


@pytest.mark.parametrize("bound", ["call_own_applications", "call_applications"])
def test_applications_are_bounded(city: City, call: Call, site: Site, settings: Settings, bound: str) -> None:
    narrow = replace(settings, **{bound: 1})
    city.applications = Applications(city.database, city.clock, narrow)
    row = city.apply(call, [site])
    with pytest.raises(Conflict) as refused:
        city.apply(call, [site])
    assert f"GOPS_{bound.upper()}" in str(refused.value.expected)
    city.applications.withdraw(city.company, row.id)
    assert city.apply(call, [site]).state == "submitted"
