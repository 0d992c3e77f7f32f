"""Services over records of this test, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from gops.accounts.devices import Devices
from gops.accounts.keys import Keys
from gops.accounts.members import Members
from gops.accounts.organisations import Organisations
from gops.clock import FixedClock
from gops.records import events
from gops.records.audit import AuditRow
from gops.records.database import Database
from gops.records.events import Event
from gops.settings import Settings


@pytest.fixture
def organisations(database: Database, clock: FixedClock) -> Organisations:
    return Organisations(database, clock)


@pytest.fixture
def members(database: Database, clock: FixedClock) -> Members:
    return Members(database, clock)


@pytest.fixture
def keys(database: Database, clock: FixedClock, settings: Settings) -> Keys:
    return Keys(database, clock, settings)


@pytest.fixture
def devices(database: Database, clock: FixedClock) -> Devices:
    return Devices(database, clock)


@pytest.fixture
def audited(database: Database) -> Callable[[], list[AuditRow]]:
    def rows() -> list[AuditRow]:
        with database.read() as session:
            return list(session.scalars(select(AuditRow).order_by(AuditRow.id)))

    return rows


@pytest.fixture
def told(database: Database) -> Callable[[], list[Event]]:
    def rows() -> list[Event]:
        with database.read() as session:
            return list(events.since(session, 0))

    return rows


HOSTILE_LINES: list[Any] = [
    "",
    "   ",
    "two\nlines",
    "tab\there",
    "nul\0",
    "\x1b[31mred",
    "\ud800",
    "right\u202eleft",
    "x" * 201,
    "x" * 1_000_000,
    None,
    7,
    ["Kim"],
    {"a": 1},
    b"bytes",
    True,
]
