"""The first step of every start: folder, records and operator.

Apart from ``compose``, which takes twice as long to import and is needed by the server's worker alone.
"""

from __future__ import annotations

from gops.accounts.bootstrap import initialise as create_operator
from gops.clock import Clock
from gops.keeping.restore import refuse_unfinished
from gops.records.database import Database
from gops.sensors.properties import seed
from gops.settings import Settings


def initialise(chosen: Settings, clock: Clock) -> str | None:
    """Create what is missing, and bring the records' tables up to date. The operator's key, the first time only."""
    chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_unfinished(chosen.data)
    database = Database.of(chosen)
    try:
        key = create_operator(database, clock, chosen)
        with database.write() as session:
            seed(session)
    finally:
        database.close()
    return key
