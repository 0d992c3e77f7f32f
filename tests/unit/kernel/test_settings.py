"""Settings: declared once, parsed strictly, refused by name."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gops.errors import BadSetting
from gops.settings import DECLARED, Settings, example, load, shown

ROOT = Path(__file__).parents[3]
ROWS = {row.env_name: row for row in DECLARED}


def refused(environ: dict[str, str]) -> BadSetting:
    with pytest.raises(BadSetting) as raised:
        load(environ)
    return raised.value


def test_every_default_parses() -> None:
    chosen = load({})
    assert chosen.zone == ZoneInfo("Asia/Seoul")
    assert (chosen.host, chosen.port) == ("127.0.0.1", 8080)


def test_the_table_and_the_class_agree_in_order() -> None:
    assert [column.name for column in fields(Settings)] == [row.name for row in DECLARED]


def test_every_setting_is_explained_and_named_once() -> None:
    assert len(ROWS) == len(DECLARED)
    assert all(len(row.help) > 10 and not row.help.endswith(".") for row in DECLARED)


@pytest.mark.parametrize("row", DECLARED, ids=lambda row: row.name)
def test_every_setting_is_used(row: object) -> None:
    """Outside ``settings.py`` something reads it."""
    name = row.name  # type: ignore[attr-defined]
    through = {"records_url": "records_address"}.get(name, name)
    mention = re.compile(rf'\.{through}\b|"{through}"')
    users = [path for path in (ROOT / "gops").rglob("*.py") if mention.search(path.read_text())]
    assert [path for path in users if path.name != "settings.py"], f"nothing reads {name}"


def test_the_example_file_is_generated() -> None:
    """Anew: gops settings --example > deploy/gops.env.example"""
    assert (ROOT / "deploy" / "gops.env.example").read_text() == example()


def test_the_example_file_is_an_environment_that_loads_as_the_defaults_do() -> None:
    lines = [line[1:] for line in example().splitlines() if line.startswith("#GOPS_")]
    environ = dict(line.split("=", 1) for line in lines)
    assert len(environ) == len(DECLARED)
    assert load(environ) == load({})


def test_an_unknown_name_is_refused_with_the_nearest_known_one() -> None:
    error = refused({"GOPS_PROT": "80"})
    assert (error.code, error.found, error.expected) == ("unknown_setting", "GOPS_PROT", "GOPS_PORT")


def test_names_of_others_are_let_be() -> None:
    assert load({"PATH": "/bin", "gops_port": "1", "MY_GOPS_PORT": "x"}) == load({})


def test_an_empty_value_is_the_default() -> None:
    assert load({"GOPS_PORT": "", "GOPS_DATA": "", "GOPS_MQTT_URL": ""}) == load({})


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("GOPS_PORT", "eighty", "integer"),
        ("GOPS_PORT", "80.5", "integer"),
        ("GOPS_PORT", "0", "65535"),
        ("GOPS_PORT", "65536", "65535"),
        ("GOPS_ZONE", "Asia/Seul", "IANA"),
        ("GOPS_ZONE", "Asia", "IANA"),
        ("GOPS_ZONE", "../../etc/passwd", "IANA"),
        ("GOPS_STORE", "oracle", "duckdb"),
        ("GOPS_LANGUAGE", "de", "ko, en"),
        ("GOPS_LOG_LEVEL", "LOUD", "DEBUG"),
        ("GOPS_MQTT_ANONYMOUS_LIVE", "perhaps", "boolean"),
        ("GOPS_OPERATOR_SLUG", "The Operator", "slug"),
        ("GOPS_OPERATOR_SLUG", "gops\n", "slug"),
        ("GOPS_OPERATOR_EMAIL", "nobody", "mail"),
        ("GOPS_BASE_URL", "ftp://example.kr", "http://"),
        ("GOPS_BASE_URL", "https://", "https://"),
        ("GOPS_MQTT_URL", "broker:1883", "mqtt://"),
        ("GOPS_MQTT_URL", "mqtt://broker:99999", "mqtt://"),
        ("GOPS_MQTT_URL", "mqtt://bro ker", "mqtt://"),
    ],
)
def test_a_value_that_does_not_parse_is_refused_by_name(name: str, text: str, part: str) -> None:
    error = refused({name: text})
    assert error.field == name
    assert name in error.message
    assert part in error.message
    assert ROWS[name].help in error.message


def test_a_wrong_value_is_repeated_shortened() -> None:
    error = refused({"GOPS_PORT": "8" * 1000})
    assert error.found == "8" * 80
    assert len(error.message) < 400


def test_a_wrong_address_is_never_repeated_because_it_may_hold_a_password() -> None:
    error = refused({"GOPS_MQTT_URL": "http://user:hunter2@broker"})
    assert "hunter2" not in f"{error.message}{error.found}{error.expected}"


@pytest.mark.parametrize(
    "text", ["mqtt://localhost", "mqtts://u:p%40ss@my_broker:8883", "mqtt://[::1]:1883", "mqtt://10.0.0.1"]
)
def test_the_addresses_that_people_have_are_taken(text: str) -> None:
    assert load({"GOPS_MQTT_URL": text}).mqtt_url == text


def test_a_base_address_loses_its_last_slash() -> None:
    assert load({"GOPS_BASE_URL": "https://data.example.kr/"}).base_url == "https://data.example.kr"


def test_folders_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({"GOPS_DATA": "here"}).data == tmp_path / "here"


def test_the_records_lie_in_the_data_folder_unless_an_address_is_given() -> None:
    assert load({"GOPS_DATA": "/srv/gops"}).records_address == "sqlite:////srv/gops/records.sqlite"
    given = "postgresql+psycopg://gops@db/gops"
    assert load({"GOPS_RECORDS_URL": given}).records_address == given


def test_a_password_in_an_address_is_masked_when_shown() -> None:
    row = ROWS["GOPS_RECORDS_URL"]
    assert shown(row, "postgresql+psycopg://gops:hunter2@db/gops") == "postgresql+psycopg://gops:***@db/gops"
    assert shown(row, "sqlite:////srv/records.sqlite") == "sqlite:////srv/records.sqlite"
