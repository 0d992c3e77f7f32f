"""Refusals: the first like ones of an hour are kept, all are counted, and their owner alone sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from gops.clock import FixedClock
from gops.errors import Forbidden, Invalid, NotFound, Unauthenticated
from gops.ingest.model import PLATFORM, Refusal, RefusalCount, RefusedMessage
from gops.ingest.refusals import Refusals, Report
from gops.ingest.refused import Refused
from gops.permissions import ANONYMOUS, Actor
from gops.records.database import Database
from gops.settings import Settings

RAW = b'{"pm10": "x"}'


def report(
    organisation_id: int | None = 1,
    device: str = "suwon/air",
    code: str = "wrong_type",
    field: str | None = "pm10",
    raw: bytes = RAW,
    **more: Any,
) -> Report:
    refused = Refused(code, field, more.pop("place", "pm10"), more.pop("note", "found 'x'; expected a number"))
    return Report("direct", device, organisation_id, f"gops/v1/{device}/up", raw, refused, **more)


@pytest.fixture
def owner() -> Actor:
    return Actor(1, 1, 1, frozenset({"publisher"}), frozenset(), frozenset({"data:read"}))


@pytest.fixture
def refusals(database: Database, clock: FixedClock, settings: Settings) -> Refusals:
    return Refusals(database, clock, settings)


def rows(database: Database, table: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def totals(database: Database) -> dict[tuple[str, str, str], int]:
    with database.read() as session:
        found = session.scalars(select(RefusalCount))
        return {(one.device, one.code, one.field): one.total for one in found}


def test_a_refusal_is_kept_with_its_reason_and_raw_message(refusals: Refusals, owner: Actor, clock: FixedClock) -> None:
    refusals.record([report(revision=4)])
    (listed,) = refusals.list(owner, 1)
    assert (listed.code, listed.field, listed.place, listed.revision) == ("wrong_type", "pm10", "pm10", 4)
    assert (listed.device, listed.topic, listed.at) == ("suwon/air", "gops/v1/suwon/air/up", clock.micros())
    assert (listed.digest, listed.size, listed.raw) == (hashlib.sha256(RAW).hexdigest(), len(RAW), None)
    raw = refusals.get(owner, listed.id).raw
    assert raw is not None
    assert (raw.text, raw.base64, raw.cut) == (RAW.decode(), None, False)


def test_what_is_kept_and_counted_is_the_same_on_both_databases(
    either_database: Database, clock: FixedClock, settings: Settings, owner: Actor
) -> None:
    refusals = Refusals(either_database, clock, settings)
    refusals.record([report() for _ in range(7)] + [report(field="pm25")] * 2 + [report(device="suwon/b")])
    refusals.record([report() for _ in range(7)])
    assert totals(either_database) == {
        ("suwon/air", "wrong_type", "pm10"): 14,
        ("suwon/air", "wrong_type", "pm25"): 2,
        ("suwon/b", "wrong_type", "pm10"): 1,
    }
    assert len(refusals.list(owner, 1, device="suwon/air", field="pm10")) == 10
    assert len(refusals.list(owner, 1)) == 13
    assert rows(either_database, RefusedMessage) == 1


def test_the_next_hour_keeps_its_own_first_ones(refusals: Refusals, owner: Actor, clock: FixedClock) -> None:
    refusals.record([report()] * 20)
    clock.move(minutes=59, seconds=59)
    refusals.record([report()])
    assert len(refusals.list(owner, 1)) == 10
    clock.move(seconds=1)
    refusals.record([report()])
    assert len(refusals.list(owner, 1)) == 11


def test_one_message_with_many_refusals_is_kept_once(refusals: Refusals, database: Database, owner: Actor) -> None:
    refusals.record([report(field=f"f{n}") for n in range(50)])
    assert len(refusals.list(owner, 1)) == 50
    assert rows(database, RefusedMessage) == 1


def test_a_long_message_is_cut_and_its_hash_is_of_the_whole(refusals: Refusals, owner: Actor) -> None:
    raw = b"x" * 16_383 + "가".encode() + b"y" * 50_000
    refusals.record([report(raw=raw)])
    (listed,) = refusals.list(owner, 1)
    shown = refusals.get(owner, listed.id)
    assert shown.raw is not None
    assert (shown.raw.text, shown.raw.cut) == ("x" * 16_383, True)
    assert (shown.size, shown.digest) == (len(raw), hashlib.sha256(raw).hexdigest())


def test_of_a_message_that_came_cut_size_and_hash_are_of_the_whole(refusals: Refusals, owner: Actor) -> None:
    wholes = [(hashlib.sha256(text).digest(), 20_000_000) for text in (b"one", b"another")]
    refusals.record([report(field=f"f{n}", raw=b"{", whole=whole) for n, whole in enumerate(wholes)])
    for listed, (digest, size) in zip(refusals.list(owner, 1), wholes, strict=True):
        shown = refusals.get(owner, listed.id)
        assert shown.raw is not None
        assert (shown.digest, shown.size, shown.raw.text, shown.raw.cut) == (digest.hex(), size, "{", True)


def test_a_message_that_is_no_text_is_shown_as_base64(refusals: Refusals, owner: Actor) -> None:
    refusals.record([report(raw=b"\xff\x00\x01")])
    (listed,) = refusals.list(owner, 1)
    raw = refusals.get(owner, listed.id).raw
    assert raw is not None
    assert (raw.text, raw.base64) == (None, "/wAB")


def test_hostile_texts_fit_every_database(
    either_database: Database, clock: FixedClock, settings: Settings, owner: Actor
) -> None:
    nasty = "\0\ud800'; DROP TABLE refusal; --" + "필" * 1000
    refusals = Refusals(either_database, clock, settings)
    refusals.record([replace(report(field=nasty, place=nasty, note=nasty, raw=b"\0"), device=nasty, topic=nasty)])
    (listed,) = refusals.list(owner, 1)
    assert listed.field is not None
    assert len(listed.field) == 64
    assert listed.field.startswith("\\0\\ud800'; DROP")


def test_a_device_that_invents_fields_is_bounded_and_still_counted(
    database: Database, clock: FixedClock, settings: Settings, owner: Actor
) -> None:
    refusals = Refusals(database, clock, replace(settings, refusal_groups_per_hour=5))
    refusals.record([report(code="unknown_field", field=f"f{n}") for n in range(100)])
    refusals.record([report(code="unknown_field", field=f"g{n}") for n in range(100)] + [report(field="f1")])
    refusals.record([report(code="unknown_field", field="f0"), report(device="suwon/b", field="f0")])
    counted = totals(database)
    assert sum(counted.values()) == 203
    assert counted["suwon/air", "unknown_field", "f0"] == 2
    assert counted["suwon/air", "unknown_field", ""] == 195
    assert counted["suwon/b", "wrong_type", "f0"] == 1
    assert len(counted) == 8  # five, the rest of each of two codes, and another device's
    assert len(refusals.list(owner, 1, device="suwon/air")) == 5 + 1 + 10 + 1


def test_the_bound_holds_after_a_restart(database: Database, clock: FixedClock, settings: Settings) -> None:
    few = replace(settings, refusal_groups_per_hour=5)
    Refusals(database, clock, few).record([report(field=f"f{n}") for n in range(5)])
    Refusals(database, clock, few).record([report(field=f"g{n}") for n in range(5)])
    assert len(totals(database)) == 6


def test_invented_device_names_share_one_bound(database: Database, clock: FixedClock, settings: Settings) -> None:
    refusals = Refusals(database, clock, replace(settings, refusal_groups_per_hour=5))
    refusals.record([report(device=f"suwon/x{n}", code="unknown_device", field=None) for n in range(100)])
    refusals.record([report()])
    counted = totals(database)
    assert counted["", "unknown_device", ""] == 95
    assert counted["suwon/air", "wrong_type", "pm10"] == 1


def test_nothing_to_record_writes_nothing(refusals: Refusals, database: Database) -> None:
    refusals.record([])
    assert rows(database, RefusalCount) == 0


def test_thousands_at_once_are_one_unit(refusals: Refusals, database: Database, owner: Actor) -> None:
    refusals.record([report(device=f"suwon/d{n % 1000}", raw=b"%d" % n) for n in range(5000)])
    assert sum(totals(database).values()) == 5000
    assert rows(database, Refusal) == 5000
    refusals.record([report(device=f"suwon/d{n % 1000}", raw=b"%d" % n) for n in range(5000, 15000)])
    assert rows(database, Refusal) == 10_000


def test_lists_are_filtered_and_paged(refusals: Refusals, owner: Actor, clock: FixedClock) -> None:
    refusals.record([report(field="a"), report(field="b", code="bad_time"), report(2, "osan/x")])
    clock.move(hours=2)
    refusals.record([report(field="c")])
    fields = [one.field for one in refusals.list(owner, 1)]
    assert fields == ["a", "b", "c"]
    assert [one.field for one in refusals.list(owner, 1, code="bad_time")] == ["b"]
    assert [one.field for one in refusals.list(owner, 1, start=clock.micros())] == ["c"]
    assert [one.field for one in refusals.list(owner, 1, end=clock.micros())] == ["a", "b"]
    first = refusals.list(owner, 1, limit=2)
    assert [one.field for one in refusals.list(owner, 1, after=first[-1].id)] == ["c"]


def test_an_unknown_code_in_a_filter_is_named(refusals: Refusals, owner: Actor) -> None:
    with pytest.raises(Invalid, match="nonsense") as caught:
        refusals.list(owner, 1, code="nonsense")
    assert (caught.value.code, caught.value.field) == ("unknown_code", "code")


def other(**roles: Any) -> Actor:
    return replace(Actor(2, 2, 2, scopes=frozenset({"data:read", "platform:admin"})), **roles)


FOREIGNER = other(roles=frozenset({"owner", "publisher"}))
VIEWER = Actor(3, 3, 1, frozenset({"viewer"}), frozenset(), frozenset({"data:read"}))
OPERATOR = other(organisation_id=9, roles=frozenset({"owner"}), platform_roles=frozenset({"operator"}))
AUDITOR = other(organisation_id=9, platform_roles=frozenset({"auditor"}))


@pytest.mark.parametrize("actor", [ANONYMOUS, FOREIGNER, VIEWER, OPERATOR, AUDITOR])
def test_nobody_but_its_owner_learns_that_a_refusal_exists(refusals: Refusals, owner: Actor, actor: Actor) -> None:
    refusals.record([report()])
    (listed,) = refusals.list(owner, 1)
    with pytest.raises(NotFound):
        refusals.get(actor, listed.id)
    with pytest.raises(Unauthenticated if actor is ANONYMOUS else Forbidden):
        refusals.list(actor, 1)


@pytest.mark.parametrize("number", [99, 0, -1, 2**63, 2**70])
def test_an_id_that_is_nobodys_is_not_found(refusals: Refusals, owner: Actor, number: int) -> None:
    with pytest.raises(NotFound):
        refusals.get(owner, number)


def test_a_key_without_the_scope_sees_nothing(refusals: Refusals, owner: Actor) -> None:
    with pytest.raises(Forbidden):
        refusals.list(replace(owner, scopes=frozenset({"data:write"})), 1)


def test_the_owner_counts_by_device_and_field(refusals: Refusals, owner: Actor, clock: FixedClock) -> None:
    refusals.record([report()] * 3 + [report(field="pm25")])
    clock.move(hours=1)
    refusals.record([report()])
    counted = refusals.counts(owner, 1)
    assert [(one.device, one.code, one.field, one.total) for one in counted] == [
        ("suwon/air", "wrong_type", "pm10", 4),
        ("suwon/air", "wrong_type", "pm25", 1),
    ]
    assert [one.total for one in refusals.counts(owner, 1, start=clock.micros())] == [1]


@pytest.mark.parametrize("actor", [OPERATOR, AUDITOR])
def test_the_operator_counts_only(refusals: Refusals, actor: Actor) -> None:
    refusals.record([report()] * 3 + [report(field="pm25"), report(2, "osan/x"), report(None, "nowhere/x")])
    counted = refusals.counts(actor)
    assert {(one.organisation_id, one.code, one.total) for one in counted} == {
        (1, "wrong_type", 4),
        (2, "wrong_type", 1),
        (PLATFORM, "wrong_type", 1),
    }
    assert {(one.device, one.field) for one in counted + refusals.counts(actor, 1)} == {(None, None)}


def test_what_names_no_organisation_is_the_platforms_and_shown_to_nobody(
    refusals: Refusals, database: Database
) -> None:
    refusals.record([report(None, "nowhere/x", "unknown_device", None)])
    with database.read() as session:
        number = session.scalars(select(Refusal.id)).one()
    for actor in (OPERATOR, AUDITOR, FOREIGNER, ANONYMOUS):
        with pytest.raises(NotFound):
            refusals.get(actor, number)


@pytest.mark.parametrize("actor", [FOREIGNER, VIEWER])
def test_others_do_not_even_count(refusals: Refusals, actor: Actor) -> None:
    for organisation in (1, None):
        with pytest.raises(Forbidden):
            refusals.counts(actor, organisation)


def test_old_refusals_are_forgotten_with_their_messages(
    either_database: Database, clock: FixedClock, settings: Settings, owner: Actor
) -> None:
    refusals = Refusals(either_database, clock, replace(settings, refusal_days=1, refusal_kept_per_hour=1000))
    refusals.record([report(raw=b"%d" % n) for n in range(700)] + [report(raw=b"both")])
    clock.move(hours=20)
    refusals.record([report(raw=b"both")])
    clock.move(hours=4)
    assert refusals.forget_old() == 0
    clock.move(seconds=1)
    assert refusals.forget_old() == 701
    assert rows(either_database, RefusedMessage) == 1
    clock.move(days=2)
    assert refusals.forget_old() == 1
    assert [rows(either_database, table) for table in (Refusal, RefusedMessage, RefusalCount)] == [0, 0, 0]


def test_two_processes_that_count_at_once_lose_nothing(
    either_database: Database, clock: FixedClock, settings: Settings, at_once: Callable[..., None]
) -> None:
    services = [Refusals(either_database, clock, settings) for _ in range(4)]
    at_once(*[lambda one=one: [one.record([report()] * 5) for _ in range(5)] for one in services])
    assert totals(either_database) == {("suwon/air", "wrong_type", "pm10"): 100}
    assert rows(either_database, Refusal) == 10
