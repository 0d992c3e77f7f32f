"""What only SQLite has: pragmas, the way a unit begins, the file, and other processes on it."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text

from gops.accounts.model import Organisation
from gops.errors import BadSetting, Unavailable
from gops.records import migrate
from gops.records.database import Database
from gops.settings import Settings, load
from tests.contracts.records import scratch


@pytest.fixture
def database(settings: Settings, database: Database) -> Iterator[Database]:
    """The same file as GOPS opens it: the one of all tests does without waiting for the disk."""
    opened = Database(settings.records_address)
    yield opened
    opened.close()


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent to SQLite."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engines = [database.engine, database._reading]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("query_only", 0)]
)
def test_every_writing_connection_is_set_up(database: Database, pragma: str, value: object) -> None:
    with database.write() as session:
        assert session.execute(text(f"PRAGMA {pragma}")).scalar() == value


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("query_only", 1)])
def test_every_reading_connection_is_set_up(database: Database, pragma: str, value: object) -> None:
    with database.read() as session:
        assert session.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_a_write_unit_takes_the_write_lock_with_its_first_statement(database: Database, statements: list[str]) -> None:
    with database.write() as session:
        session.execute(select(Organisation))
    assert statements[0] == "BEGIN IMMEDIATE"


def test_a_write_unit_really_holds_the_lock_before_it_writes(database: Database, settings: Settings) -> None:
    """A plain BEGIN would let two units read the same state and both write."""
    impatient = Database(settings.records_address, wait_seconds=0.1)
    with database.write(), pytest.raises(Unavailable), impatient.write():
        pass
    impatient.close()


def test_a_read_unit_always_ends_and_leaves_the_log_free(database: Database) -> None:
    """A connection that went back into the pool within a transaction would keep the write-ahead log growing."""
    for _ in range(30):
        with database.read() as session:
            session.execute(select(Organisation))
    with contextlib.suppress(ZeroDivisionError), database.read() as session:
        session.execute(select(Organisation))
        raise ZeroDivisionError
    with database.engine.connect() as connection:
        busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    assert busy == 0


def test_the_file_and_its_folder_are_for_gops_alone(tmp_path: Path) -> None:
    previous = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{tmp_path / 'data' / 'records.sqlite'}")
        migrate.upgrade(database)
        with database.write() as session:
            session.add(Organisation(slug="suwon", kind="municipality", name_ko="수원", name_en="Suwon", created_at=0))
        files = sorted((tmp_path / "data").iterdir())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
    finally:
        os.umask(previous)
        database.close()
    assert modes == {"records.sqlite": 0o600, "records.sqlite-shm": 0o600, "records.sqlite-wal": 0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_making_a_database_opens_nothing(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'data' / 'records.sqlite'}").close()
    assert not (tmp_path / "data").exists()


COUNT = """
import sys
from gops.records.database import Database
from tests.contracts.records import scratch
database = Database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.write() as session:
        row = session.scalars(scratch.guarded()).one()
        row.left = row.left + 1
database.close()
"""


def test_nothing_is_lost_when_three_processes_count(database: Database, settings: Settings) -> None:
    scratch.prepare(database)
    root = Path(__file__).parents[3]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", COUNT, settings.records_address, "100"]
    started = [subprocess.Popen(command, env=environ, cwd=root) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert scratch.left(database) == 300


KILL = """
import os, signal, sys
from gops.records.database import Database
from tests.contracts.records import scratch
database = Database(sys.argv[1])
for last in range(1, 6):
    with database.write() as session:
        session.scalars(scratch.guarded()).one().left = last
with database.write() as session:
    session.scalars(scratch.guarded()).one().left = 404
    session.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_what_was_committed_and_nothing_else(database: Database, settings: Settings) -> None:
    scratch.prepare(database)
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", KILL, settings.records_address],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
        timeout=60,
        check=False,
    )
    assert done.returncode < 0
    assert scratch.left(database) == 5
    with database.write() as session:
        session.scalars(scratch.guarded()).one().left = 6
    assert scratch.left(database) == 6


def test_a_file_that_is_no_database_is_unavailable_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"not a database at all" * 100)
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")
    with pytest.raises(Unavailable, match="no SQLite database"):
        database.check()
    database.close()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    database = Database(f"sqlite:///{tmp_path / 'data' / 'records.sqlite'}")
    with pytest.raises(Unavailable):
        database.check()
    database.close()


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://gops:hunter2@db/gops",
        "postgresql://gops:hunter2@db/gops",
        "postgresql+psycopg://gops:hunter2@db",
        "records.sqlite",
        "nonsense+driver://x/y",
        "",
    ],
)
def test_an_address_that_cannot_hold_records_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(BadSetting) as raised:
        Database(address)
    assert "GOPS_RECORDS_URL" in raised.value.message
    assert "hunter2" not in f"{raised.value.message}{raised.value.found}"
    assert "sqlite:///" in str(raised.value.expected)


def test_the_settings_name_the_records_and_their_bounds(tmp_path: Path) -> None:
    settings = load({"GOPS_DATA": str(tmp_path), "GOPS_RECORDS_WAIT_SECONDS": "3", "GOPS_RECORDS_CONNECTIONS": "2"})
    database = Database.of(settings)
    assert database.wait_seconds == 3
    assert database._reading.pool.size() == 2  # type: ignore[attr-defined]
    assert database.engine.url.database == str(tmp_path / "records.sqlite")
    database.close()


def test_another_process_that_comes_and_goes_leaves_the_log_of_this_one_alone(
    database: Database, settings: Settings
) -> None:
    """A connection made later must not cost the locks of the first: whoever closes then thinks it is alone, and
    removes the log. That was so, and everything written after a `gops` command was lost."""
    path = settings.data / "records.sqlite"
    log = path.with_name("records.sqlite-wal")
    with database.write() as session:
        session.add(Organisation(slug="first", kind="university", name_ko="가", name_en="a", created_at=1))
    inode = log.stat().st_ino
    with database._reading.connect(), database._reading.connect():  # at least one of them is new
        pass
    look = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT * FROM organisation').fetchall()"
    subprocess.run([sys.executable, "-c", f"{look}; c.close()"], check=True)
    assert log.stat().st_ino == inode
