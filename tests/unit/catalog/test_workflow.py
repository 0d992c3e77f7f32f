"""The life of a dataset: review, deprecation, revisions and news."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from gops.catalog.datasets import Datasets
from gops.catalog.history.model import DatasetNews, DatasetRevision
from gops.catalog.history.news import Feed
from gops.catalog.history.revisions import Change, Revisions, differences
from gops.catalog.metadata import Incomplete
from gops.catalog.states import MOVES, STATES, Move, after
from gops.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from gops.permissions import ANONYMOUS
from tests.unit.catalog.conftest import World, feed_of


def news_of(world: World) -> list[tuple[str, int]]:
    with world.database.read() as session:
        rows = session.scalars(select(DatasetNews).order_by(DatasetNews.id))
        return [(one.what, one.number) for one in rows]


@pytest.fixture
def reviewed(world: World) -> World:
    """A house in which another person approves."""
    world.settings = replace(world.settings, catalog_review=True)
    world.datasets = Datasets(world.database, world.clock, world.settings, feed_of)
    world.dataset(world.stream())
    return world


@pytest.mark.parametrize("move", ["ask", "return", "publish", "deprecate", "withdraw"])
def test_every_pair_of_state_and_move_is_allowed_or_refused(move: Move) -> None:
    for state in STATES:
        if (state, move) in MOVES:
            assert after(state, move) == MOVES[state, move]
            continue
        with pytest.raises(Conflict) as caught:
            after(state, move)
        assert caught.value.code == "wrong_state"


def test_nothing_leads_out_of_a_tombstone() -> None:
    assert "withdrawn" not in {state for state, _ in MOVES}


def test_a_draft_is_published_by_another_owners_approval_alone(reviewed: World) -> None:
    world, owner = reviewed, reviewed.people.actor(reviewed.home, "owner")
    with pytest.raises(Conflict) as caught:
        world.datasets.publish(owner, "air")
    assert caught.value.code == "review_required"
    asked = world.datasets.ask_review(world.actor, "air", "다 됐습니다")
    assert (asked.state, asked.review_asked_by) == ("in_review", world.actor.person_id)
    assert world.public() == set()
    with pytest.raises(Forbidden):
        world.datasets.answer(world.actor, "air", True)
    approved = world.datasets.answer(owner, "air", True)
    assert (approved.state, len(world.public())) == ("published", 1)


def test_who_asked_does_not_approve(reviewed: World) -> None:
    owner = reviewed.people.actor(reviewed.home, "owner")
    reviewed.datasets.ask_review(owner, "air")
    with pytest.raises(Conflict) as caught:
        reviewed.datasets.answer(owner, "air", True)
    assert caught.value.code == "same_person"
    assert reviewed.datasets.get(owner, "air").state == "in_review"


def test_what_is_in_review_does_not_change_until_it_is_returned(reviewed: World) -> None:
    world = reviewed
    world.datasets.ask_review(world.actor, "air")
    with pytest.raises(Conflict) as caught:
        world.datasets.edit(world.actor, "air", {"title_ko": "다른 제목"})
    assert caught.value.code == "in_review"
    with pytest.raises(Invalid):
        world.datasets.answer(world.actor, "air", False)
    returned = world.datasets.answer(world.actor, "air", False, "단위가 틀렸습니다")
    assert (returned.state, returned.review_note) == ("draft", "단위가 틀렸습니다")
    assert world.datasets.edit(world.actor, "air", {"title_ko": "다른 제목"}).title_ko == "다른 제목"


def test_only_what_is_complete_is_handed_in_and_only_that_is_approved(reviewed: World) -> None:
    world, owner = reviewed, reviewed.people.actor(reviewed.home, "owner")
    with pytest.raises(Conflict) as caught:
        world.datasets.answer(owner, "air", True)
    assert caught.value.code == "wrong_state"
    world.datasets.edit(world.actor, "air", {"licence": ""})
    with pytest.raises(Incomplete):
        world.datasets.ask_review(world.actor, "air")


def test_what_is_in_review_is_seen_by_its_own_alone(reviewed: World) -> None:
    reviewed.datasets.ask_review(reviewed.actor, "air")
    for actor in (ANONYMOUS, reviewed.stranger):
        with pytest.raises(NotFound):
            reviewed.datasets.get(actor, "air")


def test_a_deprecated_dataset_is_served_and_says_what_follows_it(either_world: World) -> None:
    world, stream = either_world, either_world.stream()
    world.published(stream)
    world.published(stream, slug="better")
    for successor in ("air", "nothing-here"):
        with pytest.raises(Invalid) as caught:
            world.datasets.deprecate(world.actor, "air", "낡았습니다", successor)
        assert caught.value.code == "unknown_dataset"
    made = world.datasets.deprecate(world.actor, "air", "낡았습니다", "better")
    assert (made.state, made.deprecated_at, made.replaced_by) == ("deprecated", world.clock.micros(), "better")
    assert world.datasets.get(ANONYMOUS, "air").deprecate_reason == "낡았습니다"
    assert world.public() == {stream}
    first = made.published_at
    world.clock.move(seconds=1)
    again = world.datasets.publish(world.actor, "air")
    assert (again.state, again.published_at, again.deprecated_at, again.replaced_by) == ("published", first, None, None)
    world.datasets.deprecate(world.actor, "air", "낡았습니다")
    world.datasets.withdraw(world.actor, "air", "틀렸습니다")
    with pytest.raises(Gone):
        world.datasets.get(ANONYMOUS, "air")


def test_every_change_of_what_is_public_is_kept_as_a_revision(world: World) -> None:
    first, second = world.stream(), world.stream()
    world.dataset(first)
    world.datasets.edit(world.actor, "air", {"title_en": "draft words"})
    revisions = Revisions(world.database)
    assert revisions.list(world.actor, "air") == []
    published = world.datasets.publish(world.actor, "air")
    world.clock.move(seconds=1)
    world.datasets.edit(world.actor, "air", {"title_en": "Air"}, note="a better title")
    world.datasets.edit(world.actor, "air", {"datastreams": [first, second]})
    kept = revisions.list(ANONYMOUS, "air")
    assert [one.number for one in kept] == [published.revision, published.revision + 1, published.revision + 2]
    assert [one.document["title_en"] for one in kept] == ["draft words", "Air", "Air"]
    assert kept[1].note == "a better title"
    changes = revisions.compare(ANONYMOUS, "air", kept[0].number, kept[1].number)
    assert changes == (Change("title_en", "draft words", "Air"),)
    (change,) = revisions.compare(ANONYMOUS, "air", kept[1].number, kept[2].number)
    assert (change.field, change.before["count"], change.after["count"]) == ("datastreams", 1, 2)


def test_who_changed_it_is_for_its_own_organisation(world: World) -> None:
    world.published(world.stream())
    revisions = Revisions(world.database)
    assert [one.by for one in revisions.list(world.actor, "air")] == [world.actor.person_id]
    for actor in (ANONYMOUS, world.stranger, world.people.actor(world.home, "viewer")):
        assert [one.by for one in revisions.list(actor, "air")] == [None]
    with pytest.raises(NotFound):
        revisions.get(ANONYMOUS, "air", 99)


def test_what_was_public_before_there_were_revisions_is_kept_before_it_changes(world: World) -> None:
    world.published(world.stream())
    with world.database.write() as session:
        session.delete(session.scalars(select(DatasetRevision)).one())
    world.datasets.edit(world.actor, "air", {"title_en": "Air"})
    kept = Revisions(world.database).list(ANONYMOUS, "air")
    assert [one.document["title_en"] for one in kept] == ["Air of Suwon", "Air"]
    assert kept[0].number == kept[1].number - 1


def test_documents_differ_in_what_one_of_them_lacks_too() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1, "c": 3}) == (Change("c", None, 3), Change("b", 2, None))


def test_news_tell_what_became_of_it_and_changes_that_say_nothing_new_are_none(world: World) -> None:
    stream = world.stream()
    published = world.published(stream)
    world.datasets.edit(world.actor, "air", {"title_ko": published.title_ko})
    edited = world.datasets.edit(world.actor, "air", {"title_ko": "새 제목"})
    deprecated = world.datasets.deprecate(world.actor, "air", "낡았습니다")
    world.datasets.withdraw(world.actor, "air", "틀렸습니다")
    told = news_of(world)
    assert [what for what, _ in told] == ["published", "revised", "deprecated", "withdrawn"]
    assert told[1][1] == edited.revision == deprecated.revision - 1
    feed = Feed(world.database)
    assert [one.row.what for one in feed.page(limit=2)] == ["withdrawn", "deprecated"]
    assert [one.row.what for one in feed.page(before=feed.page(limit=2)[-1].id)] == ["revised", "published"]


def test_there_is_no_news_of_what_was_never_public(world: World) -> None:
    world.dataset(world.stream())
    world.datasets.edit(world.actor, "air", {"title_ko": "새 제목"})
    assert news_of(world) == []
    with pytest.raises(NotFound):
        Feed(world.database).page(slug="air")
