"""The README's commands, run as a newcomer would: on a fresh data folder with the demo."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.running import RunningGops, wait_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(240)]


def commands() -> list[str]:
    """Every command of the README's console blocks, continued lines joined."""
    text = "\n".join(BLOCK.findall(README)).replace("\\\n", " ")
    return [line[2:].strip() for line in text.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGops]:
    running = RunningGops(tmp_path_factory.mktemp("readme"))
    running.start("--demo")
    wait_until(
        lambda: len(running.http("GET", "/api/v1/latest?observed_property=pm10")[1]["latest"]) > 1,
        "the demo's devices have sent readings",
    )
    yield running
    running.stop()


def shell(running: RunningGops, command: str) -> str:
    """Run a README command against this server."""
    command = command.replace("127.0.0.1:8080", f"127.0.0.1:{running.port}")
    command = command.replace("mosquitto_pub -h 127.0.0.1", f"mosquitto_pub -h 127.0.0.1 -p {running.mqtt_port}")
    command = command.replace(".venv/bin/gops", f"{sys.executable} -m gops")
    done = subprocess.run(["bash", "-c", command], env=running.environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_curl_commands_answer(demo: RunningGops) -> None:
    curls = [command for command in commands() if command.startswith("curl") and "<number>" not in command]
    assert len(curls) >= 5
    for command in curls:
        answer = shell(demo, command)
        assert answer, command
        assert '"status":4' not in answer.replace(" ", ""), f"{command}: {answer}"
        if "format=csv" in command:
            assert answer.startswith("datastream,time,")
        else:
            json.loads(answer)


def test_a_device_sends_a_reading_and_anybody_reads_it(demo: RunningGops) -> None:
    """The block "Send a reading", with the password that the first command printed."""
    add, *rest = [command for command in commands() if "my-sensor" in command]
    printed = shell(demo, add)
    password = re.search(r"password\s+(\S+)", printed)
    datastream = re.search(r"Datastream (\d+)", printed)
    assert password
    assert datastream
    if shutil.which("mosquitto_pub") is None:
        rest = [command for command in rest if not command.startswith("mosquitto_pub")]
    shell(demo, f".venv/bin/gops datastream publish suwon {datastream[1]}")
    for command in rest:
        shell(demo, command.replace("<password>", password[1]))
    ask = next(command for command in commands() if command.startswith("curl") and "<number>" in command)

    def read() -> list[float]:
        answer = json.loads(shell(demo, ask.replace("<number>", datastream[1])))
        return [row["value"] for row in answer["observations"]]

    assert wait_until(read, "the reading is there")[0] == 21.5


def test_the_pages_are_there(demo: RunningGops) -> None:
    for path, words in (("/", "GOPS"), ("/?lang=en", "GOPS"), ("/api/docs", "GOPS")):
        code, page = demo.http("GET", path)
        assert code == 200
        assert words in page


def test_the_operators_key_is_printed_once(demo: RunningGops) -> None:
    assert demo.log_file.read_text().count(demo.key) == 1
    assert demo.http("GET", "/api/v1/keys")[0] == 200


def test_documented_messages_of_the_embedded_broker_are_not_logged_secrets(demo: RunningGops) -> None:
    """No device's secret ever stands in the log."""
    secrets = json.loads((demo.folder / "data" / "demo" / "devices.json").read_text())
    log = demo.log_file.read_text()
    assert not [address for address, secret in secrets.items() if secret in log]
