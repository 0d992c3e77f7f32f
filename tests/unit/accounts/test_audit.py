"""The audit is read by owners for their organisation, by operator and auditor for all."""

from __future__ import annotations

import pytest

from gops.accounts.audit import Audit
from gops.accounts.devices import Devices
from gops.accounts.organisations import Organisations
from gops.clock import FixedClock
from gops.errors import Forbidden, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.records.database import Database
from tests.conftest import People


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)


def test_an_owner_reads_what_happened_in_their_organisation(
    audit: Audit, devices: Devices, people: People, clock: FixedClock
) -> None:
    suwon, yongin = people.organisation("suwon"), people.organisation("yongin")
    owner = people.actor(suwon, "owner")
    devices.register(owner, "suwon", "air-1")
    devices.register(people.actor(yongin, "owner"), "yongin", "air-1")
    (row,) = audit.list(owner, "suwon")
    assert (row.action, row.organisation_id, row.at, row.person_id) == (
        "device.register", suwon.id, clock.micros(), owner.person_id,
    )  # fmt: skip


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_operator_and_auditor_read_everything(audit: Audit, devices: Devices, people: People, role: str) -> None:
    suwon = people.organisation("suwon")
    devices.register(people.actor(suwon, "owner"), "suwon", "air-1")
    reader = people.actor(people.organisation("gops", "operator"), role)
    assert [row.action for row in audit.list(reader)] == ["device.register"]
    assert [row.action for row in audit.list(reader, "suwon")] == ["device.register"]


def test_pages_follow_each_other(audit: Audit, devices: Devices, people: People) -> None:
    owner = people.actor(people.organisation("suwon"), "owner")
    for number in range(5):
        devices.register(owner, "suwon", f"air-{number}")
    first = audit.list(owner, "suwon", limit=2)
    rest = audit.list(owner, "suwon", after=first[-1].id)
    assert [row.detail["name"] for row in (*first, *rest)] == [f"air-{number}" for number in range(5)]


@pytest.mark.parametrize("role", ["publisher", "applicant", "viewer"])
def test_who_is_no_owner_reads_none(audit: Audit, people: People, role: str) -> None:
    with pytest.raises(Forbidden):
        audit.list(people.actor(people.organisation("suwon"), role), "suwon")


def test_an_owner_reads_neither_anothers_nor_the_whole(audit: Audit, people: People) -> None:
    people.organisation("yongin")
    owner = people.actor(people.organisation("suwon"), "owner")
    for slug in ("yongin", None):
        with pytest.raises(Forbidden):
            audit.list(owner, slug)


def test_the_anonymous_read_none(audit: Audit, people: People) -> None:
    people.organisation("suwon")
    for slug in ("suwon", None):
        with pytest.raises(Unauthenticated):
            audit.list(ANONYMOUS, slug)


def test_the_audit_of_no_organisation_is_not_found(audit: Audit, people: People) -> None:
    with pytest.raises(NotFound):
        audit.list(people.operator(), "nowhere")


def test_an_act_that_failed_is_not_in_the_audit(audit: Audit, organisations: Organisations, people: People) -> None:
    operator = people.operator()
    organisations.create(operator, "suwon", "municipality", "수원시", "Suwon")
    with pytest.raises(Exception, match="already"):
        organisations.create(operator, "suwon", "municipality", "수원시", "Suwon")
    assert len(audit.list(operator)) == 1
