"""A whole GOPS in processes of its own, for live tests: start, kill, wait, ask."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gops import admin
from gops.errors import GopsError

READY_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


START_SECONDS = 100  # a first start that makes the demo, on a machine that does other things beside it


def wait_until(holds: Callable[[], Any], what: str, seconds: float = READY_SECONDS) -> Any:
    """The first true answer of ``holds``; fails with ``what`` when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class RunningGops:
    """``gops run`` in ``folder``. Use ``start`` and ``stop``, or ``kill`` and ``start`` again."""

    def __init__(self, folder: Path, mqtt_url: str = "", **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.mqtt_port = free_port()
        self.key = ""
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOPS_")},
            "GOPS_DATA": str(folder / "data"),
            "GOPS_PORT": str(self.port),
            "GOPS_MQTT_BROKER_PORT": str(self.mqtt_port),
            "GOPS_LOG_STYLE": "json",
            **({"GOPS_MQTT_URL": mqtt_url} if mqtt_url else {}),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        return self.folder / "gops.log"

    @property
    def supervisor(self) -> int:
        assert self._process is not None
        return self._process.pid

    def worker(self) -> int:
        return int(self.status()["pid"])

    def status(self) -> Any:
        return admin.call(self.folder / "data" / "admin.sock", "status")

    def command(self, *words: str) -> str:
        """Run a ``gops`` command beside the server; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "gops", *words], env=self.environ, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"gops {' '.join(words)}: {done.stderr}"
        return done.stdout

    def start(self, *options: str) -> RunningGops:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gops", "run", *options], env=self.environ, stdout=log, stderr=log
            )
        self.wait_ready()
        if not self.key:
            found = re.search(r"gops_\S+_\S+", self.log_file.read_text())
            self.key = found.group(0) if found else ""
        return self

    def is_ready(self) -> bool:
        """Does a worker of *this* supervisor say so? A killed one's orphan may answer for a moment longer."""
        try:
            mine = _parent(self.worker()) == self.supervisor
            return mine and self.http("GET", "/api/v1/health/ready")[0] == 200
        except (GopsError, urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def wait_ready(self) -> None:
        what = f"GOPS is ready; its log ends with: {self.log_file.read_text()[-2000:]}"
        wait_until(self.is_ready, what, START_SECONDS)

    def http(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        """Status and decoded body of a request to this server."""
        headers = {"Accept": "application/json"}
        if key or self.key:
            headers["Authorization"] = f"Bearer {key or self.key}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    def kill(self, *, supervisor: bool, worker: bool) -> None:
        """SIGKILL, at once and without warning."""
        pids = [self.worker()] if worker else []
        pids += [self.supervisor] if supervisor else []
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        if supervisor:
            assert self._process is not None
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except FileNotFoundError:
        return -1


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
