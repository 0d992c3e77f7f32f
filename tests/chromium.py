"""A headless Chromium for tests, spoken to over a pipe in its DevTools protocol: no port, no driver, no other host."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import absent

BINARY = shutil.which("chromium") or shutil.which("google-chrome")
ANSWER_SECONDS = 120.0  # axe-core on a busy machine
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
HIGH = 64  # descriptors from here on are in nobody's way
MOVED = "import os, sys; os.dup2({}, 3); os.dup2({}, 4); os.execv(sys.argv[1], sys.argv[1:])"
"""Chromium reads from descriptor 3 and writes to 4."""


class Tab:
    """One page. ``errors``: what scripts threw and what the policy of the page refused, since it was opened."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._count = 0
        self._buffer = b""
        self._session: str | None = None
        self.errors: list[str] = []
        self._loaded = False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> Any:
        self._count += 1
        wanted = self._count
        message = {"id": wanted, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == wanted:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def open(self, address: str) -> None:
        """Returns once the page and what it needs is there."""
        self.errors, self._loaded = [], False
        self.send("Page.navigate", url=address)
        while not self._loaded:
            self._next()

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited where it is a promise."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 10.0) -> Any:
        """The first true value of an expression."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.run(expression)
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds:.0f} s: {expression}")

    def press(self, key: str, code: int = 0) -> None:
        """``key`` as in KeyboardEvent, with its key code where the browser itself has to act on it."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def write(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def size(self, width: int, height: int = 900) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str) -> None:
        """light or dark, as the reader's system has it."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, file: Path) -> None:
        taken = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(taken["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._back], [], [], ANSWER_SECONDS)
            assert ready, f"Chromium says nothing for {ANSWER_SECONDS:.0f} s"
            piece = os.read(self._back, 1 << 20)
            assert piece, "Chromium is gone"
            self._buffer += piece
        one, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(one)
        self._heed(message)
        return message

    def _heed(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(message["params"]["exceptionDetails"]))
        elif method == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.errors.append(message["params"]["entry"]["text"])


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """A tab of a Chromium of its own, which keeps its files in ``folder``. Skips where there is none; fails in CI."""
    if BINARY is None:
        absent("chromium is not installed")
    (in_, to), (back, out) = os.pipe(), os.pipe()
    high = [fcntl.fcntl(one, fcntl.F_DUPFD, HIGH) for one in (in_, out)]
    line = [sys.executable, "-IS", "-c", MOVED.format(*high), str(BINARY), *FLAGS]
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen([*line, f"--user-data-dir={folder / 'chromium'}"], pass_fds=high, stderr=log)
    for one in (in_, out, *high):
        os.close(one)
    try:
        yield Tab(to, back)
    finally:
        os.close(to)
        os.close(back)
        process.terminate()
        process.wait(timeout=20)
