"""Looking a deployment over: each check is a function of ``Patient`` that yields findings, listed in ``CHECKS``.

A finding says what is, why it matters and how to mend it, in Korean and English. Checks change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gops import logs
from gops.doctor.broker import broker_limits, broker_logins, broker_topics
from gops.doctor.configuration import addresses, broker_settings, postgresql_pool, store_settings
from gops.doctor.finding import Finding, Patient, Text
from gops.doctor.host import clock, disk, files
from gops.doctor.mosquitto import mosquitto_configuration
from gops.doctor.parts import records, server
from gops.doctor.reach import outbound
from gops.errors import GopsError

Check = Callable[[Patient], Iterator[Finding]]
CHECKS: Sequence[Check] = (
    addresses,
    broker_settings,
    store_settings,
    files,
    disk,
    clock,
    records,
    postgresql_pool,
    server,
    broker_logins,
    broker_topics,
    broker_limits,
    mosquitto_configuration,
    outbound,
)
BEFORE_INIT: Sequence[Check] = (addresses, broker_settings, store_settings, files, mosquitto_configuration)
log = logs.get(__name__)


def examine(patient: Patient, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Findings in the order of the checks. One that fails is a finding itself and keeps no other from looking.

    Without a data folder only settings and files are looked at: opening records would make them.
    """
    found: list[Finding] = []
    for check in checks if _is_initialised(patient) else BEFORE_INIT:
        try:
            found += check(patient)
        except GopsError as error:
            found.append(_failed(check, error.message))
        except Exception as error:
            log.exception("check_failed", check=check.__name__)
            found.append(_failed(check, type(error).__name__))
    return found


def _is_initialised(patient: Patient) -> bool:
    chosen = patient.settings
    return chosen.data.is_dir() and bool(chosen.records_url or (chosen.data / "records.sqlite").exists())


def _failed(check: Check, reason: str) -> Finding:
    return Finding(
        check.__name__,
        "problem",
        Text(f"점검을 마치지 못했습니다: {reason}", f"this check could not be made: {reason}"),
        Text("이 부분의 상태를 알 수 없습니다.", "How this part is remains unknown."),
        Text("사유를 해결한 뒤 다시 실행하십시오.", "Mend the reason and run it again."),
    )


__all__ = ["CHECKS", "Finding", "Patient", "Text", "examine"]
