"""Against a real PostgreSQL server: which one, and what happens when it goes away and comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gops.accounts.organisations import Organisations
from gops.clock import FixedClock
from gops.errors import BadSetting, Unavailable
from gops.records import migrate
from gops.records.database import Database, serialise
from tests.conftest import People
from tests.postgresql import Cluster, NotInstalled

pytestmark = pytest.mark.live


def test_it_is_the_version_that_gops_is_held_against(postgresql_cluster: Cluster) -> None:
    assert int(postgresql_cluster.version()) >= 15


def test_a_read_unit_is_read_only_and_repeatable(postgresql_database: Database) -> None:
    with postgresql_database.read() as session:
        assert session.execute(text("SHOW transaction_read_only")).scalar() == "on"
        assert session.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"


def test_a_write_unit_after_it_is_neither(postgresql_database: Database) -> None:
    for _ in range(25):
        with postgresql_database.read() as session:
            session.execute(text("SELECT 1"))
    with postgresql_database.write() as session:
        assert session.execute(text("SHOW transaction_read_only")).scalar() == "off"
        assert session.execute(text("SHOW transaction_isolation")).scalar() == "read committed"


def test_connections_are_given_back(postgresql_database: Database) -> None:
    for _ in range(100):
        with postgresql_database.read() as session:
            session.execute(text("SELECT 1"))
        with postgresql_database.write() as session:
            session.execute(text("SELECT 1"))
    with postgresql_database.read() as session:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert session.execute(text(query)).scalar() == 1


def test_what_is_korean_long_and_odd_is_kept(postgresql_database: Database, clock: FixedClock) -> None:
    people = People(postgresql_database, clock)
    name = "경기도 " + "🛰" * 196
    organisations = Organisations(postgresql_database, clock)
    organisations.create(people.operator(), "suwon", "municipality", name, "O'Neill; DROP TABLE person; --")
    assert organisations.get("suwon").name_ko == name
    assert organisations.get("suwon").name_en == "O'Neill; DROP TABLE person; --"


def test_units_that_wait_for_each_other_end_as_unavailable(postgresql_database: Database) -> None:
    """A deadlock: one of the two goes through."""
    first_has, second_has = threading.Event(), threading.Event()
    outcome: list[str] = []

    def cross(mine: str, other: str, have: threading.Event, wait: threading.Event) -> None:
        try:
            with postgresql_database.write() as session:
                serialise(session, mine)
                have.set()
                wait.wait(10)
                serialise(session, other)
            outcome.append("done")
        except Unavailable:
            outcome.append("unavailable")

    threads = [
        threading.Thread(target=cross, args=("a", "b", first_has, second_has)),
        threading.Thread(target=cross, args=("b", "a", second_has, first_has)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["done", "unavailable"]


class TestItGoesAway:
    """On a server of its own."""

    @pytest.fixture
    def cluster(self) -> Iterator[Cluster]:
        try:
            started = Cluster.start()
        except NotInstalled as error:
            pytest.skip(str(error))
        yield started
        started.stop()

    def test_units_are_unavailable_until_it_is_back(self, cluster: Cluster) -> None:
        database = Database(cluster.create_database(), wait_seconds=2)
        migrate.upgrade(database)
        cluster.halt()
        for unit in (database.read, database.write):
            with pytest.raises(Unavailable) as raised, unit() as session:
                session.execute(text("SELECT 1"))
            assert raised.value.message == "the records database does not answer"
        with pytest.raises(Unavailable):
            migrate.upgrade(database)
        cluster.resume()
        database.check()
        assert migrate.is_current(database)
        database.close()

    def test_a_unit_whose_connection_breaks_is_undone_and_unavailable(self, cluster: Cluster) -> None:
        database = Database(cluster.create_database(), wait_seconds=2)
        migrate.upgrade(database)

        def write_and_lose_the_server() -> None:
            with database.write() as session:
                session.execute(text("INSERT INTO former_slug (noun, slug, record_id) VALUES ('a', 'b', 1)"))
                cluster.halt()
                session.execute(text("SELECT 1"))

        with pytest.raises(Unavailable):
            write_and_lose_the_server()
        cluster.resume()
        with database.read() as session:
            assert session.execute(text("SELECT count(*) FROM former_slug")).scalar() == 0
        database.close()


def test_a_database_that_does_not_exist_is_unavailable_without_its_password(postgresql_cluster: Cluster) -> None:
    url = postgresql_cluster.url.set(database="nowhere", password="hunter2")
    database = Database(url.render_as_string(hide_password=False), wait_seconds=2)
    with pytest.raises((Unavailable, BadSetting)) as raised:
        database.check()
    assert "hunter2" not in raised.value.message
    database.close()
