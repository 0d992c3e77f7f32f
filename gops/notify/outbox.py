"""Letters as files, each an RFC 5322 message, for a mail server's pickup or for a person to read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gops.clock import Clock, SystemClock
from gops.errors import Unavailable
from gops.notify.letter import SENDER, written

ENDING = ".eml"


class MailOutbox:
    """``most`` letters may wait in ``folder``; then ``put`` raises ``Unavailable`` that names the setting."""

    def __init__(self, folder: Path, most: int = 10_000, clock: Clock | None = None, sender: str = SENDER) -> None:
        self._folder = folder
        self._most = most
        self._clock = clock or SystemClock()
        self._sender = sender

    def put(self, to: str, subject: str, text: str) -> None:
        """Write one letter: whole or not at all, readable by GOPS alone. The name sorts by time."""
        letter = self.letter(to, subject, text)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_when_full()
        name = f"{self._clock.micros()}-{secrets.token_hex(4)}"
        unfinished = self._folder / f".{name}"
        handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(letter)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._folder / f"{name}{ENDING}")

    def _refuse_when_full(self) -> None:
        waiting = sum(1 for entry in os.scandir(self._folder) if entry.name.endswith(ENDING))
        if waiting >= self._most:
            raise Unavailable(
                f"{waiting} letters wait in the outbox",
                found=waiting,
                expected=f"fewer than {self._most} (GOPS_OUTBOX_MAX)",
            )

    def letter(self, to: str, subject: str, text: str) -> bytes:
        """The bytes of a letter. ``ValueError`` for a header of two lines."""
        return written(self._sender, to, subject, text, self._clock.now()).as_bytes()
