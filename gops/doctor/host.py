"""The machine: files and who may read them, room on the disk, the clock."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gops.clock import MINUTE
from gops.doctor.finding import Finding, Patient, Severity, Text
from gops.ingest.provisioning.files import ACL, PASSWORDS
from gops.records import events
from gops.records.database import Database

LOW_SHARE = 0.10  # of the disk that is free
LEAST_BYTES = 1 << 30  # SQLite and DuckDB write before they take away
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 256  # struct timex is 208; modes = 0 only reads


def files(patient: Patient) -> Iterator[Finding]:
    """Secrets that others may read."""
    data = patient.settings.data
    if not data.is_dir() or not (patient.settings.records_url or (data / "records.sqlite").exists()):
        yield Finding(
            "files",
            "problem",
            Text(f"{data}에 GOPS의 기록이 없습니다.", f"There are no records of GOPS in {data}."),
            Text("GOPS가 지키는 모든 것이 있는 폴더입니다.", "It is the folder of everything that GOPS keeps."),
            Text("GOPS_DATA를 확인하거나 gops init을 실행하십시오.", "Check GOPS_DATA, or run gops init."),
        )
        return
    # inside a folder that others can't enter, modes don't matter
    private = [data, data / "secrets", data / "records.sqlite", *sorted((data / "secrets").glob("*"))]
    for path in private:
        if path.exists() and path.stat().st_mode & 0o077 and (path == data or data.stat().st_mode & 0o011):
            yield _readable(path, "0700" if path.is_dir() else "0600")
    folder = patient.settings.broker_folder
    if patient.settings.broker_sync == "file" and folder:
        for path in (Path(folder) / PASSWORDS, Path(folder) / ACL):
            if path.exists() and path.stat().st_mode & 0o007:
                yield _readable(path, "0640")


def _readable(path: Path, mode: str) -> Finding:
    return Finding(
        "files",
        "problem",
        Text(f"다른 사용자가 {path}을(를) 열 수 있습니다.", f"Others may open {path}."),
        Text("비밀과 개인정보가 있습니다.", "It holds secrets and personal data."),
        Text(f"chmod {mode[1:]} {path}", f"chmod {mode[1:]} {path}"),
    )


def disk(patient: Patient) -> Iterator[Finding]:
    """Is there room where GOPS writes?"""
    if not patient.settings.data.is_dir():
        return
    usage = shutil.disk_usage(patient.settings.data)
    if usage.free >= max(LEAST_BYTES, LOW_SHARE * usage.total):
        return
    severity: Severity = "problem" if usage.free < LEAST_BYTES else "warning"
    yield Finding(
        "disk",
        severity,
        Text(
            f"디스크에 {usage.free / 1e9:.1f} GB({usage.free / usage.total:.0%})가 남았습니다.",
            f"{usage.free / 1e9:.1f} GB ({usage.free / usage.total:.0%}) of the disk is free.",
        ),
        Text(
            "가득 차면 수집이 멈추고 브로커에 쌓입니다.",
            "When it is full, ingest waits and messages pile up at the broker.",
        ),
        Text("공간을 늘리거나 보존 기간을 줄이십시오.", "Make room, or keep readings for a shorter time."),
    )


def clock(patient: Patient) -> Iterator[Finding]:
    """Is the clock kept by somebody, and later than what is written?"""
    if _unsynchronised():
        yield Finding(
            "clock",
            "warning",
            Text("시스템 시계가 동기화되지 않습니다.", "Nothing keeps the system's clock."),
            Text(
                "시간이 없는 메시지는 도착 시각을 받고, 앞선 시각은 거부됩니다.",
                "Messages without a time get the time of arrival, and times ahead are refused by it.",
            ),
            Text("chrony 또는 systemd-timesyncd를 켜십시오.", "Turn on chrony or systemd-timesyncd."),
        )
    with closing(Database.of(patient.settings)) as database, database.read() as session:
        newest = max((event.at for event in events.since(session, max(0, events.newest(session) - 1))), default=0)
    ahead = newest - patient.clock.micros()
    if ahead > MINUTE:
        yield Finding(
            "clock",
            "problem",
            Text(
                f"시계가 마지막 기록보다 {ahead // MINUTE}분 늦습니다.",
                f"The clock is {ahead // MINUTE} min behind the newest record.",
            ),
            Text("키의 만료와 측정 시각이 틀립니다.", "Ends of keys and times of arrival are wrong."),
            Text("시계를 바로잡으십시오.", "Set the clock right."),
        )


def _unsynchronised() -> bool:
    """What the kernel says (adjtimex, which needs no rights to read); where it can't be asked: no."""
    if os.name != "posix" or not Path("/proc").exists():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return False
    return bool(libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)) == TIME_ERROR)
