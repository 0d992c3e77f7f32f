"""``gops doctor``: each finding comes when it is so, and not when it isn't."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gops import doctor
from gops.clock import FixedClock
from gops.doctor import Finding, Patient, configuration, host, mosquitto, parts, reach
from gops.errors import Unavailable
from gops.records import events
from gops.records.database import Database
from gops.settings import Settings

WELL: dict[str, Any] = {"components": {"store": {"ok": True}}, "broker_sync": {"way": "none"}}
SHIPPED = Path(__file__).parents[3] / "deploy" / "mosquitto"


@pytest.fixture
def patient(settings: Settings, clock: FixedClock, database: Database) -> Patient:
    return Patient(settings, clock, lambda: WELL)


def having(patient: Patient, **settings: Any) -> Patient:
    return replace(patient, settings=replace(patient.settings, **settings))


def said(found: Iterator[Finding]) -> list[str]:
    return [f"{one.severity} {one.what.en}" for one in found]


@pytest.mark.parametrize(
    ("check", "chosen", "expected"),
    [
        (configuration.addresses, {}, ""),
        (configuration.addresses, {"host": "0.0.0.0"}, "warning GOPS_BASE_URL is empty."),
        (configuration.addresses, {"base_url": "http://open.example.kr"}, "problem GOPS_BASE_URL is http://."),
        (configuration.addresses, {"base_url": "http://localhost:8080"}, ""),
        (configuration.addresses, {"base_url": "https://open.example.kr"}, "warning The address is https"),
        (configuration.addresses, {"base_url": "https://open.example.kr", "trusted_proxies": 1}, ""),
        (configuration.broker_settings, {}, ""),
        (configuration.broker_settings, {"mqtt_broker_host": "0.0.0.0"}, "problem The embedded broker listens"),
        (configuration.broker_settings, {"mqtt_url": "mqtt://b.kr", "broker_sync": "file"}, "problem GOPS_MQTT_URL"),
        (configuration.broker_settings, {"mqtt_url": "mqtts://b.kr"}, "warning The broker's logins are kept by hand"),
        (configuration.broker_settings, {"mqtt_url": "mqtt://127.0.0.1", "broker_sync": "dynsec"}, ""),
        (configuration.store_settings, {"store": "memory"}, "problem The store is memory."),
        (configuration.store_settings, {"store": "influx", "store_url": "http://db.kr:8086"}, "warning GOPS_STORE_URL"),
        (configuration.postgresql_pool, {}, ""),
    ],
)  # fmt: skip
def test_settings_that_contradict(
    patient: Patient, check: Callable[[Patient], Iterator[Finding]], chosen: dict[str, Any], expected: str
) -> None:
    found = said(check(having(patient, **chosen)))
    assert len(found) == bool(expected)
    assert all(one.startswith(expected) for one in found)


def test_files_that_others_may_read(patient: Patient) -> None:
    data = patient.settings.data
    assert said(host.files(patient)) == []
    (data / "secrets").mkdir(mode=0o700)
    (data / "secrets" / "ingest").touch(mode=0o644)
    assert said(host.files(patient)) == [], "nobody can enter the folder"
    data.chmod(0o755)
    found = said(host.files(patient))
    assert f"problem Others may open {data}." in found
    assert f"problem Others may open {data / 'secrets' / 'ingest'}." in found


def test_a_disk_that_fills(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(patient.settings.data)
    for free, expected in ((1 << 29, "problem"), (5 << 30, "warning"), (90 << 30, "")):
        room = type(usage)(100 << 30, 0, free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, room=room: room)
        assert [one.severity for one in host.disk(patient)] == ([expected] if expected else [])


def test_a_clock_behind_the_records(patient: Patient, database: Database, clock: FixedClock) -> None:
    with database.write() as session:
        events.append(session, clock.micros(), "device.registered", device=1)
    assert not any("behind" in one for one in said(host.clock(patient)))
    clock.move(hours=-1)
    assert "problem The clock is 60 min behind the newest record." in said(host.clock(patient))


def test_what_the_server_says_of_its_parts(patient: Patient) -> None:
    assert said(parts.server(patient)) == []
    assert said(parts.server(replace(patient, status=lambda: None))) == ["note No server runs."]
    ill = {
        "components": {"ingest": {"ok": False, "problems": ["no connection"]}, "records": {"ok": True}},
        "broker_sync": {"problem": "no MQTT broker answers"},
    }
    assert said(parts.server(replace(patient, status=lambda: ill))) == [
        "problem ingest: no connection",
        "problem The broker's logins are not kept: no MQTT broker answers",
    ]


class TestMosquittosConfiguration:
    def test_its_defaults_lose_messages(self, patient: Patient, tmp_path: Path) -> None:
        path = tmp_path / "mosquitto.conf"
        path.write_text("# nothing\nlistener 1883\n")
        found = said(mosquitto.mosquitto_configuration(replace(patient, mosquitto=(path,))))
        assert "problem Mosquitto: max_queued_messages 1000" in found
        assert "problem Mosquitto: persistence false" in found
        assert "warning Mosquitto: max_inflight_messages 20" in found

    @pytest.mark.parametrize("name", ["mosquitto.conf", "mosquitto-dynsec.conf"])
    def test_what_gops_ships_is_well(self, patient: Patient, name: str) -> None:
        assert said(mosquitto.mosquitto_configuration(replace(patient, mosquitto=(SHIPPED / name,)))) == []

    def test_included_folders_count(self, patient: Patient, tmp_path: Path) -> None:
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d" / "gops.conf").write_text("allow_anonymous true\n")
        path = tmp_path / "mosquitto.conf"
        path.write_text((SHIPPED / "mosquitto.conf").read_text() + f"include_dir {tmp_path / 'conf.d'}\n")
        found = said(mosquitto.mosquitto_configuration(replace(patient, mosquitto=(path,))))
        assert found == ["problem Mosquitto: allow_anonymous true"]

    def test_a_broker_elsewhere_was_not_seen(self, patient: Patient) -> None:
        elsewhere = having(patient, mqtt_url="mqtts://broker.example.kr")
        assert said(mosquitto.mosquitto_configuration(elsewhere)) == ["note The broker's configuration was not seen."]


def test_no_feeds_ask_nobody(patient: Patient) -> None:
    assert said(reach.outbound(patient)) == []


def test_a_check_that_fails_is_a_finding_and_the_next_one_looks(patient: Patient) -> None:
    def away(_patient: Patient) -> Iterator[Finding]:
        raise Unavailable("the records are away")

    def mistaken(_patient: Patient) -> Iterator[Finding]:
        raise ZeroDivisionError

    found = doctor.examine(having(patient, store="memory"), (away, mistaken, configuration.store_settings))
    assert said(iter(found)) == [
        "problem this check could not be made: the records are away",
        "problem this check could not be made: ZeroDivisionError",
        "problem The store is memory.",
    ]


def test_before_init_it_makes_nothing(settings: Settings, clock: FixedClock) -> None:
    found = doctor.examine(Patient(settings, clock, lambda: None))
    assert [one.what.en for one in found] == [f"There are no records of GOPS in {settings.data}."]
    assert not settings.data.exists()


def test_the_command_says_it_in_both_languages_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gops.cli.doctor import doctor as command

    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "none"))
    korean, english, machine = (CliRunner().invoke(command, words) for words in ([], ["--language", "en"], ["--json"]))
    assert [one.exit_code for one in (korean, english, machine)] == [1, 1, 1]
    assert "[문제]" in korean.output
    assert "[problem] There are no records" in english.output
    assert json.loads(machine.output)[0]["severity"] == "problem"
