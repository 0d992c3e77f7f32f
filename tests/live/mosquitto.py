"""A real Mosquitto of its own for a test: free port, passwords, the topic permissions of ``deploy/mosquitto``."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from tests.conftest import absent

BINARY = shutil.which("mosquitto", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
PASSWORDS = shutil.which("mosquitto_passwd")
ACL = Path(__file__).parents[2] / "deploy" / "mosquitto" / "acl"
INGEST_PASSWORD = "ingest-secret"


class Mosquitto:
    """``url`` logs in as ingest. ``add_device`` lets a device in; ``stop`` and ``start`` keep port and files."""

    def __init__(self, folder: Path, *, anonymous: bool = False, tls: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = int(chosen.getsockname()[1])
        lines = [
            f"listener {self.port} 127.0.0.1",
            tls,
            "max_inflight_messages 0",
            "max_queued_messages 0",
            "set_tcp_nodelay true",
            f"allow_anonymous {'true' if anonymous else 'false'}",
            *(["user root"] if os.geteuid() == 0 else []),
            *([] if anonymous else [f"password_file {self.password_file}", f"acl_file {self.acl_file}"]),
        ]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.password_file.touch()
        shutil.copyfile(ACL, self.acl_file)
        self._add("gops", INGEST_PASSWORD)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def password_file(self) -> Path:
        return self.folder / "passwords"

    @property
    def acl_file(self) -> Path:
        return self.folder / "acl"

    @property
    def log_file(self) -> Path:
        return self.folder / "mosquitto.log"

    @property
    def url(self) -> str:
        return f"mqtt://gops:{INGEST_PASSWORD}@127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def device_url(self, address: str, secret: str) -> str:
        return f"mqtt://{quote(address, safe='')}:{quote(secret, safe='')}@127.0.0.1:{self.port}"

    def add_device(self, address: str, secret: str) -> None:
        """Known at once: a running broker reads its files again."""
        self._add(address, secret)
        if self._process is not None:
            reloads = self.log_file.read_bytes().count(b"Reloading config")
            self._process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 5
            while self.log_file.read_bytes().count(b"Reloading config") == reloads:
                assert time.monotonic() < end, "Mosquitto did not reload"
                time.sleep(0.02)
            time.sleep(0.02)

    def start(self) -> Mosquitto:
        assert BINARY is not None
        self._log = self.log_file.open("ab")
        self._process = subprocess.Popen(
            [BINARY, "-v", "-c", str(self.folder / "mosquitto.conf")], stdout=self._log, stderr=self._log
        )
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, self.log_file.read_text()
                assert time.monotonic() < end, "Mosquitto did not start"
                time.sleep(0.02)
            else:
                return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None
        if self._log is not None:
            self._log.close()

    def _add(self, username: str, password: str) -> None:
        assert PASSWORDS is not None
        subprocess.run([PASSWORDS, "-b", str(self.password_file), username, password], check=True, capture_output=True)


@contextmanager
def start_mosquitto(folder: Path, *, anonymous: bool = False, tls: str = "") -> Iterator[Mosquitto]:
    """A running Mosquitto; skips the test where none is installed. ``tls``: lines of its listener."""
    if BINARY is None or PASSWORDS is None:
        absent("mosquitto and mosquitto_passwd are not installed")
    broker = Mosquitto(folder, anonymous=anonymous, tls=tls).start()
    try:
        yield broker
    finally:
        broker.stop()
