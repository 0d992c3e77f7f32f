"""What a start finds made already, and what ``gops run`` loads to see it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest

from gops.clock import FixedClock
from gops.keeping.initialising import initialise
from gops.keeping.standing import newest_step, stands
from gops.records import migrate
from gops.records.database import Database
from gops.settings import Settings


@pytest.fixture
def made(settings: Settings, database: Database, clock: FixedClock) -> Settings:
    """``database`` has copied the tables, which need not be made step by step."""
    assert not stands(settings)
    assert initialise(settings, clock)
    return settings


def change(settings: Settings, sql: str) -> None:
    with closing(sqlite3.connect(settings.data / "records.sqlite")) as records, records:
        records.execute(sql)


def test_what_was_initialised_stands(made: Settings, clock: FixedClock) -> None:
    assert stands(made)
    assert initialise(made, clock) is None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE alembic_version SET version_num = '0001'",
        "UPDATE organisation SET kind = 'company' WHERE kind = 'operator'",
        "DELETE FROM observed_property WHERE key = 'pm10'",
        "DROP TABLE alembic_version",
    ],
)
def test_what_lacks_something_does_not(made: Settings, sql: str) -> None:
    change(made, sql)
    assert not stands(made)


def test_what_is_elsewhere_or_half_restored_is_not_known(made: Settings) -> None:
    assert not stands(replace(made, records_url="postgresql+psycopg://localhost/gops"))
    assert not stands(replace(made, operator_slug="another"))
    (made.data / ".restoring").mkdir()
    assert not stands(made)


def test_a_file_that_is_no_database_does_not_stand(settings: Settings) -> None:
    settings.data.mkdir(exist_ok=True)
    (settings.data / "records.sqlite").write_bytes(b"nothing" * 1000)
    assert not stands(settings)


def test_the_newest_step_is_that_of_the_migrations() -> None:
    assert newest_step() == migrate.newest()


def test_who_starts_the_server_loads_neither_records_nor_store() -> None:
    """They are most of what a start takes, and its worker loads them beside it."""
    code = (
        "import sys, gops.cli.server; print(*{'sqlalchemy', 'alembic', 'numpy', 'pyarrow', 'duckdb'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def test_the_server_loads_no_library_that_only_some_questions_need() -> None:
    rare = "{'rdflib', 'scipy', 'openpyxl', 'xlsxwriter', 'icalendar', 'cql2', 'alembic'}"
    code = f"import sys, gops.compose; print(*{rare} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
