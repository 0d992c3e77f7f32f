"""``gops datastream delete-readings`` and ``correct``: by the running server, or on the store itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from gops import cli, compose, settings
from gops.accounts import lookup
from gops.admin import AdminServer
from gops.clock import SystemClock
from gops.permissions import SCOPES, Actor
from gops.sensors.correcting import commands
from gops.sensors.corrections import Corrections
from gops.store.port import READINGS, Read, Series

MIDNIGHT, MINUTE = 1_777_561_200_000_000, 60_000_000  # 2026-05-01T00:00+09:00
RANGE = ("--from", "2026-05-01", "--to", "2026-05-01T00:02")


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A Datastream of suwon with three readings a minute apart, and GOPS_DATA where it is."""
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
    compose.initialise(settings.load(), SystemClock())
    records = compose.records(settings.load(), SystemClock())
    home = records.organisations.create(
        Actor(platform_roles=frozenset({"operator"}), scopes=frozenset(SCOPES)),
        "suwon",
        "municipality",
        "수원",
        "Suwon",
    )
    owner = Actor(organisation_id=home.id, roles=frozenset({"owner"}), scopes=frozenset(SCOPES))
    thing = records.things.create(owner, "suwon", "City hall")
    made = records.datastreams.create(owner, thing.id, "probe", "temperature")
    records.database.close()
    rows = [{"datastream": made.id, "t": MIDNIGHT + place * MINUTE, "value": 1.0, "quality": 0} for place in range(3)]
    with closing(compose.open_store(settings.load())) as store:
        store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    return int(made.id)


def gops(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gops", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def qualities(stream: int) -> list[int]:
    with closing(compose.open_store(settings.load())) as store:
        found: list[int] = store.read(Read([Series(stream)]))["quality"].to_pylist()
    return found


def test_without_a_server_the_store_itself_is_corrected(
    stream: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("datastream", "correct", "suwon", str(stream), *RANGE, "--reason", "drifted", "--quality", "suspect")
    assert gops(monkeypatch, *asked, "--dry-run") == 0
    assert gops(monkeypatch, *asked, "--only", "good") == 0
    assert gops(monkeypatch, "datastream", "delete-readings", "suwon", str(stream), *RANGE, "--reason", "x") == 0
    assert qualities(stream) == [0]
    said = capsys.readouterr().out.splitlines()
    assert said == ["2 readings would become suspect", "2 readings became suspect", "2 readings were deleted"]


@pytest.fixture
def served(stream: int) -> Iterator[int]:
    """The same while a server holds the store."""
    chosen = settings.load()
    records = compose.records(chosen, SystemClock())
    with closing(compose.open_store(chosen)) as store:
        corrections = Corrections(records.database, SystemClock(), chosen, store)
        server = AdminServer(chosen.admin_socket, commands(corrections, records.database, lookup))
        yield stream
        server.close()
        assert store.read(Read([Series(stream)]))["quality"].to_pylist() == [0, 3, 0]
    records.database.close()


def test_a_running_server_is_asked(
    served: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    span = ("--from", "2026-04-30T15:01:00Z", "--to", "2026-05-01T00:02")
    asked = ("datastream", "correct", "suwon", str(served), *span, "--reason", "repaired", "--quality", "maintenance")
    assert gops(monkeypatch, *asked) == 0
    assert capsys.readouterr().out == "1 readings became maintenance\n"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("suwon", "999", *RANGE, "--reason", "x"), "no such datastream"),
        (("nowhere", "1", *RANGE, "--reason", "x"), "organisation"),
        (("suwon", "1", "--from", "soon", "--to", "later", "--reason", "x"), "ISO 8601"),
        (("suwon", "1", *RANGE, "--reason", ""), "reason"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    stream: int,
    arguments: tuple[str, ...],
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert gops(monkeypatch, "datastream", "delete-readings", *arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert part in said[0]
