"""Mosquitto's configuration as written, for what no client can see: queues, persistence, anonymous logins.

Source: mosquitto.conf(5) of 2.0. Includes (``include_dir``) are followed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gops.doctor.configuration import is_local
from gops.doctor.finding import Finding, Patient, Severity, Text
from gops.ingest.secret import ingest_address

USUAL = Path("/etc/mosquitto/mosquitto.conf")
LONGEST_AUTOSAVE = 300  # seconds
FEWEST = 100_000  # messages below which a bound of the broker loses or slows
LARGEST = 1 << 20  # bytes of a configuration that are read


@dataclass(frozen=True)
class _Rule:
    """``wrong`` is told of the value in force."""

    name: str
    default: str
    severity: Severity
    why: Text
    mend: str

    def is_broken(self, value: str) -> bool:
        if self.name in ("persistence", "set_tcp_nodelay"):
            return value != "true"
        if self.name == "allow_anonymous":
            return value == "true"
        if self.name == "autosave_interval":
            return value.isdigit() and int(value) > LONGEST_AUTOSAVE
        return value.isdigit() and 0 < int(value) < FEWEST  # 0: no bound


RULES = (
    _Rule(
        "max_queued_messages",
        "1000",
        "problem",
        Text(
            "GOPS가 없는 동안 이보다 많은 메시지는 말없이 버려집니다.",
            "While GOPS is away, what exceeds it is dropped without a word.",
        ),
        "max_queued_messages 0, max_queued_bytes 2147483648",
    ),
    _Rule(
        "max_inflight_messages",
        "20",
        "warning",
        Text("한 번의 저장이 이만큼에 그칩니다.", "It holds every commit to so many messages."),
        "max_inflight_messages 0",
    ),
    _Rule(
        "persistence",
        "false",
        "problem",
        Text("Mosquitto가 다시 시작하면 기다리던 메시지가 사라집니다.", "A restart loses every message that waits."),
        "persistence true",
    ),
    _Rule(
        "autosave_interval",
        "1800",
        "warning",
        Text(
            "Mosquitto가 죽으면 마지막 저장 뒤의 것이 사라집니다(초).",
            "A crash loses what came since the last save, so many seconds ago.",
        ),
        "autosave_interval 60",
    ),
    _Rule(
        "allow_anonymous",
        "false",
        "problem",
        Text("아무나 접속할 수 있습니다.", "Anybody may connect."),
        "allow_anonymous false",
    ),
    _Rule(
        "set_tcp_nodelay",
        "false",
        "note",
        Text("작은 응답이 늦게 나갑니다.", "Acknowledgements are small and go out late."),
        "set_tcp_nodelay true",
    ),
)


def mosquitto_configuration(patient: Patient) -> Iterator[Finding]:
    """Values in force that lose messages. Without a file that can be read: that nobody looked."""
    paths = patient.mosquitto or _usual(patient)
    if not paths:
        if patient.settings.mqtt_url:
            yield _not_seen()
        return
    values = in_force(paths)
    for rule in RULES:
        value = values.get(rule.name, rule.default)
        if rule.is_broken(value):
            said = f"{rule.name} {value}"
            what = Text(f"Mosquitto: {said}", f"Mosquitto: {said}")
            yield Finding("mosquitto_configuration", rule.severity, what, rule.why, Text(rule.mend, rule.mend))


def in_force(paths: tuple[Path, ...]) -> dict[str, str]:
    """The last value of each name, included folders read where they stand."""
    values: dict[str, str] = {}
    for path in paths:
        for line in path.read_bytes()[:LARGEST].decode("utf-8", "replace").splitlines():
            name, _, value = line.strip().partition(" ")
            if name == "include_dir":
                values.update(in_force(tuple(sorted(Path(value.strip()).glob("*.conf")))))
            elif name and not name.startswith("#"):
                values[name] = value.strip()
    return values


def _usual(patient: Patient) -> tuple[Path, ...]:
    if patient.settings.mqtt_url and is_local(ingest_address(patient.settings).host) and USUAL.is_file():
        return (USUAL,)
    return ()


def _not_seen() -> Finding:
    return Finding(
        "mosquitto_configuration",
        "note",
        Text("브로커의 설정 파일을 보지 못했습니다.", "The broker's configuration was not seen."),
        Text(
            "대기열 한도와 영속성은 밖에서 알 수 없습니다.",
            "Bounds of its queues and its persistence can't be told from outside.",
        ),
        Text(
            "브로커가 있는 서버에서 gops doctor --mosquitto-conf FILE로 보십시오.",
            "Look with gops doctor --mosquitto-conf FILE.",
        ),
    )
