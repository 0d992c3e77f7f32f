"""Webhooks of dataset news: dealt out once, signed, tried again, given up, and never to addresses that are guarded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from gops.catalog.hooks.model import DatasetHook, HookDelivery
from gops.catalog.hooks.sending import HookSender
from gops.catalog.hooks.service import DatasetHooks
from gops.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Unauthenticated, Unavailable
from gops.notify.webhook import SIGNATURE, Webhook, verify
from gops.outbound import Outbound
from gops.permissions import ANONYMOUS
from tests.unit.catalog.conftest import World

ADDRESS = "https://receiver.example/hook"


class Wire:
    """Takes calls in place of the network; answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.status = 204
        self.refuse = False

    def check(self, address: str) -> None:
        if "10.0.0.1" in address:
            raise Invalid("a private address", code="private_address", field="url", found=address)

    def fetch(self, call: Any) -> Any:
        self.calls.append(call)
        if self.refuse:
            raise Invalid("a private address", code="private_address")

        class Answer:
            status = self.status

        return Answer()


class Hooked:
    def __init__(self, world: World) -> None:
        self.world, self.wire = world, Wire()
        outbound: Any = self.wire
        self.service = DatasetHooks(world.database, world.clock, world.settings, outbound)
        webhook = Webhook(outbound, world.clock)
        self.sender = HookSender(world.database, world.clock, world.settings, webhook)

    def deliveries(self) -> list[HookDelivery]:
        with self.world.database.read() as session:
            return list(session.scalars(select(HookDelivery).order_by(HookDelivery.id)))

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(call.body) for call in self.wire.calls]


@pytest.fixture
def hooked(world: World) -> Hooked:
    return Hooked(world)


def test_news_are_told_once_signed_and_only_those_from_then_on(either_world: World) -> None:
    hooked, world = Hooked(either_world), either_world
    world.published(world.stream(), slug="before")
    view, secret = hooked.service.create(world.stranger, "seongnam", ADDRESS)
    world.published(world.stream())
    assert hooked.sender.run() == 1
    assert hooked.sender.run() == 0
    (call,) = hooked.wire.calls
    assert (call.url, call.method) == (ADDRESS, "POST")
    assert verify(secret, call.body, call.headers[SIGNATURE], world.clock.micros() // 1_000_000)
    assert secret not in repr(hooked.service.list(world.stranger, "seongnam"))
    (told,) = hooked.told()
    assert (told["event"], told["dataset"]["slug"], told["publisher"]["slug"]) == ("dataset.published", "air", "suwon")
    assert told["address"] == "/api/v1/datasets/air"
    assert [one.state for one in hooked.deliveries()] == ["sent"]
    assert view.row.events == ["published", "revised", "snapshot", "deprecated", "withdrawn"]


def test_a_hook_hears_of_its_dataset_and_its_events_alone(hooked: Hooked) -> None:
    world = hooked.world
    world.published(world.stream())
    hooked.service.create(world.actor, "suwon", ADDRESS, ["withdrawn"], "air")
    world.published(world.stream(), slug="other")
    world.datasets.withdraw(world.actor, "other", "x")
    world.datasets.edit(world.actor, "air", {"title_en": "x"})
    world.datasets.withdraw(world.actor, "air", "x")
    hooked.sender.run()
    assert [(one["event"], one["dataset"]["slug"]) for one in hooked.told()] == [("dataset.withdrawn", "air")]


def test_what_is_not_taken_is_tried_for_a_day_and_then_kept(hooked: Hooked) -> None:
    world = hooked.world
    view, _ = hooked.service.create(world.actor, "suwon", ADDRESS)
    world.published(world.stream())
    hooked.wire.status = 500
    assert hooked.sender.run() == 1
    (row,) = hooked.deliveries()
    assert (row.state, row.attempts, row.problem) == ("waiting", 1, "webhook_refused: the receiver answered 500")
    assert hooked.sender.run() == 0
    for _ in range(40):
        world.clock.move(seconds=4 * 3600)
        hooked.sender.run()
    (row,) = hooked.deliveries()
    assert row.state == "dead"
    tries = len(hooked.wire.calls)
    hooked.wire.status = 200
    hooked.service.send_again(world.actor, view.id, row.id)
    assert (hooked.sender.run(), len(hooked.wire.calls)) == (1, tries + 1)
    with pytest.raises(Conflict):
        hooked.service.send_again(world.actor, view.id, row.id)


def test_an_address_that_must_not_be_asked_is_given_up_at_once(hooked: Hooked) -> None:
    world = hooked.world
    hooked.service.create(world.actor, "suwon", ADDRESS)
    world.published(world.stream())
    hooked.wire.refuse = True
    hooked.sender.run()
    assert [(one.state, one.attempts) for one in hooked.deliveries()] == [("dead", 1)]
    with pytest.raises(Invalid):
        hooked.service.create(world.actor, "suwon", "https://10.0.0.1/hook")


def test_what_a_killed_process_had_claimed_is_tried_again(hooked: Hooked) -> None:
    world = hooked.world
    hooked.service.create(world.actor, "suwon", ADDRESS)
    world.published(world.stream())
    hooked.sender._deal()
    assert len(hooked.sender._claim()) == 1
    assert hooked.sender.run() == 0
    world.clock.move(seconds=16 * 60)
    assert hooked.sender.run() == 1


def test_deliveries_are_forgotten_after_a_while(hooked: Hooked) -> None:
    world = hooked.world
    hooked.service.create(world.actor, "suwon", ADDRESS)
    world.published(world.stream())
    hooked.sender.run()
    world.clock.move(seconds=(world.settings.hook_days + 1) * 86_400)
    hooked.sender.run()
    assert hooked.deliveries() == []


def test_hooks_are_their_organisations_own(hooked: Hooked) -> None:
    world = hooked.world
    view, _ = hooked.service.create(world.actor, "suwon", ADDRESS)
    for act in (
        lambda: hooked.service.delete(world.stranger, view.id),
        lambda: hooked.service.deliveries(world.stranger, view.id),
        lambda: hooked.service.send_again(world.stranger, view.id, 1),
        lambda: hooked.service.delete(world.actor, 99),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(Forbidden):
        hooked.service.create(world.stranger, "suwon", ADDRESS)
    with pytest.raises(Unauthenticated):
        hooked.service.list(ANONYMOUS, "suwon")
    with pytest.raises(Forbidden):
        hooked.service.create(world.people.actor(world.home, "viewer"), "suwon", ADDRESS)
    hooked.service.delete(world.actor, view.id)
    assert hooked.service.list(world.actor, "suwon") == []


@pytest.mark.parametrize("events", [[], ["exploded"]])
def test_events_that_there_are_not_are_refused(hooked: Hooked, events: list[str]) -> None:
    with pytest.raises(Invalid):
        hooked.service.create(hooked.world.actor, "suwon", ADDRESS, events)


def test_a_draft_of_another_is_no_dataset_to_ask_after(hooked: Hooked) -> None:
    world = hooked.world
    world.dataset(world.stream())
    with pytest.raises(NotFound):
        hooked.service.create(world.stranger, "seongnam", ADDRESS, dataset="air")
    world.datasets.publish(world.actor, "air")
    world.datasets.withdraw(world.actor, "air", "x")
    with pytest.raises(Gone):
        hooked.service.create(world.stranger, "seongnam", ADDRESS, dataset="air")


def test_there_are_not_more_hooks_than_the_setting_allows(world: World) -> None:
    world.settings = replace(world.settings, organisation_hooks=1)
    hooked = Hooked(world)
    hooked.service.create(world.actor, "suwon", ADDRESS)
    with pytest.raises(Conflict) as caught:
        hooked.service.create(world.actor, "suwon", ADDRESS)
    assert caught.value.field == "organisation_hooks"


def test_private_addresses_are_refused_by_the_guard_itself(world: World) -> None:
    service = DatasetHooks(world.database, world.clock, world.settings, Outbound.of(world.settings))
    for address in ("http://127.0.0.1/", "ftp://receiver.example/", "nonsense"):
        with pytest.raises((Invalid, Unavailable)):
            service.create(world.actor, "suwon", address)
    with world.database.read() as session:
        assert session.scalar(select(DatasetHook.id)) is None
