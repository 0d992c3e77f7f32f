"""gops dataset upload: a file handed in on the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gops.catalog.datasets import Datasets
from gops.cli import cli
from gops.clock import FixedClock
from gops.permissions import SCOPES, Actor
from gops.records.database import Database
from gops.settings import Settings
from tests.conftest import People


def test_a_file_is_handed_in_and_what_is_wrong_is_told(
    settings: Settings, database: Database, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPS_DATA", str(settings.data))
    home = People(database, clock).organisation("suwon")
    owner = Actor(organisation_id=home.id, roles=frozenset({"owner"}), scopes=frozenset(SCOPES))
    Datasets(database, clock, settings, lambda *_: None).create(owner, "suwon", "parks", kind="files")
    good, bad = tmp_path / "parks.csv", tmp_path / "bad.csv"
    good.write_text("이름,값\n가,1\n")
    bad.write_text("a,b\n1\n")
    answer = CliRunner().invoke(cli, ["dataset", "upload", "parks", str(good), "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert (told["file"], told["rows"], told["columns"]) == ("parks.csv", 1, {"이름": "string", "값": "integer"})
    assert "already there as state 1" in CliRunner().invoke(cli, ["dataset", "upload", "parks", str(good)]).output
    refused = CliRunner().invoke(cli, ["dataset", "upload", "parks", str(bad)])
    assert refused.exit_code != 0
    assert "row 2" in refused.output
    assert CliRunner().invoke(cli, ["dataset", "upload", "nothing", str(good)]).exit_code != 0
