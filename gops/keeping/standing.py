"""Is there all that the first step of a start makes? Asked of SQLite by itself, in a few milliseconds.

``gops run`` starts the process that serves at once when it is so, instead of loading what makes it, which takes longer
than all else that it does.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from gops.sensors.seed import SEED
from gops.settings import Settings

STEPS = Path(__file__).parent.parent / "records" / "migrations" / "versions"
SQLITE = "sqlite:///"
RESTORING = ".restoring"
WAIT_SECONDS = 5.0


def newest_step() -> str:
    """Of the records' tables, by the names of the files."""
    return max(path.name.partition("_")[0] for path in STEPS.glob("[0-9]*_*.py"))


def stands(chosen: Settings) -> bool:
    """Have the records their tables of today, the operator and all built-in properties? False where it is not known:
    other records than SQLite, or what cannot be read."""
    address = chosen.records_address
    path = Path(address.removeprefix(SQLITE))
    if not address.startswith(SQLITE) or "?" in address or not path.is_file() or (chosen.data / RESTORING).exists():
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", WAIT_SECONDS, uri=True)) as records:
            return _is_complete(records, chosen.operator_slug)
    except sqlite3.Error:
        return False


def _is_complete(records: sqlite3.Connection, operator: str) -> bool:
    if records.execute("SELECT version_num FROM alembic_version").fetchall() != [(newest_step(),)]:
        return False
    sought = "SELECT count(*) FROM organisation WHERE kind = 'operator' AND slug = ?"
    if records.execute(sought, [operator]).fetchone() != (1,):
        return False
    known = {key for (key,) in records.execute("SELECT key FROM observed_property")}
    return known.issuperset(row.key for row in SEED)
