"""``gops site``: out of one data folder and into it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gops.cli import cli
from gops.cli.registry import shell
from gops.clock import SystemClock
from gops.record_services import records
from gops.records.database import Database
from gops.settings import Settings

RING = [[127.0, 37.25], [127.001, 37.25], [127.001, 37.251], [127.0, 37.25]]
SITE = {"reference": "A-1", "name_ko": "공원", "name_en": "Park", "kind": "park", "capacity": {"area_m2": 5}}


def test_sites_are_imported_and_exported(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPS_DATA", str(settings.data))
    own = records(settings, SystemClock())
    own.organisations.create(shell(), "suwon", "municipality", "수원", "Suwon")
    own.database.close()
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [RING]}, "properties": SITE}
    source = tmp_path / "sites.geojson"
    wrong = feature | {"properties": SITE | {"reference": "A-2", "kind": "moon"}}
    source.write_text(json.dumps({"type": "FeatureCollection", "features": [feature, wrong]}))
    call = ["site", "import", str(source), "--organisation", "suwon"]
    done = CliRunner().invoke(cli, call)
    assert done.exit_code == 1
    assert "created 1, changed 0, unchanged 0, refused 1" in done.output
    assert "features[1]\tA-2\tinvalid_value\tkind" in done.output
    target = tmp_path / "out.csv"
    assert CliRunner().invoke(cli, ["site", "export", str(target), "--organisation", "suwon"]).exit_code == 0
    again = CliRunner().invoke(cli, ["site", "import", str(target), "--organisation", "suwon", "--json"])
    assert (again.exit_code, json.loads(again.output)["unchanged"]) == (0, 1)
