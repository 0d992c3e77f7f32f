"""``gops feed``: a file is tried, declared and changed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from gops import cli, compose, settings
from gops.clock import SystemClock
from gops.permissions import SCOPES, Actor

DOCS = Path(__file__).parents[3] / "docs" / "feeds.md"
SAMPLE = """{"end_device_ids": {"device_id": "node-1"},
             "uplink_message": {"decoded_payload": {"temperature": 21.5, "pm": {"p10": -999}}}}"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the feed of docs/feeds.md, whose broker is approved and stands at a public address, and a sample."""
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GOPS_FEED_BROKERS", "mqtts://198.51.100.7:8883")
    monkeypatch.setenv("GOPS_OUTBOUND_ALLOW", "198.51.100.0/24")
    compose.initialise(settings.load(), SystemClock())
    records = compose.records(settings.load(), SystemClock())
    operator = Actor(platform_roles=frozenset({"operator"}), scopes=frozenset(SCOPES))
    records.organisations.create(operator, "suwon", "municipality", "수원", "Suwon")
    records.database.close()
    (text,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[:1]
    (tmp_path / "lora.toml").write_text(text.replace("eu1.cloud.thethings.network", "198.51.100.7"), encoding="utf-8")
    (tmp_path / "uplink.json").write_text(SAMPLE)
    return tmp_path


def gops(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gops", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def test_the_sample_of_the_docs_is_tried_declared_and_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, sample = str(folder / "lora.toml"), str(folder / "uplink.json")
    assert gops(monkeypatch, "feed", "try", file, "--sample", sample) == 0
    tried = capsys.readouterr().out
    assert "node-1\ttemperature\t" in tried
    assert "21.5 Cel\testimated\twould be registered\tfrom node-1/temperature = 21.5 Cel" in tried
    assert "\tnothing ug/m3\tmissing\t" in tried
    assert "2 readings, 0 refusals, 0 ignored" in tried
    assert gops(monkeypatch, "feed", "add", file) == 0
    assert gops(monkeypatch, "feed", "add", file) == 0
    changed = (folder / "lora.toml").read_text(encoding="utf-8").replace("[defaults]\nquality", "# quality")
    (folder / "lora.toml").write_text(changed, encoding="utf-8")
    assert gops(monkeypatch, "feed", "add", file) == 0
    assert gops(monkeypatch, "feed", "list", "suwon") == 0
    told = capsys.readouterr().out
    assert told.splitlines() == [
        "lora-air: broker, revision 1, on",
        "lora-air: broker, revision 1, on",
        "lora-air: broker, revision 2, on",
        "lora-air\tbroker\trevision 2\tnew\t-\tLoRa 대기 센서",
    ]
    assert gops(monkeypatch, "feed", "try", "lora-air", "--organisation", "suwon", "--sample", sample) == 0
    assert "21.5 Cel\tgood\t" in capsys.readouterr().out


PULLED = """organisation = "suwon"
slug = "noise"
name = "소음"
adapter = "file"
[config]
url = "http://198.51.100.7/noise.csv"
format = "csv"
thing = {name = "측정소"}
fields = [{field = "소음", property = "noise_level", unit = "dB[SPL]{A}"}]
"""


def test_a_pulled_feed_is_declared_shown_and_asked_to_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "noise.toml").write_text(PULLED, encoding="utf-8")
    assert gops(monkeypatch, "feed", "add", str(folder / "noise.toml")) == 0
    assert gops(monkeypatch, "feed", "run", "suwon", "noise") == 0
    assert gops(monkeypatch, "feed", "show", "suwon", "noise") == 0
    told = dict(line.split("\t") for line in capsys.readouterr().out.splitlines() if "\t" in line)
    assert (told["state"], told["breaker"], told["calls today"]) == ("new", "closed", "0 of 5000")
    assert "T" in told["next run"]


def test_what_is_refused_as_a_whole_is_an_exit_status(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad").write_text("{}")
    assert gops(monkeypatch, "feed", "try", str(folder / "lora.toml"), "--sample", str(folder / "bad")) == 1
    assert "refused\tmissing_member\t" in capsys.readouterr().out
    (folder / "lora.toml").write_text("[feed")
    assert gops(monkeypatch, "feed", "add", str(folder / "lora.toml")) == 2
    assert "no TOML file" in capsys.readouterr().err
