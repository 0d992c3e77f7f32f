"""Bring the records' tables to the form that this GOPS needs. Run from code; there is no ``alembic.ini``.

Steps lie in ``migrations/versions`` and only go forward: there is no downgrade, a copy of the database is the way
back. One step or all of them happen in one transaction, and two processes that start at once take turns.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from gops.errors import BadSetting, GopsError
from gops.records.database import Database, plainly

FOLDER = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Apply every step that the database lacks. Raises ``BadSetting`` when it is of a newer GOPS."""
    with plainly(database.wait_seconds), database.engine.connect() as connection:
        if database.is_sqlite:
            _upgrade_sqlite(connection)
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('migrate'))"))
            apply(connection)
            connection.commit()


def current(database: Database) -> str | None:
    """The step that the database stands at; None when it has no tables."""
    from alembic.runtime.migration import MigrationContext

    with plainly(database.wait_seconds), database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The step that this GOPS needs."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory(str(FOLDER)).get_current_head()
    assert head is not None, "the migrations are part of the package"
    return head


def is_current(database: Database) -> bool:
    return current(database) == newest()


def _upgrade_sqlite(connection: Connection) -> None:
    """Foreign keys rest meanwhile: SQLite changes a table by building it anew (sqlite.org/lang_altertable, 7)."""
    driver = connection.exec_driver_sql
    driver("PRAGMA foreign_keys=OFF")
    try:
        driver("BEGIN IMMEDIATE")
        apply(connection)
        broken = driver("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise GopsError(f"a migration left {len(broken)} rows that point nowhere, first in {broken[0][0]}")
        connection.commit()
    finally:
        connection.rollback()
        driver("PRAGMA foreign_keys=ON")


def apply(connection: Connection, step: str = "head") -> None:
    """Apply the steps up to ``step`` in the open transaction. Raises ``BadSetting`` for what is of a newer GOPS."""
    from alembic import command  # loaded where it is needed: a server's worker never does
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    stands_at = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    for one in (stands_at, step):
        if one is not None and one not in {*known, "head"}:
            raise BadSetting(
                f"the records were written by a newer GOPS (step {one})",
                code="newer_records",
                field="GOPS_RECORDS_URL",
                found=one,
                expected=f"step {newest()} or older",
            )
    command.upgrade(config, step)
