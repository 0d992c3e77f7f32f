"""``gops datastream check``: by the running server, or on the store itself."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from gops import cli, compose, settings
from gops.accounts import lookup
from gops.admin import AdminServer
from gops.clock import SystemClock
from gops.ingest.rules.asking import commands
from gops.ingest.rules.ruling import rules_over
from gops.permissions import SCOPES, Actor
from gops.store.port import READINGS

MIDNIGHT, HOUR = 1_777_561_200_000_000, 3_600_000_000  # 2026-05-01T00:00+09:00
RANGE = ("--from", "2026-05-01", "--to", "2026-05-02")
RULES = ("--rules", '{"step": 5, "late": "P1D"}', "--range-high", "40")
FOUND = """4 readings, 4 compared, 2 would be suspect
  range            1
  step             1
  rate             0
  frozen           0
  2026-05-01T01:00:00+09:00  30  step
  2026-05-01T02:00:00+09:00  99  range
not tried, as it is not stored when a reading came: late
"""


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A Datastream of suwon with four readings an hour apart, and GOPS_DATA where it is."""
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
    compose.initialise(settings.load(), SystemClock())
    records = compose.records(settings.load(), SystemClock())
    operator = Actor(platform_roles=frozenset({"operator"}), scopes=frozenset(SCOPES))
    home = records.organisations.create(operator, "suwon", "municipality", "수원", "Suwon")
    owner = Actor(organisation_id=home.id, roles=frozenset({"owner"}), scopes=frozenset(SCOPES))
    thing = records.things.create(owner, "suwon", "City hall")
    made = records.datastreams.create(owner, thing.id, "probe", "temperature")
    records.database.close()
    rows = [
        {"datastream": made.id, "t": MIDNIGHT + place * HOUR, "value": value, "quality": 0}
        for place, value in enumerate((20.0, 30.0, 99.0, 31.0))
    ]
    with closing(compose.open_store(settings.load())) as store:
        store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    return int(made.id)


def gops(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gops", "datastream", "check", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("is_served", [False, True])
def test_rules_are_tried_on_stored_readings(
    stream: int, is_served: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen, clock = settings.load(), SystemClock()
    asked = ("suwon", str(stream), *RANGE, *RULES)
    if not is_served:
        assert gops(monkeypatch, *asked) == 0
    else:
        records = compose.records(chosen, clock)
        with closing(compose.open_store(chosen)) as store, closing(records.database):
            service = rules_over(store, records.database, clock, chosen).service
            with closing(AdminServer(chosen.admin_socket, commands(service, records.database, lookup))):
                assert gops(monkeypatch, *asked) == 0
    assert capsys.readouterr().out == FOUND


@pytest.mark.parametrize(
    ("rules", "part"), [("{", "JSON"), ("[]", "an object of rules"), ('{"step": 0}', "greater than 0")]
)
def test_a_mistake_is_told_in_one_line(
    stream: int, rules: str, part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gops(monkeypatch, "suwon", str(stream), *RANGE, "--rules", rules) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert part in said[0]
