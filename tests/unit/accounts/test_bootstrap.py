"""The first start makes the operator and shows one key, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gops.accounts.bootstrap import initialise
from gops.accounts.keys import Keys
from gops.accounts.organisations import Organisations
from gops.clock import FixedClock
from gops.errors import BadSetting, Invalid
from gops.permissions import SCOPES, permits
from gops.records import migrate
from gops.records.audit import AuditRow
from gops.records.database import Database
from gops.settings import Settings


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Database]:
    """Records of which there is not even a file."""
    opened = Database(f"sqlite:///{tmp_path / 'new' / 'records.sqlite'}")
    yield opened
    opened.close()


def test_the_first_start_makes_the_tables_and_the_operator(
    untouched: Database, clock: FixedClock, settings: Settings
) -> None:
    text = initialise(untouched, clock, settings)
    assert text is not None
    assert migrate.is_current(untouched)
    actor = Keys(untouched, clock, settings).authenticate(text)
    assert (actor.roles, actor.platform_roles, actor.owns_operator) == ({"owner"}, {"operator"}, True)
    assert actor.scopes == set(SCOPES)
    assert permits(actor, "organisation.create", None)
    found = {row.slug: row.kind for row in Organisations(untouched, clock).list()}
    assert found == {"gops": "operator", "public": "citizen_group"}


def test_the_key_is_shown_once(untouched: Database, clock: FixedClock, settings: Settings) -> None:
    initialise(untouched, clock, settings)
    assert initialise(untouched, clock, settings) is None
    assert len(Organisations(untouched, clock).list()) == 2


def test_another_slug_later_makes_no_second_operator(
    untouched: Database, clock: FixedClock, settings: Settings
) -> None:
    initialise(untouched, clock, settings)
    assert initialise(untouched, clock, replace(settings, operator_slug="other")) is None


def test_the_settings_name_the_operator(untouched: Database, clock: FixedClock, settings: Settings) -> None:
    chosen = replace(settings, operator_slug="gyeonggi", operator_email="Data@Gyeonggi.kr", key_days_max=10)
    text = initialise(untouched, clock, chosen)
    assert text is not None
    keys = Keys(untouched, clock, chosen)
    (key,) = keys.list(keys.authenticate(text))
    assert Organisations(untouched, clock).get("gyeonggi").id == key.organisation_id
    clock.move(days=10)
    assert key.expires_at == clock.micros()


def test_the_public_organisation_is_not_the_operators(
    untouched: Database, clock: FixedClock, settings: Settings
) -> None:
    with pytest.raises(BadSetting) as raised:
        initialise(untouched, clock, replace(settings, operator_slug="public"))
    assert raised.value.field == "GOPS_OPERATOR_SLUG"


def test_an_address_that_is_none_stops_the_start_and_leaves_nothing_half_made(
    untouched: Database, clock: FixedClock, settings: Settings
) -> None:
    with pytest.raises(Invalid) as raised:
        initialise(untouched, clock, replace(settings, operator_email="a@-b"))
    assert raised.value.field == "GOPS_OPERATOR_EMAIL"
    assert initialise(untouched, clock, settings) is not None


def test_the_first_start_is_audited(
    database: Database, clock: FixedClock, settings: Settings, audited: Callable[[], list[AuditRow]]
) -> None:
    initialise(database, clock, settings)
    assert [row.action for row in audited()] == ["platform.initialise", "key.issue"]
    assert {row.person_id for row in audited()} == {None}
