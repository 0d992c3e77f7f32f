"""Devices: a name, a secret that is shown once, and an access that can be ended and given again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts import secret
from gops.accounts.devices import DeviceIdentity, Devices
from gops.accounts.model import Device, Organisation
from gops.accounts.organisations import Organisations
from gops.clock import FixedClock
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS, Actor
from gops.records.audit import AuditRow
from gops.records.database import Database
from gops.records.events import Event
from tests.conftest import People
from tests.unit.accounts.conftest import HOSTILE_LINES


@pytest.fixture
def suwon(people: People) -> Organisation:
    return people.organisation("suwon")


@pytest.fixture
def publisher(people: People, suwon: Organisation) -> Actor:
    return people.actor(suwon, "publisher")


def test_a_device_proves_itself_by_its_secret(devices: Devices, publisher: Actor, suwon: Organisation) -> None:
    device, text = devices.register(publisher, "suwon", "air-1", "on the roof")
    assert devices.authenticate("suwon/air-1", text) == DeviceIdentity(device.id, suwon.id, "suwon/air-1")


def test_only_the_digest_of_the_secret_is_kept(devices: Devices, publisher: Actor, database: Database) -> None:
    _device, text = devices.register(publisher, "suwon", "air-1")
    with database.read() as session:
        kept = session.scalars(select(Device)).one()
    assert kept.digest == hashlib.sha256(text.encode()).digest()
    assert len(text) == 43


def test_every_act_is_audited_and_told_without_the_secret(
    devices: Devices,
    publisher: Actor,
    suwon: Organisation,
    audited: Callable[[], list[AuditRow]],
    told: Callable[[], list[Event]],
) -> None:
    device, first = devices.register(publisher, "suwon", "air-1")
    second = devices.rotate(publisher, "suwon/air-1")
    devices.revoke(publisher, "suwon/air-1", "stolen")
    rows = audited()
    assert [(row.action, row.detail) for row in rows] == [
        ("device.register", {"name": "air-1"}),
        ("device.rotate", {"was_revoked": False}),
        ("device.revoke", {"reason": "stolen"}),
    ]
    assert {(row.record_id, row.organisation_id, row.person_id) for row in rows} == {
        (device.id, suwon.id, publisher.person_id)
    }
    assert [(event.kind, event.payload) for event in told()] == [
        ("device.registered", {"device": device.id}),
        ("device.secret_changed", {"device": device.id}),
        ("device.revoked", {"device": device.id}),
    ]
    assert not any(text in repr([vars(row) for row in rows]) for text in (first, second))


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("suwon/air-1", ""),
        ("suwon/air-1", "wrong"),
        ("suwon/air-1", "\ud800"),
        ("suwon/air-1", "x" * 1_000_000),
        ("suwon/air-2", None),
        ("yongin/air-1", None),
        ("air-1", None),
        ("/air-1", None),
        ("suwon/", None),
        ("suwon/air-1/", None),
        ("suwon//air-1", None),
        ("SUWON/air-1", None),
        ("suwon/air-1\0", None),
        ("suwon/+", None),
        ("suwon/#", None),
        ("x" * 1_000_000, None),
        ("", None),
    ],
)
def test_what_does_not_fit_proves_nothing(
    devices: Devices, publisher: Actor, people: People, username: str, password: str | None
) -> None:
    """None stands for the right secret of suwon/air-1."""
    people.organisation("yongin")
    _device, text = devices.register(publisher, "suwon", "air-1")
    assert devices.authenticate(username, text if password is None else password) is None


def test_the_secret_of_one_device_is_not_that_of_another(devices: Devices, publisher: Actor) -> None:
    _one, text = devices.register(publisher, "suwon", "air-1")
    devices.register(publisher, "suwon", "air-2")
    assert devices.authenticate("suwon/air-2", text) is None


def test_an_unknown_device_takes_the_same_steps_as_a_wrong_secret(
    devices: Devices, publisher: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret is hashed and compared in constant time, whether or not there is anything to compare it with."""
    compared: list[int] = []
    real = secret.matches

    def counting(text: str, expected: bytes) -> bool:
        compared.append(len(expected))
        return real(text, expected)

    monkeypatch.setattr(secret, "matches", counting)
    devices.register(publisher, "suwon", "air-1")
    for username in ("suwon/air-1", "suwon/nobody", "nowhere/nobody", "nonsense"):
        devices.authenticate(username, "wrong")
    assert compared == [32, 32, 32, 32]


def test_no_text_is_nobodys_secret(devices: Devices) -> None:
    assert not any(secret.matches(text, secret.NOBODY) for text in ("", "\0", "x" * 32))
    assert devices.authenticate("suwon/air-1", "") is None


def test_a_new_secret_ends_the_old_one(devices: Devices, publisher: Actor) -> None:
    _device, old = devices.register(publisher, "suwon", "air-1")
    new = devices.rotate(publisher, "suwon/air-1")
    assert devices.authenticate("suwon/air-1", old) is None
    assert devices.authenticate("suwon/air-1", new) is not None


def test_a_revoked_device_proves_nothing(devices: Devices, publisher: Actor, clock: FixedClock) -> None:
    _device, text = devices.register(publisher, "suwon", "air-1")
    assert devices.revoke(publisher, "suwon/air-1", "stolen").revoked_at == clock.micros()
    assert devices.authenticate("suwon/air-1", text) is None


def test_revoking_twice_keeps_the_first_time_and_tells_once(
    devices: Devices, publisher: Actor, clock: FixedClock, told: Callable[[], list[Event]]
) -> None:
    devices.register(publisher, "suwon", "air-1")
    first = devices.revoke(publisher, "suwon/air-1", "stolen").revoked_at
    clock.move(hours=1)
    assert devices.revoke(publisher, "suwon/air-1", "again").revoked_at == first
    assert [event.kind for event in told()] == ["device.registered", "device.revoked"]


def test_a_new_secret_lets_a_revoked_device_speak_again(
    devices: Devices, publisher: Actor, audited: Callable[[], list[AuditRow]]
) -> None:
    device, old = devices.register(publisher, "suwon", "air-1")
    devices.revoke(publisher, "suwon/air-1", "stolen")
    new = devices.rotate(publisher, "suwon/air-1")
    identity = devices.authenticate("suwon/air-1", new)
    assert identity is not None
    assert identity.device_id == device.id
    assert devices.authenticate("suwon/air-1", old) is None
    assert audited()[-1].detail == {"was_revoked": True}


def test_a_name_is_given_once_in_an_organisation(devices: Devices, publisher: Actor) -> None:
    devices.register(publisher, "suwon", "air-1")
    with pytest.raises(Conflict) as raised:
        devices.register(publisher, "suwon", "air-1")
    assert (raised.value.code, raised.value.field, raised.value.expected) == ("name_taken", "name", "another name")


def test_the_name_of_a_revoked_device_stays_taken_and_the_refusal_shows_the_way(
    devices: Devices, publisher: Actor
) -> None:
    devices.register(publisher, "suwon", "air-1")
    devices.revoke(publisher, "suwon/air-1", "stolen")
    with pytest.raises(Conflict, match="revoked") as raised:
        devices.register(publisher, "suwon", "air-1")
    assert "rotate" in str(raised.value.expected)


def test_the_same_name_elsewhere_is_another_device(devices: Devices, publisher: Actor, people: People) -> None:
    other = people.actor(people.organisation("yongin"), "publisher")
    one, _ = devices.register(publisher, "suwon", "air-1")
    two, text = devices.register(other, "yongin", "air-1")
    assert one.id != two.id
    assert devices.authenticate("suwon/air-1", text) is None


def test_a_device_comes_with_what_comes_with_it_or_not_at_all(
    database: Database, clock: FixedClock, publisher: Actor
) -> None:
    seen: list[str] = []

    def hook(session: Session, device: Device) -> None:
        assert session.get(Device, device.id) is device
        seen.append(device.name)
        if device.name == "bad":
            raise Conflict("no Thing for this one")

    devices = Devices(database, clock, [hook])
    devices.register(publisher, "suwon", "good")
    with pytest.raises(Conflict):
        devices.register(publisher, "suwon", "bad")
    assert seen == ["good", "bad"]
    assert [device.name for device in devices.list(publisher, "suwon")] == ["good"]


@pytest.mark.parametrize("name", [*HOSTILE_LINES, "a/b", "+", "#", "$SYS", "공기", "a b", "x" * 65])
def test_a_hostile_name_is_refused(devices: Devices, publisher: Actor, name: Any) -> None:
    with pytest.raises(Invalid) as raised:
        devices.register(publisher, "suwon", name)
    assert raised.value.field == "name"


@pytest.mark.parametrize("text", ["two\nlines", "x" * 2001, "\0", None, 3])
def test_a_hostile_description_or_reason_is_refused(devices: Devices, publisher: Actor, text: Any) -> None:
    with pytest.raises(Invalid) as raised:
        devices.register(publisher, "suwon", "air-1", text)
    assert raised.value.field == "description"
    devices.register(publisher, "suwon", "air-1")
    with pytest.raises(Invalid) as raised:
        devices.revoke(publisher, "suwon/air-1", text)
    assert raised.value.field == "reason"


def test_the_list_is_paged(devices: Devices, publisher: Actor) -> None:
    for number in range(5):
        devices.register(publisher, "suwon", f"air-{number}")
    first = devices.list(publisher, "suwon", limit=2)
    rest = devices.list(publisher, "suwon", after=first[-1].id)
    assert [device.name for device in (*first, *rest)] == [f"air-{number}" for number in range(5)]


@pytest.mark.parametrize("role", ["applicant", "viewer"])
def test_who_only_reads_public_data_sees_and_makes_no_devices(
    devices: Devices, publisher: Actor, people: People, suwon: Organisation, role: str
) -> None:
    devices.register(publisher, "suwon", "air-1")
    actor = people.actor(suwon, role)
    with pytest.raises(Forbidden):
        devices.register(actor, "suwon", "air-2")
    with pytest.raises(Forbidden):
        devices.list(actor, "suwon")
    with pytest.raises(NotFound):
        devices.get(actor, "suwon/air-1")


def test_the_anonymous_do_nothing(devices: Devices, publisher: Actor) -> None:
    devices.register(publisher, "suwon", "air-1")
    with pytest.raises(Unauthenticated):
        devices.register(ANONYMOUS, "suwon", "air-2")
    with pytest.raises(Unauthenticated):
        devices.list(ANONYMOUS, "suwon")
    with pytest.raises(NotFound):
        devices.get(ANONYMOUS, "suwon/air-1")


def answers(devices: Devices, actor: Actor, address: str) -> list[str]:
    acts: list[Callable[[], object]] = [
        lambda: devices.get(actor, address),
        lambda: devices.rotate(actor, address),
        lambda: devices.revoke(actor, address, "mine now"),
    ]
    said = []
    for act in acts:
        with pytest.raises(NotFound) as raised:
            act()
        said.append(f"{raised.value.code} {raised.value.message} {raised.value.field}")
    return said


@pytest.mark.parametrize("role", ["owner", "operator"])
def test_a_foreign_device_answers_as_one_that_is_not_there(
    devices: Devices, publisher: Actor, people: People, role: str
) -> None:
    _device, text = devices.register(publisher, "suwon", "air-1")
    kind = "operator" if role == "operator" else "company"
    stranger = people.actor(people.organisation("elsewhere", kind), role)
    there = answers(devices, stranger, "suwon/air-1")
    assert there == answers(devices, stranger, "suwon/nobody") == answers(devices, stranger, "nowhere/nobody")
    assert devices.authenticate("suwon/air-1", text) is not None


def test_a_key_that_only_reads_sees_a_device_and_is_told_that_it_may_not_change_it(
    devices: Devices, publisher: Actor, people: People, suwon: Organisation
) -> None:
    devices.register(publisher, "suwon", "air-1")
    reader = people.actor(suwon, "owner", scopes=("data:read",))
    assert devices.get(reader, "suwon/air-1").name == "air-1"
    with pytest.raises(Forbidden):
        devices.rotate(reader, "suwon/air-1")


def test_a_key_that_only_writes_changes_a_device_without_seeing_it(
    devices: Devices, publisher: Actor, people: People, suwon: Organisation
) -> None:
    devices.register(publisher, "suwon", "air-1")
    writer = people.actor(suwon, "owner", scopes=("data:write",))
    devices.rotate(writer, "suwon/air-1")
    with pytest.raises(NotFound):
        devices.get(writer, "suwon/air-1")


def test_how_a_device_stands(devices: Devices, publisher: Actor) -> None:
    devices.register(publisher, "suwon", "air-1")
    devices.register(publisher, "suwon", "air-2")
    devices.revoke(publisher, "suwon/air-2", "stolen")
    addresses = ("suwon/air-1", "suwon/air-2", "suwon/air-3", "nonsense")
    assert [devices.known(address) for address in addresses] == ["active", "revoked", None, None]


def test_a_device_goes_on_under_the_former_slug_of_its_organisation(
    devices: Devices, organisations: Organisations, publisher: Actor, people: People, suwon: Organisation
) -> None:
    """It cannot be told that the slug has changed. Its identity names it as it names itself in its topics."""
    device, text = devices.register(publisher, "suwon", "air-1")
    organisations.edit(people.actor(suwon, "owner"), "suwon", new_slug="suwon-si")
    assert devices.authenticate("suwon/air-1", text) == DeviceIdentity(device.id, suwon.id, "suwon/air-1")
    assert devices.authenticate("suwon-si/air-1", text) == DeviceIdentity(device.id, suwon.id, "suwon-si/air-1")
    assert devices.known("suwon/air-1") == "active"
