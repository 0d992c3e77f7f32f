"""The steps lead to what the models say, in one transaction, from any number of processes at once."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Column, MetaData, Table, inspect, text

import gops
from gops.errors import BadSetting, GopsError
from gops.records import migrate
from gops.records.base import Base
from gops.records.database import Database
from tests.postgresql import Cluster


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    cluster: Cluster = request.getfixturevalue("postgresql_cluster")
    url = cluster.create_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    opened = Database(empty_url)
    yield opened
    opened.close()


def import_every_model() -> None:
    """Whatever module of GOPS has tables, wherever it lies."""
    for path in sorted(Path(gops.__path__[0]).rglob("*.py")):
        if "__tablename__" in path.read_text():
            importlib.import_module(".".join(path.relative_to(Path(gops.__path__[0]).parent).with_suffix("").parts))


def test_the_tables_are_those_of_the_models(either_database: Database) -> None:
    """Types, nullability, indexes and constraints too. After a change of a model write the next step."""
    import_every_model()
    with either_database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": _defaults_differ, "include_name": _is_of_a_model},
        )
        assert compare_metadata(context, Base.metadata) == []


def _defaults_differ(_context: object, *of_column: Any) -> bool | None:
    """None leaves it to Alembic, to which an empty text of SQLite (two quotes) is none of ours."""
    found, _default, ours = of_column[2:]
    return False if (found, ours) == ("('')", "") else None


def _is_of_a_model(name: str | None, *_: object) -> bool:
    """The text index of the search is the engine's own, and scratch tables are other tests'."""
    return not str(name).startswith(("scratch_", "search_text"))


def test_the_comparison_itself_sees_a_difference(either_database: Database) -> None:
    other = MetaData()
    Table("thing", other, Column("id", BigInteger, primary_key=True), Column("weight", BigInteger))
    with either_database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), other)
    assert any(change[0] == "add_column" and change[3].name == "weight" for change in found)


def test_upgrading_makes_everything_and_again_changes_nothing(empty: Database) -> None:
    assert migrate.current(empty) is None
    assert not migrate.is_current(empty)
    migrate.upgrade(empty)
    tables = inspect(empty.engine).get_table_names()
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.newest()
    assert migrate.is_current(empty)
    assert set(inspect(empty.engine).get_table_names()) == set(tables) > {"organisation", "event", "audit"}


def test_an_upgrade_keeps_what_is_there(either_database: Database, people_of: Callable[[Database], object]) -> None:
    people_of(either_database).organisation("suwon")  # type: ignore[attr-defined]
    migrate.upgrade(either_database)
    with either_database.read() as session:
        assert session.execute(text("SELECT slug FROM organisation")).scalars().all() == ["suwon"]


def test_many_that_start_at_once_take_turns(empty_url: str) -> None:
    failed: list[BaseException] = []
    gate = threading.Barrier(6)

    def start() -> None:
        opened = Database(empty_url)
        gate.wait()
        try:
            migrate.upgrade(opened)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
        opened.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    opened = Database(empty_url)
    assert migrate.is_current(opened)
    opened.close()


def test_records_of_a_newer_gops_are_refused_untouched(either_database: Database) -> None:
    with either_database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadSetting) as raised:
        migrate.upgrade(either_database)
    with either_database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": migrate.newest()})
    assert (raised.value.code, raised.value.found) == ("newer_records", "9999")


def test_steps_are_one_line_forward_and_documented() -> None:
    steps = list(ScriptDirectory(str(migrate.FOLDER)).walk_revisions())
    assert [step.revision for step in steps] == sorted((step.revision for step in steps), reverse=True)
    assert len(ScriptDirectory(str(migrate.FOLDER)).get_heads()) == 1
    for step in steps:
        assert step.doc, step.revision
        assert not hasattr(step.module, "downgrade"), "there is no way back but a copy"


def test_a_step_that_leaves_rows_that_point_nowhere_is_undone(tmp_path: Path) -> None:
    """On SQLite foreign keys rest while tables are rebuilt, so the end is checked. PostgreSQL checks every row."""
    empty = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with empty.engine.begin() as connection:
        run = connection.exec_driver_sql
        run("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        run("CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id))")
        run("PRAGMA foreign_keys=OFF")
        run("INSERT INTO child VALUES (1, 404)")
        run("PRAGMA foreign_keys=ON")
    with pytest.raises(GopsError, match="child"):
        migrate.upgrade(empty)
    assert migrate.current(empty) is None
    assert "organisation" not in inspect(empty.engine).get_table_names()
    empty.close()


def test_foreign_keys_are_on_again_after_an_upgrade(database: Database) -> None:
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
