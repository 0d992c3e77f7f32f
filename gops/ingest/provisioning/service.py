"""Keeping a broker's logins those of the records: soon after a change, at the start, and once an hour.

Every run compares everything: what was missed, or changed by hand at the broker, is mended by the next one.
"""

from __future__ import annotations

import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from gops import logs
from gops.accounts.sealing import seal_of
from gops.clock import Clock
from gops.errors import BadSetting, GopsError, Unavailable
from gops.ingest.mqtt.address import BrokerAddress, parse
from gops.ingest.mqtt.control import DynsecControl
from gops.ingest.provisioning import dynsec, files, logins
from gops.ingest.provisioning.logins import BrokerLogin
from gops.ingest.provisioning.report import SyncReport
from gops.records.database import Database
from gops.records.events import Event
from gops.settings import Settings

EVENTS = (
    "device.registered",
    "device.secret_changed",
    "device.revoked",
    "key.issued",
    "key.revoked",
    "organisation.changed",
)
GATHER_SECONDS = 0.2  # events of one import come together
FULL_SECONDS = 3600.0
RETRY_SECONDS = 10.0
RELOAD_SECONDS = 30.0
STOP_SECONDS = 15.0
NAMED = 5  # user names that a log line shows
log = logs.get(__name__)


class BrokerSync:
    """``run`` synchronises once; ``start`` keeps doing so in a thread. ``handlers`` belong into the event pump."""

    def __init__(self, settings: Settings, clock: Clock, database: Database) -> None:
        _refuse_incomplete(settings)
        self._settings = settings
        self._clock = clock
        self._database = database
        self._seal = seal_of(settings)
        self._one_at_a_time = threading.Lock()
        self._reload_due = True  # whoever wrote the files last may have failed to
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.last: SyncReport | None = None
        self.problem = ""
        handle = (lambda _event: self._wanted.set(),)
        self.handlers: Mapping[str, Sequence[Callable[[Event], None]]] = (
            dict.fromkeys(EVENTS, handle) if self.is_on else {}
        )

    @property
    def is_on(self) -> bool:
        return self._settings.broker_sync != "none"

    def start(self) -> None:
        if not self.is_on:
            return
        self._thread = threading.Thread(target=self._keep, name="broker-sync", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def run(self, *, everything: bool = True) -> SyncReport:
        """Raises ``BadSetting``, ``Unavailable`` or ``Unauthenticated``. ``everything``: also what there is once, such
        as denial by default and the roles that logins share."""
        if not self.is_on:
            raise BadSetting(
                "GOPS does not keep this broker's logins",
                field="GOPS_BROKER_SYNC",
                found="none",
                expected="dynsec, file",
            )
        with self._one_at_a_time:
            report = self._dynsec(everything) if self._settings.broker_sync == "dynsec" else self._files()
        self.last = report
        _tell(report)
        return report

    def export(self, kept: Mapping[str, Any]) -> bytes:
        """The whole file of dynamic security, for a broker that lost it or is new. Secrets on their way stay there:
        a broker that is told them again has the same."""
        return orjson.dumps(dynsec.document(self.logins(), kept), option=orjson.OPT_INDENT_2)

    def logins(self) -> dict[str, BrokerLogin]:
        with self._database.read() as session:
            return logins.wanted(session, self._clock.micros())

    def state(self) -> dict[str, Any]:
        """For ``gops status``."""
        if not self.is_on:
            return {"way": "none"}
        last = asdict(self.last) if self.last else None
        if last is not None:
            last["without"], last["failed"] = len(last["without"]), list(last["failed"][:NAMED])
        return {"way": self._settings.broker_sync, "last": last, "problem": self.problem}

    def _dynsec(self, everything: bool) -> SyncReport:
        seal = self._seal
        assert seal is not None, "there is one for dynsec"
        wanted = self.logins()
        with DynsecControl(parse(self._settings.broker_admin_url, self._settings.mqtt_ca)) as control:
            return dynsec.synchronise(
                control, wanted, self._service(), seal.open, self._delivered, everything=everything
            )

    def _files(self) -> SyncReport:
        folder = Path(self._settings.broker_folder)
        report, changed = files.synchronise(folder, self.logins(), self._service())
        self._reload_due = self._reload_due or changed
        if self._reload_due and self._settings.broker_reload:
            reload_broker(self._settings.broker_reload)
        self._reload_due = False
        return report

    def _service(self) -> BrokerAddress:
        return parse(self._settings.mqtt_url, self._settings.mqtt_ca)

    def _delivered(self, told: Sequence[BrokerLogin]) -> None:
        if not told:
            return
        with self._database.write() as session:
            for login in told:
                logins.delivered(session, login)

    def _keep(self) -> None:
        full_at = 0.0
        while not self._stopping.is_set():
            everything = time.monotonic() >= full_at
            self._wanted.clear()
            if self._try(everything):
                full_at = time.monotonic() + FULL_SECONDS if everything else full_at
                self._wanted.wait(max(0.0, full_at - time.monotonic()))
                self._stopping.wait(GATHER_SECONDS)
            else:
                full_at = 0.0
                self._stopping.wait(RETRY_SECONDS)

    def _try(self, everything: bool) -> bool:
        try:
            self.run(everything=everything)
        except GopsError as error:
            self.problem = error.message
            log.warning("broker_not_synchronised", code=error.code, reason=error.message, retry_in_s=RETRY_SECONDS)
        except Exception:
            self.problem = "a mistake inside GOPS; its log says which"
            log.exception("broker_not_synchronised")
        else:
            self.problem = ""
            return True
        return False


def reload_broker(command: str) -> None:
    """Run the command of ``GOPS_BROKER_RELOAD``, without a shell. Raises ``Unavailable``."""
    words = shlex.split(command)
    try:
        done = subprocess.run(words, capture_output=True, timeout=RELOAD_SECONDS, check=False)  # noqa: S603 - operator's
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(
            f"GOPS_BROKER_RELOAD did not run: {type(error).__name__}", field="GOPS_BROKER_RELOAD"
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-200:]
        raise Unavailable(f"GOPS_BROKER_RELOAD ended with {done.returncode}: {said}", field="GOPS_BROKER_RELOAD")


def _refuse_incomplete(settings: Settings) -> None:
    needed = {
        "none": (),
        "dynsec": ("mqtt_url", "broker_admin_url"),
        "file": ("mqtt_url", "broker_folder"),
    }[settings.broker_sync]
    for name in needed:
        if not getattr(settings, name):
            setting = f"GOPS_{name.upper()}"
            raise BadSetting(
                f"GOPS_BROKER_SYNC={settings.broker_sync} needs {setting}", field=setting, found="", expected="a value"
            )


def _tell(report: SyncReport) -> None:
    if report.did_anything or report.failed:
        log.info(
            "broker_synchronised",
            way=report.way,
            logins=report.logins,
            added=report.added,
            changed=report.changed,
            removed=report.removed,
            failed=report.failed[:NAMED],
        )
    if report.without:
        log.warning("broker_lacks_secrets", count=len(report.without), users=report.without[:NAMED])
