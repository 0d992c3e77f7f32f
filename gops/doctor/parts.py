"""Records and the running server, each asked for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from gops.doctor.finding import Finding, Patient, Text
from gops.records import migrate
from gops.records.database import Database


def records(patient: Patient) -> Iterator[Finding]:
    """Do they answer, with the tables of this version?"""
    with closing(Database.of(patient.settings)) as database:
        database.check()
        if migrate.is_current(database):
            return
        now, newest = migrate.current(database), migrate.newest()
    yield Finding(
        "records",
        "problem",
        Text(
            f"기록의 표가 {now}판이고 이 버전은 {newest}판입니다.",
            f"The records' tables are of {now}, this is of {newest}.",
        ),
        Text("이 버전의 서버가 시작하지 못합니다.", "Commands and servers of this version fail on them."),
        Text("서버를 멈추고 gops init을 실행하십시오.", "Stop the server and run gops init."),
    )


def server(patient: Patient) -> Iterator[Finding]:
    """What the server says of its parts."""
    status = patient.status()
    if status is None:
        yield Finding(
            "server",
            "note",
            Text("서버가 실행 중이 아닙니다.", "No server runs."),
            Text("저장소와 수집은 점검하지 못했습니다.", "Store and ingest could not be looked at."),
            Text("gops run을 실행한 뒤 다시 점검하십시오.", "Start gops run and look again."),
        )
        return
    for name, part in status["components"].items():
        problems = part.get("problems") or ([part["problem"]] if part.get("problem") else [])
        if part["ok"] and not problems:
            continue
        said = "; ".join(map(str, problems)) or "not ok"
        yield Finding(
            "server",
            "problem",
            Text(f"{name}: {said}", f"{name}: {said}"),
            Text("건강 검사가 이 부분을 지적합니다.", "Health names this part."),
            Text("docs/brokers.md와 docs/operations.md를 보십시오.", "See docs/brokers.md and docs/operations.md."),
        )
    if problem := status.get("broker_sync", {}).get("problem"):
        yield Finding(
            "server",
            "problem",
            Text(f"브로커 로그인을 맞추지 못합니다: {problem}", f"The broker's logins are not kept: {problem}"),
            Text(
                "새 장치가 접속하지 못하고 해지도 늦어집니다.", "New devices can't log in and revoked ones still can."
            ),
            Text("사유를 해결하고 gops broker sync를 실행하십시오.", "Mend the reason and run gops broker sync."),
        )
