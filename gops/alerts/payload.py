"""What receivers are told of an event."""

from __future__ import annotations

from typing import Any

from gops.alerts.condition import Change
from gops.alerts.model import AlertEvent, AlertRule
from gops.clock import from_micros
from gops.durations import write_duration
from gops.sensors.model import Datastream

WORDS = {"fired": ("경보 발생", "Alert"), "cleared": ("경보 해제", "Alert over")}


def body(event: AlertEvent, rule: AlertRule, stream: Datastream, organisation: str, change: Change) -> dict[str, Any]:
    """JSON of an event (docs/alerts.md). Times are ISO 8601 in UTC."""
    condition, state = rule.condition, change.state
    held = {"hold": write_duration(condition["hold"]) if condition["hold"] else None}
    reading = None if state.t is None else {"time": moment(state.t), "value": _value(state.value, state.text)}
    return {
        "id": event.id,
        "what": event.what,
        "severity": rule.severity,
        "organisation": organisation,
        "rule": {"id": rule.id, "name": rule.name},
        "datastream": {"id": stream.id, "name": stream.name, "unit": stream.unit},
        "condition": {name: condition[name] for name in ("kind", "threshold", "clear")} | held,
        "at": moment(event.at),
        "since": moment(event.since),
        "reading": reading,
        "message": {"ko": rule.message_ko, "en": rule.message_en},
    }


def letter(told: dict[str, Any]) -> tuple[str, str]:
    """Subject and text of a letter, Korean first."""
    korean, english = WORDS[told["what"]]
    subject = f"[GOPS] {korean} / {english}: {told['rule']['name']}"
    stream, reading = told["datastream"], told["reading"]
    shown = "-" if reading is None else f"{reading['value']} {stream['unit']} ({reading['time']})"
    lines = [
        *(text for text in (told["message"]["ko"], told["message"]["en"]) if text),
        f"데이터스트림 / Datastream: {stream['name']} ({stream['id']})",
        f"측정값 / reading: {shown}",
        f"시각 / at: {told['at']}",
        f"심각도 / severity: {told['severity']}",
        f"번호 / id: {told['id']}",
    ]
    return " ".join(subject.split()), "\n".join(lines) + "\n"


def moment(micros: int) -> str:
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def _value(value: float | None, text: str | None) -> float | str | None:
    return value if text is None else text
