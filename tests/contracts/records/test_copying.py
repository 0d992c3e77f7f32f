"""The records as files, and back: every row of every table, from one state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gops.accounts.model import Organisation
from gops.errors import BadSetting, Conflict, GopsError, Invalid, Unavailable
from gops.records import events, migrate
from gops.records.copying import LEAP, SQLITE, check_sqlite, copy_out, leap_sqlite, load_postgresql, table_order
from gops.records.database import Database
from tests.conftest import People
from tests.postgresql import Cluster

PeopleOf = Callable[[Database], People]
NAME = "탭\t, 줄\n, \\N and a 'quote\""


@pytest.fixture
def filled(either_database: Database, people_of: PeopleOf) -> Database:
    """Rows that refer to one another, odd letters, JSON, and a row that was removed."""
    people = people_of(either_database)
    owner = people.actor(people.organisation("suwon"), "owner")
    people.actor(people.organisation("gone"), "viewer")
    with either_database.write() as session:
        events.append(session, 5, "thing.made", text="한글", deep={"a": [1, None]})
        session.get_one(Organisation, owner.organisation_id).name_en = NAME
        session.execute(text("DELETE FROM membership WHERE role = 'viewer'"))
        session.execute(text("DELETE FROM organisation WHERE slug = 'gone'"))
    return either_database


@pytest.fixture
def empty_postgresql(postgresql_cluster: Cluster) -> Iterator[Database]:
    url = postgresql_cluster.create_database()
    with closing(Database(url)) as opened:
        yield opened
    postgresql_cluster.drop_database(url)


def everything(database: Database) -> dict[str, list[Any]]:
    """All rows of all tables of the records, in a fixed order; a server that tests share may hold a scratch table."""
    with database.engine.connect() as connection:
        return {
            name: sorted(
                json.dumps(list(row), default=str, sort_keys=True)
                for row in connection.execute(text(f'SELECT * FROM "{name}"'))
            )
            for name in table_order(connection)
            if not name.startswith("scratch_")
        }


def back(database: Database, folder: Path, request: pytest.FixtureRequest) -> Database:
    """A copy of ``database`` through files."""
    copied = copy_out(database, folder)
    assert copied.tables["membership"] == 1
    if database.is_sqlite:
        check_sqlite(folder / SQLITE, copied)
        leap_sqlite(folder / SQLITE)
        return Database(f"sqlite:///{folder / SQLITE}")
    target: Database = request.getfixturevalue("empty_postgresql")
    load_postgresql(target, folder, copied)
    return target


def test_every_row_comes_back(filled: Database, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with closing(back(filled, tmp_path, request)) as restored:
        assert everything(restored) == everything(filled)
        migrate.upgrade(restored)
        assert migrate.is_current(restored)


def test_no_id_comes_again(
    filled: Database, tmp_path: Path, request: pytest.FixtureRequest, people_of: PeopleOf
) -> None:
    """Not even that of what was removed before; of tables without rows neither."""
    with closing(back(filled, tmp_path, request)) as restored:
        assert people_of(restored).organisation().id == 2 + LEAP + 1
        with restored.write() as session:
            insert = "INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata) "
            session.execute(text(insert + "SELECT id, '', '', '', '' FROM organisation WHERE slug = 'suwon'"))
        with restored.read() as session:
            assert session.scalar(text("SELECT id FROM sensor")) > LEAP


def test_what_is_not_committed_is_not_copied(filled: Database, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    before = everything(filled)
    with filled.write() as session:
        session.execute(text("UPDATE organisation SET name_en = 'later'"))
        if filled.is_sqlite:
            session.flush()
        copied = back(filled, tmp_path, request)
    with closing(copied) as restored:
        assert everything(restored) == before


def test_another_content_than_was_said_is_refused(
    filled: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    copied = copy_out(filled, tmp_path)
    wrong = replace(copied, tables={**copied.tables, "membership": 2})
    target = None if filled.is_sqlite else request.getfixturevalue("empty_postgresql")
    with pytest.raises(Invalid) as caught:
        load_postgresql(target, tmp_path, wrong) if target else check_sqlite(tmp_path / SQLITE, wrong)
    assert caught.value.code == "backup_damaged"


@pytest.mark.live
def test_a_refused_load_leaves_the_database_empty(
    postgresql_database: Database, empty_postgresql: Database, people_of: PeopleOf, tmp_path: Path
) -> None:
    """It is one transaction, tables and all."""
    people_of(postgresql_database).organisation()
    copied = copy_out(postgresql_database, tmp_path)
    (tmp_path / "person.copy").write_text('"id", "nonsense"\n')
    with pytest.raises(GopsError):
        load_postgresql(empty_postgresql, tmp_path, copied)
    (tmp_path / "person.copy").write_text("not what COPY wrote\n")
    with pytest.raises(GopsError):
        load_postgresql(empty_postgresql, tmp_path, copied)
    with pytest.raises(BadSetting):
        load_postgresql(empty_postgresql, tmp_path, replace(copied, step="9999"))
    assert everything(empty_postgresql) == {}


@pytest.mark.live
def test_a_database_with_tables_is_refused(postgresql_database: Database, tmp_path: Path) -> None:
    copied = copy_out(postgresql_database, tmp_path)
    with pytest.raises(Conflict) as caught:
        load_postgresql(postgresql_database, tmp_path, copied)
    assert caught.value.code == "records_not_empty"


def test_a_file_that_is_no_database_is_told(tmp_path: Path, database: Database) -> None:
    copied = copy_out(database, tmp_path)
    (tmp_path / SQLITE).write_bytes(b"no database" * 1000)
    with pytest.raises(Unavailable, match="cannot be copied or read"):
        check_sqlite(tmp_path / SQLITE, copied)
