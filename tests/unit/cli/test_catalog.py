"""gops catalog: the index of the search, from the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gops.catalog.search.service import Asked, Search
from gops.cli import cli
from gops.records.database import Database
from gops.settings import Settings
from tests.contracts.search.corpus import fill


def test_reindex_writes_everything_anew(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPS_DATA", str(settings.data))
    with database.write() as session:
        ids = fill(session, homes=1)
    with database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM search_text")
    assert Search(database).find(Asked(q="도서관")).total == 0
    answer = CliRunner().invoke(cli, ["catalog", "reindex"])
    assert (answer.exit_code, answer.output) == (0, f"{len(ids)} datasets can be found\n")
    assert Search(database).find(Asked(q="도서관")).total == 1
