"""What becomes of the datasets of a source, from run to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from gops.catalog.history.model import DatasetRevision
from gops.catalog.search.extents import Extents
from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound
from gops.permissions import ANONYMOUS
from gops.store.memory import MemoryStore
from tests.unit.catalog.conftest import World
from tests.unit.catalog.harvest.conftest import Harvesting, said

ADDRESS = "https://city.example/d/"


def counts(run: Any) -> dict[str, int]:
    names = ("added", "changed", "unchanged", "missing", "removed", "refused")
    return {name: getattr(run, name) for name in names if getattr(run, name)}


def test_datasets_of_a_source_are_public_and_say_what_it_says(harvesting: Harvesting) -> None:
    link = {
        "@type": "dcat:Distribution",
        "dcat:downloadURL": {"@id": "https://city.example/a.csv"},
        "dct:format": "CSV",
    }
    more = {
        "dct:title": [{"@value": "수원", "@language": "ko"}, {"@value": "Suwon", "@language": "en"}],
        "dcat:keyword": ["물", "water"],
        "dct:license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
        "dcat:distribution": link,
    }
    harvesting.site.catalog(said("air", **more))
    run = harvesting.run()
    assert (run.outcome, run.pages, counts(run)) == ("done", 1, {"added": 1})
    (dataset,) = harvesting.datasets()
    assert (dataset.title_ko, dataset.title_en, dataset.licence, dataset.theme) == (
        "수원",
        "Suwon",
        "cc-by-4.0",
        "regions",
    )
    assert (dataset.slug, dataset.keywords, dataset.frequency) == ("air", ["water", "물"], "unknown")
    found, url = harvesting.sources.origin(dataset.id) or pytest.fail("it has an origin")
    assert (found.identity, url) == (ADDRESS + "air", harvesting.site.url + "/catalog")
    assert [(one.url, one.format, one.whole) for one in found.links] == [("https://city.example/a.csv", "CSV", True)]


def test_a_change_at_the_source_is_a_revision_and_the_same_again_is_nothing(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("air"), said("water"))
    harvesting.run()
    harvesting.site.catalog(said("water"), said("air", "새 이름"))
    assert counts(harvesting.run()) == {"changed": 1, "unchanged": 1}
    air = harvesting.datasets()[0]
    assert (air.title_ko, air.revision) == ("새 이름", 2)
    with harvesting.world.database.read() as session:
        kept = session.scalars(select(DatasetRevision.number).where(DatasetRevision.dataset_id == air.id)).all()
    assert kept == [1, 2]
    assert counts(harvesting.run()) == {"unchanged": 2}


def test_what_is_gone_for_three_runs_is_withdrawn_with_the_reason(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b"), said("c"))
    harvesting.run()
    harvesting.site.catalog(said("a"), said("b"))
    assert [counts(harvesting.run()) for _ in range(3)] == [
        {"unchanged": 2, "missing": 1},
        {"unchanged": 2, "missing": 1},
        {"unchanged": 2, "removed": 1},
    ]
    (gone,) = harvesting.datasets("withdrawn")
    assert gone.id == max(one.id for one in harvesting.datasets("published", "withdrawn"))
    assert "3회" in (gone.withdraw_reason or "")
    assert counts(harvesting.run()) == {"unchanged": 2}


def test_what_comes_back_in_time_is_not_missing_any_more(harvesting: Harvesting) -> None:
    everything = said("a"), said("b"), said("c")
    for shown in (everything, everything[:2], everything[:2], everything, everything[:2], everything[:2]):
        harvesting.site.catalog(*shown)
        assert harvesting.run().removed == 0


def test_what_comes_back_after_it_was_withdrawn_is_a_new_dataset(harvesting_with: Callable[..., Harvesting]) -> None:
    harvesting = harvesting_with(harvest_absences=1)
    for shown in ([said("a"), said("b")], [said("a")], [said("a"), said("b")]):
        harvesting.site.catalog(*shown)
        run = harvesting.run()
    assert counts(run) == {"added": 1, "unchanged": 1}
    assert len(harvesting.datasets()) == 2
    (old,) = harvesting.datasets("withdrawn")
    assert old.slug not in {one.slug for one in harvesting.datasets()}


def test_a_source_that_lacks_more_than_half_is_not_believed_unless_somebody_says_so(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b"), said("c"))
    harvesting.run()
    harvesting.site.catalog(said("a", "neu"))
    run = harvesting.run()
    assert (run.outcome, run.code, counts(run)) == ("disbelieved", "lost_too_much", {})
    assert "2 of 3" in (run.note or "")
    assert [one.title_ko for one in harvesting.datasets()] == ["대기질"] * 3
    assert counts(harvesting.run(believe=True)) == {"changed": 1, "missing": 2}
    assert harvesting.run().outcome == "disbelieved"


def test_a_dataset_that_was_withdrawn_here_is_not_harvested_again(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b"))
    harvesting.run()
    harvesting.world.datasets.withdraw(harvesting.world.actor, harvesting.datasets()[0].slug, "법원 명령")
    run = harvesting.run()
    assert counts(run) == {"unchanged": 1, "refused": 1}
    assert run.refusals[0]["code"] == "withdrawn_here"


def test_what_is_said_of_it_is_not_changed_here(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("air"))
    harvesting.run()
    datasets, actor = harvesting.world.datasets, harvesting.world.actor
    for change in (
        lambda: datasets.edit(actor, "air", {"title_ko": "다른 이름"}),
        lambda: datasets.deprecate(actor, "air", "오래됨"),
    ):
        with pytest.raises(Conflict) as caught:
            change()
        assert caught.value.code == "harvested_dataset"


def test_an_identity_is_harvested_once_whatever_the_source(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("air"), said("air", "again"))
    harvesting.site.catalog(
        said("air"), said("copy", **{"dct:identifier": ADDRESS + "air"}), said("own"), path="/other"
    )
    first = harvesting.run()
    assert [one["code"] for one in first.refusals] in ([], ["duplicate_identity"])
    harvesting.declare("/other")
    run = harvesting.run()
    assert counts(run) == {"added": 1, "refused": 2}
    assert {one["code"] for one in run.refusals} == {"harvested_already"}


def test_our_own_datasets_in_another_catalog_are_not_harvested(harvesting_with: Callable[..., Harvesting]) -> None:
    base = "https://gops.example"
    harvesting = harvesting_with(base_url=base + "/")
    harvesting.site.catalog(
        {**said("x"), "@id": f"{base}/api/v1/datasets/air"},
        said("copy", **{"dct:identifier": f"{base}/api/v1/datasets/air"}),
        said("other"),
    )
    run = harvesting.run()
    assert counts(run) == {"added": 1, "refused": 2}
    assert {one["code"] for one in run.refusals} == {"own_dataset"}


def test_what_cannot_be_shown_is_refused_by_itself(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b", None), {"@type": "dcat:Dataset", "dct:title": "no name"})
    run = harvesting.run()
    assert counts(run) == {"added": 1, "refused": 2}
    assert sorted(one["code"] for one in run.refusals) == ["bad_identity", "no_title"]


def test_a_licence_that_is_not_known_is_kept_as_given(harvesting: Harvesting) -> None:
    licence = {"@id": "https://city.example/terms", "http://www.w3.org/2000/01/rdf-schema#label": "City terms"}
    harvesting.site.catalog(said("a", **{"dct:license": licence}))
    harvesting.run()
    (dataset,) = harvesting.datasets()
    found, _url = harvesting.sources.origin(dataset.id) or pytest.fail("it has an origin")
    assert (dataset.licence, found.licence, found.licence_name) == ("other", "https://city.example/terms", "City terms")


def test_an_unchanged_catalog_of_one_page_is_not_read_again(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b"), ETag='"1"')
    harvesting.run()
    run = harvesting.run()
    assert (run.outcome, run.pages, counts(run)) == ("unchanged", 0, {"unchanged": 2})
    assert harvesting.site.asked[-1][1]["if-none-match"] == '"1"'


def test_what_is_missing_stays_missing_while_the_catalog_is_unchanged(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b"), ETag='"1"')
    harvesting.run()
    harvesting.site.catalog(said("a"), ETag='"2"')
    assert [(run.missing, run.removed) for run in (harvesting.run(), harvesting.run(), harvesting.run())] == [
        (1, 0), (1, 0), (0, 1),
    ]  # fmt: skip


def test_a_source_runs_by_the_clock_and_not_while_it_is_off(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"))
    one = harvesting.declare(every_hours=2)
    assert (harvesting.harvester.run(), harvesting.harvester.run()) == (1, 0)
    harvesting.world.clock.move(hours=3)
    assert harvesting.harvester.run() == 1
    harvesting.sources.edit(harvesting.world.actor, one, {"enabled": False})
    harvesting.world.clock.move(hours=3)
    assert harvesting.harvester.run() == 0
    with pytest.raises(Conflict, match="switched off"):
        harvesting.sources.ask(harvesting.world.actor, one)


def test_a_source_that_is_ended_takes_its_datasets_along(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b"))
    harvesting.run()
    harvesting.sources.delete(harvesting.world.actor, harvesting.ids[-1])
    assert harvesting.sources.list(harvesting.world.actor, "suwon") == []
    assert harvesting.harvester.run() == 0
    assert harvesting.datasets() == []
    assert len(harvesting.datasets("withdrawn")) == 2
    harvesting.ids.clear()
    assert counts(harvesting.run()) == {"added": 2}


def test_sources_are_the_business_of_their_organisation(harvesting: Harvesting) -> None:
    one, sources = harvesting.declare(), harvesting.sources
    for act in (
        lambda who: sources.get(who, one),
        lambda who: sources.delete(who, one),
        lambda who: sources.runs(who, one),
    ):
        with pytest.raises((NotFound, Forbidden)):
            act(harvesting.world.stranger)
    with pytest.raises(GopsError):
        sources.list(ANONYMOUS, "suwon")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"url": "http://10.0.0.1/catalog"}, "address_refused"),
        ({"url": "ftp://city.example"}, "bad_address"),
        ({"theme": "cats"}, "invalid_value"),
        ({"protocol": "oai"}, "invalid_value"),
        ({"every_hours": 0}, "invalid_value"),
        ({"name": ""}, "invalid_value"),
    ],
)
def test_a_source_that_cannot_be_is_refused(harvesting: Harvesting, changed: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        harvesting.declare(**changed)
    assert caught.value.code in (code, "invalid")


def test_our_own_catalog_is_no_source(harvesting_with: Callable[..., Harvesting]) -> None:
    harvesting = harvesting_with(base_url="https://gops.example")
    with pytest.raises(Invalid, match="this GOPS"):
        harvesting.declare(url="https://gops.example/catalog")


def test_a_catalog_is_declared_once(harvesting: Harvesting) -> None:
    harvesting.declare()
    with pytest.raises(Conflict, match="already"):
        harvesting.declare()


def test_another_theme_of_the_source_is_that_of_what_it_has(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("air"), ETag='"1"')
    harvesting.run()
    harvesting.sources.edit(harvesting.world.actor, harvesting.ids[0], {"theme": "energy"})
    assert counts(harvesting.run()) == {"changed": 1}
    assert harvesting.datasets()[0].theme == "energy"


def test_letters_that_no_database_keeps_are_left_out(harvesting: Harvesting) -> None:
    more = {"dcat:keyword": "\u0000물", "dct:license": {"@id": "https://x.example/\u0000"}}
    harvesting.site.catalog(said("a", "\u0000이\u202e름", **more), said("b\u0000"))
    run = harvesting.run()
    assert (run.added, [one["code"] for one in run.refusals]) == (1, ["bad_identity"])
    (dataset,) = harvesting.datasets()
    assert (dataset.title_ko, dataset.keywords, dataset.licence) == ("이름", ["물"], "other")


def test_the_search_knows_the_period_that_a_source_states(harvesting: Harvesting) -> None:
    span = {"@type": "dct:PeriodOfTime", "dcat:startDate": "2020-01-01", "dcat:endDate": "2020-12-31"}
    harvesting.site.catalog(said("air", **{"dct:temporal": span}), said("b"))
    harvesting.run()
    ids, world, store = [one.id for one in harvesting.datasets()], harvesting.world, MemoryStore()
    seen = Extents(world.database, store, world.clock).seen(ids)
    store.close()
    assert [(seen[one].first, seen[one].last) for one in ids] == [
        (1_577_836_800_000_000, 1_609_372_800_000_000), (None, None),
    ]  # fmt: skip


def test_both_engines_keep_what_is_harvested(either_world: World, harvesting_over: Callable[..., Harvesting]) -> None:
    harvesting = harvesting_over(either_world, harvest_absences=1)
    harvesting.site.catalog(said("a"), said("b"), said("c", "\u0000이름"))
    assert counts(harvesting.run()) == {"added": 3}
    harvesting.site.catalog(said("a", "neu"), said("b"))
    assert counts(harvesting.run()) == {"changed": 1, "unchanged": 1, "removed": 1}
    harvesting.sources.delete(either_world.actor, harvesting.ids[0])
    harvesting.harvester.run()
    assert (len(harvesting.datasets("withdrawn")), harvesting.datasets()) == (3, [])
