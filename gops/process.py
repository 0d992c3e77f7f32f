"""Processes that belong together: a child that ends when its parent does, and a keeper that restarts one."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from gops import logs

POLL_SECONDS = 0.25
GRACE_SECONDS = 10.0
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
HEALTHY_SECONDS = 30.0
log = logs.get(__name__)


def end_with_parent(grace_s: float = GRACE_SECONDS) -> None:
    """Watch the parent from a thread: when it is gone send ourselves SIGTERM, and after ``grace_s`` leave at once.

    A parent killed by SIGKILL tells nobody, and an orphan would keep its port and its store's lock. Nothing is logged:
    standard error may have been a pipe to the parent.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


class Keeper:
    """Starts a child and starts it again when it ends, ever slower while it keeps failing.

    ``on_end`` is told the exit status each time.
    """

    def __init__(self, name: str, command: Sequence[str], on_end: Callable[[int], None] | None = None) -> None:
        self.name = name
        self._command = list(command)
        self._on_end = on_end
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name=f"keep-{name}", daemon=True)

    def start(self) -> Keeper:
        self._thread.start()
        return self

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def stop(self) -> None:
        """End the child: SIGTERM, then SIGKILL when it takes longer than the grace."""
        self._stopping.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        self._thread.join(GRACE_SECONDS)

    def _keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            self._child = subprocess.Popen(self._command)  # noqa: S603 - our own command line, no shell
            if self._stopping.is_set():  # stop() may have looked before this child was there
                self._child.terminate()
            status = self._child.wait()
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - begun > HEALTHY_SECONDS else failures + 1
            pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1] if failures else BACKOFF_SECONDS[0]
            log.warning("child_ended", child=self.name, status=status, restart_in_s=pause)
            if self._on_end:
                self._on_end(status)
            self._stopping.wait(pause)
