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
    """Every command of the README's console blocks, with its continued lines."""
    found: list[str] = []
    for block in BLOCK.findall(README):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(line[2:])
            elif line.startswith("       ") and found:
                found[-1] = found[-1].removesuffix("\\").rstrip() + " " + line.strip()
    return found


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
    """What asks for nothing but a running demo."""
    curls = [one for one in commands() if one.startswith("curl") and not re.search("<|mytown|-o ", one)]
    assert len(curls) >= 5
    for command in curls:
        answer = shell(demo, command)
        assert '"status":4' not in answer.replace(" ", ""), f"{command}: {answer}"
        if "format=csv" in command:
            assert answer.startswith("datastream,time,")
        else:
            json.loads(answer)


class Newcomer:
    """Types the README's commands in order, and puts in what earlier ones printed."""

    def __init__(self, running: RunningGops) -> None:
        self.running = running
        self.known: dict[str, str] = {}

    def types(self, part: str) -> str:
        """The first command that holds ``part``."""
        command = next(one for one in commands() if part in one)
        for name, value in self.known.items():
            command = command.replace(f"<{name}>", value)
        assert not re.search(r"<[a-z ]+>", command), command
        return shell(self.running, command)

    def reads(self, part: str, **patterns: str) -> None:
        printed = self.types(part)
        for name, pattern in patterns.items():
            found = re.search(pattern, printed)
            assert found, f"{part}: no {name} in {printed}"
            self.known[name.replace("_", " ")] = found[1]


def test_a_newcomer_publishes_a_dataset_from_a_device(demo: RunningGops) -> None:
    """Send a reading, complete the draft, publish it, find it in the catalogue, download it."""
    newcomer = Newcomer(demo)
    newcomer.types("org add mytown")
    newcomer.types("person add mytown")
    newcomer.reads("key issue mytown", key=r"key: (\S+)")
    newcomer.reads("device add mytown", password=r"password\s+(\S+)", number=r"Datastream (\d+)")
    if shutil.which("mosquitto_pub"):
        newcomer.types("mosquitto_pub")
    newcomer.types("device send mytown")

    def read() -> list[float]:
        answer = json.loads(newcomer.types("datastreams/<number>/observations"))
        return [row["value"] for row in answer["observations"]]

    assert wait_until(read, "the reading is there")[0] == 21.5
    newcomer.types("refusals list mytown")
    wait_until(
        lambda: demo.http("GET", "/api/v1/datasets/mytown-devices", key=newcomer.known["key"])[0] == 200,
        "the draft is offered",
    )
    assert json.loads(newcomer.types("-X PATCH"))["missing"] == []
    assert json.loads(newcomer.types("mytown-devices/publish"))["state"] == "published"
    assert "mytown-devices" in newcomer.types("catalog.jsonld")
    assert "21.5" in newcomer.types("mytown-devices/data?format=csv")


def test_a_startup_applies_and_anybody_verifies_an_allocation(demo: RunningGops, tmp_path: Path) -> None:
    """Apply for a site, hand it in, see the allocation, verify its file."""
    startup = Newcomer(demo)
    startup.types("org add my-startup")
    startup.types("person add my-startup")
    startup.reads("key issue my-startup", startup_key=r"key: (\S+)")
    startup.types("sites?call=demo-open-call")
    call = json.loads(startup.types("calls/demo-open-call"))
    startup.known["first week of the call"] = call["terms"]["first_week"]
    made = json.loads(startup.types("demo-open-call/applications"))
    startup.known["application"] = str(made["id"])
    assert json.loads(startup.types("<application>/state"))["state"] == "submitted"
    assert "placed" in startup.types("demo-first-call/rounds")
    command = next(one for one in commands() if "-o round.json" in one)
    shell(demo, command.replace("round.json", str(tmp_path / "round.json")))
    verify = next(one for one in commands() if "testbed verify" in one)
    assert "VERIFIED" in shell(demo, verify.replace("round.json", str(tmp_path / "round.json")))


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
