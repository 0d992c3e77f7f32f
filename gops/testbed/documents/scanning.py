"""The operator's scanner: a command that is given the path of a file and ends with 0 when it is clean.

``GOPS_SCANNER_COMMAND`` is split like a command line and run without a shell, with the path as its last argument, an
empty environment but PATH, no input, and a time limit. Exit status 1 says infected (as clamscan and clamdscan have it);
any other, a signal or no end in time says that it did not work: then nothing is kept.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from shutil import copyfileobj
from typing import BinaryIO

from gops import logs
from gops.errors import Invalid, Unavailable
from gops.settings import Settings

INFECTED = 1
log = logs.get(__name__)


def scan(file: BinaryIO, settings: Settings) -> bool:
    """Was it scanned, and found clean? False where there is no scanner.

    Raises ``Invalid`` (``document_infected``), ``Unavailable`` (``scanner_failed``).
    """
    if not settings.scanner_command:
        return False
    with tempfile.NamedTemporaryFile(prefix="gops-scan-") as copy:  # mode 0600
        file.seek(0)
        copyfileobj(file, copy)
        copy.flush()
        status = _run([*shlex.split(settings.scanner_command), copy.name], settings.scanner_seconds)
    if status == INFECTED:
        raise Invalid("the scanner found something in the file", code="document_infected", field="body",
                      found="infected", expected="a file that is clean")  # fmt: skip
    if status != 0:
        log.warning("scanner_failed", status=status)
        raise _failed(f"exit status {status}")
    return True


def _run(command: list[str], seconds: float) -> int:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    nothing = subprocess.DEVNULL
    try:
        running = subprocess.Popen(  # noqa: S603 - the operator's command; the path is ours
            command, stdin=nothing, stdout=nothing, stderr=nothing, env=environment, start_new_session=True
        )
    except OSError as error:
        raise _failed(f"it cannot be run: {error.strerror}") from error
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired as error:
        os.killpg(running.pid, signal.SIGKILL)  # what it started too; it is not reaped yet, so the group is its own
        running.wait()
        raise _failed(f"no end after {seconds} s") from error


def _failed(found: str) -> Unavailable:
    log.warning("scanner_failed", reason=found)
    return Unavailable("the file could not be scanned, and is not kept", code="scanner_failed", field="body",
                       expected="the same again when the operator's scanner works (GOPS_SCANNER_COMMAND)")  # fmt: skip
