"""The embedded broker as ``gops run`` starts it: a process of its own over the records of a test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from gops.ingest.secret import SERVICE_USER, service_secret


class Embedded:
    """The same face as ``mosquitto.Mosquitto``; it knows devices from the records."""

    def __init__(self, data: Path, **settings: str) -> None:
        self._data = data
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = int(chosen.getsockname()[1])
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOPS_")},
            "GOPS_DATA": str(data),
            "GOPS_MQTT_BROKER_PORT": str(self.port),
            "GOPS_LOG_STYLE": "json",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def log_file(self) -> Path:
        return self._data / "broker.log"

    @property
    def url(self) -> str:
        return f"mqtt://{SERVICE_USER}:{quote(service_secret(self._data), safe='')}@127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def device_url(self, address: str, secret: str) -> str:
        return f"mqtt://{quote(address, safe='')}:{quote(secret, safe='')}@127.0.0.1:{self.port}"

    def add_device(self, address: str, secret: str) -> None:
        """It asks the records."""

    def start(self) -> Embedded:
        self._log = self.log_file.open("ab")
        command = [sys.executable, "-m", "gops.ingest.broker"]
        self._process = subprocess.Popen(command, env=self._environ, stdout=self._log, stderr=self._log)
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, self.log_file.read_text()
                assert time.monotonic() < end, "the embedded broker did not start"
                time.sleep(0.02)
            else:
                return self

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._end()

    def _end(self) -> None:
        assert self._process is not None
        self._process.wait(15)
        self._process = None
        if self._log is not None:
            self._log.close()


@contextmanager
def start_embedded(data: Path, **settings: str) -> Iterator[Embedded]:
    broker = Embedded(data, **settings).start()
    try:
        yield broker
    finally:
        broker.stop()
