"""Accounts on either database: what two may do at once, and how soon another process knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from gops.accounts.bootstrap import initialise
from gops.accounts.devices import Devices
from gops.accounts.keys import Keys
from gops.accounts.members import Members
from gops.accounts.model import Membership, Organisation, Person
from gops.accounts.organisations import Organisations
from gops.accounts.signup import Signup
from gops.clock import FixedClock
from gops.errors import Conflict, GopsError, Unauthenticated
from gops.permissions import permits
from gops.records.database import Database
from gops.records.pump import EventPump
from gops.settings import Settings
from tests.conftest import People

THREADS = 16
PROMISE_SECONDS = 2.0


@pytest.fixture
def town(either_database: Database, clock: FixedClock) -> People:
    return People(either_database, clock)


@pytest.fixture
def other_process(either_database: Database) -> Iterator[Database]:
    opened = Database(either_database.engine.url.render_as_string(hide_password=False))
    yield opened
    opened.close()


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Each act in a thread of its own, begun together: what it gave, or the error of GOPS that it raised."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return act()
        except GopsError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def codes(results: list[Any]) -> list[str]:
    return sorted(result.code if isinstance(result, GopsError) else "done" for result in results)


def count(database: Database, model: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_of_many_that_want_a_slug_one_gets_it(either_database: Database, town: People, clock: FixedClock) -> None:
    operator = town.operator()
    organisations = Organisations(either_database, clock)
    acts = [lambda: organisations.create(operator, "suwon", "company", "수원", "Suwon")] * THREADS
    assert codes(at_once(acts)) == ["done"] + ["slug_taken"] * (THREADS - 1)


def test_a_slug_that_one_leaves_is_not_caught_by_another(
    either_database: Database, town: People, clock: FixedClock
) -> None:
    """Whoever comes first: the slug leads to the organisation that had it."""
    operator = town.operator()
    organisations = Organisations(either_database, clock)

    def leave(slug: str) -> Organisation:
        return organisations.edit(operator, slug, new_slug=f"{slug}-si")

    def catch(slug: str) -> Organisation:
        return organisations.create(operator, slug, "company", "수원", "Suwon")

    for number in range(10):
        home = town.organisation(f"suwon-{number}")
        results = at_once([partial(leave, home.slug), *[partial(catch, home.slug)] * 3])
        assert codes(results) == ["done"] + ["slug_taken"] * 3
        assert organisations.get(f"suwon-{number}").id == home.id


def test_of_many_that_want_a_device_name_one_gets_it(
    either_database: Database, town: People, clock: FixedClock
) -> None:
    publisher = town.actor(town.organisation("suwon"), "publisher")
    devices = Devices(either_database, clock)
    acts = [lambda: devices.register(publisher, "suwon", "air-1")] * THREADS
    assert codes(at_once(acts)) == ["done"] + ["name_taken"] * (THREADS - 1)


def test_two_owners_who_leave_at_once_do_not_leave_nobody(
    either_database: Database, town: People, clock: FixedClock
) -> None:
    members = Members(either_database, clock)
    for number in range(5):
        home = town.organisation(f"org-{number}x")
        owners = [town.actor(home, "owner") for _ in range(4)]
        acts = [
            lambda actor=actor, slug=home.slug: members.remove(actor, slug, actor.person_id, "owner")
            for actor in owners
        ]
        assert codes(at_once(acts)) == ["done", "done", "done", "last_owner"]


def test_one_address_becomes_one_person(either_database: Database, town: People, clock: FixedClock) -> None:
    members = Members(either_database, clock)
    acts = []
    for _ in range(8):
        home = town.organisation()
        owner = town.actor(home, "owner")
        acts.append(lambda owner=owner, slug=home.slug: members.add(owner, slug, "lee@example.kr", "Lee", "viewer"))
    results = at_once(acts)
    assert codes(results) == ["done"] * 8
    assert len({member.person_id for member in results}) == 1


def test_a_role_given_by_many_is_held_once(either_database: Database, town: People, clock: FixedClock) -> None:
    owner = town.actor(town.organisation("suwon"), "owner")
    members = Members(either_database, clock)
    acts = [lambda: members.add(owner, "suwon", "lee@example.kr", "Lee", "viewer")] * THREADS
    assert codes(at_once(acts)) == ["done"] * THREADS
    assert count(either_database, Membership) == 2


def test_the_bound_of_keys_holds_against_many(
    either_database: Database, town: People, clock: FixedClock, settings: Settings
) -> None:
    owner = town.actor(town.organisation("suwon"), "owner")
    keys = Keys(either_database, clock, replace(settings, keys_per_person=5))
    acts = [lambda: keys.issue(owner, "k", ["data:read"], 30)] * THREADS
    assert codes(at_once(acts)) == ["done"] * 5 + ["too_many_keys"] * (THREADS - 5)


def test_many_first_starts_make_one_operator_and_show_one_key(
    either_database: Database, clock: FixedClock, settings: Settings
) -> None:
    texts = at_once([lambda: initialise(either_database, clock, settings)] * 8)
    assert len([text for text in texts if isinstance(text, str)]) == 1
    assert [text for text in texts if text is not None and not isinstance(text, str)] == []
    assert count(either_database, Organisation) == 2


def test_many_sign_up_at_once(either_database: Database, clock: FixedClock, settings: Settings) -> None:
    class Nowhere:
        def put(self, to: str, subject: str, text: str) -> None:
            pass

    initialise(either_database, clock, settings)
    signup = Signup(either_database, clock, settings, Nowhere())
    texts = at_once([lambda: signup.signup("kim@example.kr", "Kim")] * THREADS)
    assert len(set(texts)) == THREADS
    assert count(either_database, Person) == THREADS + 1


def test_a_revoked_key_ends_in_another_process_within_two_seconds(
    either_database: Database, other_process: Database, town: People, clock: FixedClock, settings: Settings
) -> None:
    owner = town.actor(town.organisation("suwon"), "owner")
    here, there = Keys(either_database, clock, settings), Keys(other_process, clock, settings)
    made, text = here.issue(owner, "k", ["data:read"], 30)
    there.authenticate(text)
    here.revoke(owner, made.id)
    assert within_promise(lambda: _is_refused(there, text))


def test_an_event_ends_it_sooner_than_forgetting_would(
    either_database: Database, other_process: Database, town: People, clock: FixedClock, settings: Settings
) -> None:
    owner = town.actor(town.organisation("suwon"), "owner")
    here, there = Keys(either_database, clock, settings), Keys(other_process, clock, settings)
    pump = EventPump(other_process, {"key.revoked": [there.forget], "member.changed": [there.forget]}, 50)
    pump.start()
    made, text = here.issue(owner, "k", ["data:read"], 30)
    there.authenticate(text)
    begun = time.monotonic()
    here.revoke(owner, made.id)
    assert within_promise(lambda: _is_refused(there, text))
    pump.stop()
    assert time.monotonic() - begun < PROMISE_SECONDS


def test_a_role_that_is_taken_ends_in_another_process_within_two_seconds(
    either_database: Database, other_process: Database, town: People, clock: FixedClock, settings: Settings
) -> None:
    home = town.organisation("suwon")
    owner, lee = town.actor(home, "owner"), town.actor(home, "publisher")
    there = Keys(other_process, clock, settings)
    _made, text = Keys(either_database, clock, settings).issue(lee, "k", ["data:write"], 30)
    assert permits(there.authenticate(text), "device.change", home.id)
    Members(either_database, clock).remove(owner, "suwon", lee.person_id or 0, "publisher")
    assert within_promise(lambda: not permits(there.authenticate(text), "device.change", home.id))


def test_a_revoked_device_ends_in_another_process_at_once(
    either_database: Database, other_process: Database, town: People, clock: FixedClock
) -> None:
    publisher = town.actor(town.organisation("suwon"), "publisher")
    here, there = Devices(either_database, clock), Devices(other_process, clock)
    _device, text = here.register(publisher, "suwon", "air-1")
    assert there.authenticate("suwon/air-1", text) is not None
    here.revoke(publisher, "suwon/air-1", "stolen")
    assert there.authenticate("suwon/air-1", text) is None


def within_promise(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + PROMISE_SECONDS
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def _is_refused(keys: Keys, text: str) -> bool:
    try:
        keys.authenticate(text)
    except Unauthenticated:
        return True
    return False


def test_a_conflict_names_field_and_found(either_database: Database, town: People, clock: FixedClock) -> None:
    operator = town.operator()
    town.organisation("suwon")
    with pytest.raises(Conflict) as raised:
        Organisations(either_database, clock).create(operator, "suwon", "company", "수원", "Suwon")
    assert (raised.value.field, raised.value.found) == ("slug", "suwon")
