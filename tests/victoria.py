"""A VictoriaMetrics of our own (Debian's package), for tests: start, kill, start again on the same folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.conftest import absent
from tests.live.running import free_port, wait_until

PROGRAM = "victoria-metrics"
READY_SECONDS = 30.0
MEMORY = Path("/dev/shm")


def require() -> None:
    """Skip where VictoriaMetrics is not installed; in CI it must be."""
    if shutil.which(PROGRAM) is None:
        absent(f"{PROGRAM} is not installed")


class RunningVictoria:
    """``victoria-metrics`` on ``folder``."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._launch(log)
        end = time.monotonic() + READY_SECONDS
        while not self._is_up():
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _launch(self, log: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            [
                PROGRAM,
                f"-storageDataPath={self.folder / 'data'}",
                f"-httpListenAddr=127.0.0.1:{self.port}",
                "-retentionPeriod=100y",
                "-dedup.minScrapeInterval=1ms",
                "-memory.allowedBytes=100MB",
                *self._flags,
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def _is_up(self) -> bool:
        try:
            return bool(self.get("/health") == "OK")
        except OSError:
            return False

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@contextmanager
def victoria(*flags: str) -> Iterator[RunningVictoria]:
    """In memory where there is room, so that writing to disk is quick."""
    require()
    folder = Path(tempfile.mkdtemp(prefix="gops-victoria-", dir=MEMORY if MEMORY.is_dir() else None))
    server = RunningVictoria(folder, *flags)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_shown(server: RunningVictoria) -> None:
    """A server that has just begun does not show new series at once, whatever it is told."""
    request = urllib.request.Request(f"{server.url}/api/v2/write", data=b"probe,a=1 v=1", method="POST")
    urllib.request.urlopen(request, timeout=10).close()
    server.get("/internal/force_flush")
    wait_until(lambda: "probe" in server.get("/api/v1/export?match[]=probe_v"), "the server shows what it has")


@contextmanager
def vmauth(server: RunningVictoria) -> Iterator[str]:
    """A proxy in front that asks for a password; its address, with user and password."""
    port = free_port()
    users = f"users:\n- username: gops\n  password: secret\n  url_prefix: {server.url}\n"
    config = server.folder / "auth.yml"
    config.write_text(users)
    process = subprocess.Popen(
        ["vmauth", f"-auth.config={config}", f"-httpListenAddr=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _answers(port), "vmauth answers", READY_SECONDS)
        yield f"http://gops:secret@127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
