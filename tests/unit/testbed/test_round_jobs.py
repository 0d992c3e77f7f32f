"""Mechanisms of a call from its terms to its round; runs that nobody waits for; marks and groups."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, Invalid, NotFound
from gops.jobs import Jobs
from gops.testbed import mechanisms
from gops.testbed.allocation.apart import Progress
from gops.testbed.allocation.verify import verify
from gops.testbed.marks import Marks
from gops.testbed.model import Call
from gops.testbed.round_jobs import LEASE, RoundJobs
from tests.unit.testbed.conftest import City

FUNDING = {"funding": {"requested": 30_000_000}}


class Story:
    """One site of 100 m2; four applications of 60 m2 in its first two weeks, of two companies."""

    def __init__(self, city: City, mechanism: str, **allocation: Any) -> None:
        self.city = city
        self.jobs = RoundJobs(city.database, city.clock, city.settings, city.rounds)
        self.marks = Marks(city.database, city.clock)
        self.sites = [city.site() for _ in range(2)]
        terms = {"sites": [site.id for site in self.sites], "mechanism": mechanism, "allocation": allocation}
        self.call: Call = city.call(terms=terms)
        city.to("2026-06-02T09:00")
        first, second = self.sites
        self.rows = [
            city.apply(self.call, [first], details=FUNDING),
            city.apply(self.call, [first, second], city.rival, details=FUNDING),
            city.apply(self.call, [second], city.rival, theme="energy", details=FUNDING),
            city.apply(self.call, [second, first], theme="energy", details=FUNDING),
        ]
        city.to("2026-07-01T09:00")

    def scored(self) -> Story:
        scores = dict(zip([row.id for row in self.rows], (9000, 8000, 7000, 6000), strict=True))
        self.city.scores.enter(self.city.planner, self.call.slug, scores)
        self.city.scores.finish(self.city.planner, self.call.slug)
        return self

    def placed(self, revision: int = 1) -> list[int]:
        """Which of the applications, by their numbers."""
        city = self.city
        data = city.rounds.file(city.operator, self.call.slug, revision)
        assert verify(data).is_true
        key = city.rounds.key(city.auditor, self.call.slug)["applications"]
        ids = [row.id for row in self.rows]
        return sorted(ids.index(key[name]) for name, site, _ in json.loads(data)["outcome"] if site is not None)

    def ordered(self, kind: str = "round") -> Any:
        job = self.jobs.order(self.city.operator, self.call.slug, kind, 30)
        assert self.jobs.run() == 1
        return self.jobs.get(self.city.operator, self.call.slug, job.id)


def test_a_fair_round_is_computed_verified_and_published(city: City) -> None:
    story = Story(city, "fair").scored()
    made = city.published(story.call)
    assert (made.mechanism, made.state, made.report["envy_pairs"]) == ("fair 1", "published", 0)
    assert story.placed() == [0, 1]
    assert "점수 60.00, 배정 최저 점수 80.00" in "\n".join(
        line
        for name in city.rounds.key(city.operator, story.call.slug)["applications"]
        for line in city.rounds.explain(city.operator, story.call.slug, 1, name, "ko")["text"]
    )


def test_optimal_is_a_run_that_is_ordered(city: City) -> None:
    story = Story(city, "optimal", limits=[{"kind": "company", "key": "*", "most": 1}]).scored()
    with pytest.raises(Conflict) as refused:
        city.rounds.compute_at_once(city.operator, story.call.slug)
    assert refused.value.code == "runs_long"
    job = story.ordered()
    assert (job.state, job.revision, job.reason) == ("done", 1, "")
    assert [stage[0] for stage in city.rounds.get(city.operator, story.call.slug, 1).report["stages"]] == [
        "scores", "ranks", "starts"
    ]  # fmt: skip
    assert story.placed() == [0, 1]
    assert city.rounds.publish(city.operator, story.call.slug, 1).state == "published"


def test_a_budget_takes_what_applications_request(city: City) -> None:
    story = Story(city, "ranked", budget=50_000_000).scored()
    assert city.published(story.call).placed == 1
    text = "\n".join(
        line
        for name in city.rounds.key(city.operator, story.call.slug)["applications"]
        for line in city.rounds.explain(city.operator, story.call.slug, 1, name, "ko")["text"]
    )
    assert "예산 부족" in text


def test_companies_stand_in_the_file_as_pseudonyms(city: City) -> None:
    story = Story(city, "ranked", limits=[{"kind": "company", "key": "robots", "most": 0}]).scored()
    city.published(story.call)
    assert story.placed() == [1, 2]
    text = city.rounds.file(city.operator, story.call.slug, 1).decode()
    assert "robots" not in text
    assert "drones" not in text


def test_labels_open_a_share_and_are_the_owners_to_give(city: City) -> None:
    share = {"label": "first_timer", "places": 1, "by": "score"}
    story = Story(city, "ranked", shares=[share])
    with pytest.raises((Forbidden, NotFound)):
        story.marks.put(city.company, story.call.slug, {story.rows[3].id: ["first_timer"]}, {})
    with pytest.raises(Invalid) as refused:
        story.marks.put(city.planner, story.call.slug, {story.rows[3].id: ["famous"]}, {})
    assert refused.value.field == f"labels.{story.rows[3].id}"
    story.marks.put(city.planner, story.call.slug, {story.rows[3].id: ["first_timer"]}, {})
    story.scored()
    city.published(story.call)
    assert story.placed() == [0, 3]


def test_joint_pilots_are_placed_together_or_not(city: City) -> None:
    story = Story(city, "optimal", groups=True)
    a, b, c, _d = (row.id for row in story.rows)
    marked = story.marks.put(city.planner, story.call.slug, {}, {"all": ["both", c], "both": [a, b]})
    assert [(row.application_id, row.group) for row in marked] == [(a, "all"), (b, "all"), (c, "all")]
    story.scored()
    assert story.ordered().state == "done"
    assert story.placed() == [3]


@pytest.mark.parametrize(("groups", "code"), [
    ({"a": []}, "bad_group"),
    ({"a": [1]}, "bad_group"),
    ({"a": [1, 2], "b": [2, 3]}, "bad_group"),
    ({"a": [1.5, 2]}, "bad_group"),
    ({"a": ["b", 1], "b": ["a", 2]}, "cyclic_group"),
    ({"a": ["a", 1]}, "cyclic_group"),
    ({"a": [1, 2, "b"], "b": ["c"], "c": ["b"]}, "cyclic_group"),
    ({"a": ["z", 1]}, "unknown_group"),
])  # fmt: skip
def test_groups_that_are_empty_alone_shared_or_in_a_circle_are_refused(groups: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        mechanisms.flatten(groups)
    assert refused.value.code == code


@pytest.mark.parametrize("mechanism", ["ranked", "fair"])
@pytest.mark.parametrize(("section", "field"), [
    ({"groups": True}, "terms.allocation.groups"),
    ({"limits": [{"kind": "theme", "key": "energy", "least": 1}]}, "terms.allocation.limits[0].least"),
    ({"fairness": "resource"}, "terms.allocation.fairness"),
])  # fmt: skip
def test_a_mix_that_only_optimal_has_is_refused_in_the_terms(mechanism: str, section: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        mechanisms.read(section, mechanism)
    assert (refused.value.code, refused.value.field) == ("needs_optimal", field)
    assert mechanisms.read(section, "optimal")


def test_fairness_by_resource_is_refused_beside_joint_pilots_of_whom_it_protects_none() -> None:
    with pytest.raises(Invalid) as refused:
        mechanisms.read({"fairness": "resource", "groups": True}, "optimal")
    assert (refused.value.code, refused.value.field) == ("fairness_of_groups", "terms.allocation.fairness")


@pytest.mark.parametrize(("section", "field"), [
    ({"colour": 1}, "terms.allocation"),
    ({"budget": -1}, "terms.allocation.budget"),
    ({"limits": [{"kind": "week", "key": "x"}]}, "terms.allocation.limits[0].kind"),
    ({"limits": [{"kind": "theme", "key": "*", "least": 1}]}, "terms.allocation.limits[0].least"),
    ({"limits": [{"kind": "theme", "key": "x", "least": 3, "most": 2}]}, "terms.allocation.limits[0].most"),
    ({"limits": [{"kind": "theme", "key": "x"}] * 2}, "terms.allocation.limits[1]"),
    ({"shares": [{"label": "Big", "places": 1}]}, "terms.allocation.shares[0].label"),
    ({"shares": [{"label": "small", "places": 0}]}, "terms.allocation.shares[0].places"),
    ({"shares": [{"label": "small", "places": 1, "by": "height"}]}, "terms.allocation.shares[0].by"),
    ({"groups": 1}, "terms.allocation.groups"),
])  # fmt: skip
def test_a_wrong_section_is_refused_with_its_place(section: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        mechanisms.read(section, "optimal")
    assert refused.value.field == field


def test_a_comparison_tells_figures_of_every_mechanism_and_makes_no_round(city: City) -> None:
    story = Story(city, "ranked").scored()
    result = story.ordered("compare").result
    rows = {(row["mechanism"], row["fairness"]): row for row in result["rows"]}
    assert all(row["verified"] and row["placed"] == 2 for row in rows.values())
    assert rows["optimal", "none"]["scores"] == rows["ranked", "none"]["scores"] == 17_000
    assert (rows["fair", "none"]["envy_pairs"], rows["fair", "none"]["price"]) == (0, 0)
    assert list(city.rounds.list(city.operator, story.call.slug)) == []
    assert story.jobs.comparison(city.operator, story.call.slug).result == result


def test_one_run_of_a_call_at_a_time_and_it_can_be_cancelled(city: City) -> None:
    story = Story(city, "optimal").scored()
    slug = story.call.slug
    job = story.jobs.order(city.operator, slug, "round")
    with pytest.raises(Conflict) as refused:
        story.jobs.order(city.operator, slug, "compare")
    assert refused.value.code == "run_open"
    assert story.jobs.cancel(city.operator, slug, job.id).state == "cancelled"
    assert story.jobs.run() == 0
    with pytest.raises(Conflict):
        story.jobs.cancel(city.operator, slug, job.id)


def test_a_run_sees_that_it_was_cancelled_and_leaves_no_round(city: City) -> None:
    story = Story(city, "optimal").scored()
    job = story.jobs.order(city.operator, story.call.slug, "round")
    looked = story.jobs.look

    def cancel_first(job_id: int, progress: Progress) -> bool:
        story.jobs.cancel(city.operator, story.call.slug, job_id)
        return looked(job_id, progress)

    story.jobs.look = cancel_first  # type: ignore[method-assign]
    assert story.jobs.run() == 1
    assert story.jobs.get(city.operator, story.call.slug, job.id).state == "cancelled"
    assert list(city.rounds.list(city.operator, story.call.slug)) == []


def test_a_run_whose_process_died_begins_once_more_and_then_fails(city: City) -> None:
    story = Story(city, "optimal").scored()
    job = story.jobs.order(city.operator, story.call.slug, "round")
    for expected in ("waiting", "failed"):
        assert story.jobs._take() == job.id
        city.clock.move(microseconds=LEASE + 1)
        story.jobs._reclaim()
        assert story.jobs.get(city.operator, story.call.slug, job.id).state == expected


def test_the_scheduler_runs_what_is_ordered_and_what_it_leaves_waits_again(city: City) -> None:
    story = Story(city, "ranked").scored()
    operator, slug = city.operator, story.call.slug
    scheduler = Jobs(city.settings.zone, 1)
    story.jobs.start(scheduler)
    scheduler.start()
    try:
        job = story.jobs.order(operator, slug, "round")
        until = time.monotonic() + 20
        while story.jobs.get(operator, slug, job.id).state in ("waiting", "running") and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        scheduler.stop()
    assert story.jobs.get(operator, slug, job.id).state == "done"
    left = story.jobs.order(operator, slug, "compare")
    assert story.jobs._take() == left.id
    assert story.jobs.look(left.id, Progress()) is False
    assert story.jobs.get(operator, slug, left.id).state == "waiting"


@pytest.mark.parametrize(("kind", "seconds", "field"), [("guess", 1, "kind"), ("round", 0, "seconds"),
                                                        ("round", 10**6, "seconds")])  # fmt: skip
def test_a_wrong_order_is_refused(city: City, kind: str, seconds: int, field: str) -> None:
    story = Story(city, "ranked").scored()
    with pytest.raises(Invalid) as refused:
        story.jobs.order(city.operator, story.call.slug, kind, seconds)
    assert refused.value.field == field


def test_runs_are_the_operators(city: City) -> None:
    story = Story(city, "ranked").scored()
    for actor in (city.planner, city.company, city.auditor):
        with pytest.raises(Forbidden):
            story.jobs.order(actor, story.call.slug, "round")
        with pytest.raises(Forbidden):
            story.jobs.list(actor, story.call.slug)
