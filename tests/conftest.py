"""What every test may ask for: a clock that stands, settings in a folder of their own, records, people and actors.

Live servers are started here too. Where one is not installed the test skips and says so; with CI set that is a
failure, because CI installs them.
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from gops.accounts.model import Membership, Organisation, Person
from gops.clock import FixedClock
from gops.permissions import PLATFORM_ROLES, ROLES, SCOPES, Actor
from gops.records import migrate
from gops.records.database import Database
from gops.settings import Settings, load
from tests import examples as examples  # loads the profile
from tests.opened import opened as opening
from tests.postgresql import Cluster, NotInstalled

NOON_BEFORE = datetime(2026, 5, 1, tzinfo=UTC)


FIRST = ("test_crash.py", "test_readme.py")
"""Files that take longest: begun first, so that tests in parallel do not end with one process waiting for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage needs to look through it again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """nanobind, under DuckDB, complains at the end of what the last collection does not see."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A test that configures logging binds it to its own standard error, which is closed when the next one logs."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configured = structlog.get_config()
    yield
    if root.handlers != handlers:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**configured)


@pytest.fixture
def clock() -> FixedClock:
    """2026-05-01T00:00Z, until moved."""
    return FixedClock(NOON_BEFORE)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, in a folder of this test."""
    return load({"GOPS_DATA": str(tmp_path / "data")})


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating anew for every test would take most of the time."""
    path = tmp_path_factory.mktemp("records") / "template.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.close()
    return path


@pytest.fixture
def database(settings: Settings, migrated_file: Path) -> Iterator[Database]:
    """Migrated, empty records on SQLite, at ``settings.records_address``."""
    settings.data.mkdir(mode=0o700, parents=True)
    shutil.copyfile(migrated_file, settings.data / "records.sqlite")
    opened = opening(settings.records_address)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[Cluster]:
    """A PostgreSQL of its own, or the one that TEST_POSTGRESQL_URL names (a user who may create databases)."""
    try:
        cluster = Cluster.start(os.environ.get("TEST_POSTGRESQL_URL", ""))
    except NotInstalled as error:
        absent(str(error))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def postgresql_url(postgresql_cluster: Cluster) -> Iterator[str]:
    """The address of a migrated, empty database that the whole session shares."""
    url = postgresql_cluster.create_database()
    database = Database(url)
    migrate.upgrade(database)
    database.close()
    yield url
    postgresql_cluster.drop_database(url)


@pytest.fixture
def postgresql_database(postgresql_cluster: Cluster, postgresql_url: str) -> Iterator[Database]:
    """Migrated, empty records on PostgreSQL; emptied again afterwards, which is quicker than a database a test."""
    opened = opening(postgresql_url)
    yield opened
    opened.close()
    postgresql_cluster.empty(postgresql_url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def either_database(request: pytest.FixtureRequest) -> Database:
    """The contract: what holds on SQLite holds on PostgreSQL."""
    found: Database = request.getfixturevalue("database" if request.param == "sqlite" else "postgresql_database")
    return found


def absent(reason: str) -> None:
    """A server is not installed: skip, and fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks a server that live tests need: {reason}")
    pytest.skip(reason)


class People:
    """Makes organisations, people and actors straight in the records; names follow a count."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self._database = database
        self._clock = clock
        self._count = itertools.count(1)

    def organisation(self, slug: str | None = None, kind: str = "municipality") -> Organisation:
        number = next(self._count)
        made = Organisation(
            slug=slug or f"org-{number}",
            kind=kind,
            name_ko=f"기관 {number}",
            name_en=f"Organisation {number}",
            created_at=self._clock.micros(),
        )
        return self._add(made)

    def person(self, email: str | None = None, name: str = "Kim Minji") -> Person:
        number = next(self._count)
        return self._add(
            Person(email=email or f"person{number}@example.kr", name=name, created_at=self._clock.micros())
        )

    def member(self, organisation: Organisation, *roles: str, person: Person | None = None) -> Person:
        found = person or self.person()
        for role in roles:
            self._add(Membership(person_id=found.id, organisation_id=organisation.id, role=role))
        return found

    def actor(
        self, organisation: Organisation, *roles: str, scopes: tuple[str, ...] = SCOPES, person: Person | None = None
    ) -> Actor:
        """Somebody who holds ``roles`` there (in the records too), acting with a key of ``scopes`` (all)."""
        found = self.member(organisation, *roles, person=person)
        return Actor(
            person_id=found.id,
            organisation_id=organisation.id,
            roles=frozenset(roles) & frozenset(ROLES),
            platform_roles=frozenset(roles) & frozenset(PLATFORM_ROLES),
            scopes=frozenset(scopes),
            owns_operator=organisation.kind == "operator" and "owner" in roles,
        )

    def person_of(self, actor: Actor) -> Person:
        with self._database.read() as session:
            return session.get_one(Person, actor.person_id)

    def operator(self) -> Actor:
        """The first operator, as ``gops init`` makes one."""
        return self.actor(self.organisation("gops", "operator"), "owner", "operator")

    def _add(self, row: Any) -> Any:
        with self._database.write() as session:
            session.add(row)
        return row


@pytest.fixture
def people(database: Database, clock: FixedClock) -> People:
    return People(database, clock)


@pytest.fixture
def people_of(clock: FixedClock) -> Callable[[Database], People]:
    """The same for a database of choice."""
    return lambda database: People(database, clock)
