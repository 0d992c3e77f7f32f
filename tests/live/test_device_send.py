"""``gops device send`` through a real broker: its exit status says whether something was refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gops.cli.devices import device
from gops.errors import Unauthenticated
from gops.records.database import Database
from tests.live.mosquitto import start_mosquitto
from tests.live.town import town

pytestmark = pytest.mark.live


def test_what_was_stored_and_what_was_refused(
    settings: Any, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = town(settings.data, database)
    with start_mosquitto(tmp_path / "mosquitto") as broker:
        try:
            place.start(broker)
            air = place.add_device("air")
            monkeypatch.setenv("GOPS_DATA", str(settings.data))
            monkeypatch.setenv("GOPS_MQTT_URL", broker.url)

            def send(message: str, *options: str, secret: str = air.secret) -> Any:
                return CliRunner().invoke(device, ["send", air.address, secret, message, *options])

            good, half, bare = send('{"pm10": 41}'), send('{"pm10": 42, "typo": 1}'), send("no json")
            assert (good.exit_code, good.stdout) == (
                0,
                "stored: 1 inserted, 0 replaced, 0 unchanged, 0 kept, 0 refused\n",
            )
            assert half.exit_code == 1
            assert "refused: unknown_field typo" in half.stderr
            assert bare.exit_code == 1
            assert "refused: bad_json" in bare.stderr
            assert send("no json", "--no-wait").exit_code == 0
            assert isinstance(send("{}", secret="wrong").exception, Unauthenticated)
        finally:
            place.close()
