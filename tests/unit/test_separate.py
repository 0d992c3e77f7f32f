"""Which stores go with several processes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gops import separate
from gops.cli import cli
from gops.errors import BadSetting
from gops.settings import load

BROKER = {"GOPS_MQTT_URL": "mqtt://broker"}


@pytest.mark.parametrize("store", ["duckdb", "influx", "memory"])
def test_a_store_of_one_process_is_refused_by_name(store: str) -> None:
    with pytest.raises(BadSetting) as caught:
        separate.check(load({"GOPS_STORE": store, **BROKER}))
    assert f"GOPS_STORE={store} does not go with separate processes" in caught.value.message
    assert caught.value.field == "GOPS_STORE"


def test_the_embedded_broker_is_refused() -> None:
    with pytest.raises(BadSetting) as caught:
        separate.check(load({"GOPS_STORE": "victoria"}))
    assert caught.value.field == "GOPS_MQTT_URL"


def test_a_store_that_several_may_write_to_passes() -> None:
    separate.check(load({"GOPS_STORE": "victoria", **BROKER}))


@pytest.mark.parametrize("command", ["ingest", "api", "feeds"])
def test_each_command_refuses_before_it_touches_anything(
    command: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPS_DATA", f"{tmp_path}/data")
    done = CliRunner().invoke(cli, [command])
    assert isinstance(done.exception, BadSetting)
    assert not list(tmp_path.iterdir())  # type: ignore[attr-defined]


def test_two_holders_never_have_one_name() -> None:
    assert separate.holder() != separate.holder()
