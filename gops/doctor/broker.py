"""The broker as its clients see it: does it let GOPS in and nobody else, and how much does it take at once?"""

from __future__ import annotations

from collections.abc import Iterator

from gops.doctor.finding import Finding, Patient, Text
from gops.ingest.mqtt import probe
from gops.ingest.mqtt.greeting import greet
from gops.ingest.secret import ingest_address

SMALLEST_WINDOW = 1000  # messages in flight below which every commit is small


def broker_topics(patient: Patient) -> Iterator[Finding]:
    """May anybody speak for any device?"""
    if probe(ingest_address(patient.settings)) == "open":
        yield Finding(
            "broker_topics",
            "problem",
            Text("누구나 gops/v1/ 아래에 발행할 수 있습니다.", "The broker lets anybody publish under gops/v1/."),
            Text("아무나 장치를 사칭할 수 있습니다.", "Anybody can pose as any device."),
            Text(
                "allow_anonymous false와 GOPS_BROKER_SYNC를 쓰십시오.",
                "Set allow_anonymous false and use GOPS_BROKER_SYNC.",
            ),
        )


def broker_logins(patient: Patient) -> Iterator[Finding]:
    """Does it let GOPS in, and read what devices say?"""
    greeting = greet(ingest_address(patient.settings))
    if greeting.problem:
        yield Finding(
            "broker_logins",
            "problem",
            Text(f"MQTT 브로커: {greeting.problem}", f"MQTT broker: {greeting.problem}"),
            Text("측정값이 들어오지 않습니다.", "No readings come in."),
            Text(
                "브로커와 GOPS_MQTT_URL의 사용자, 비밀번호, 인증서를 확인하십시오.",
                "Check that it runs, and user, password and certificate in GOPS_MQTT_URL and GOPS_MQTT_CA.",
            ),
        )
    if greeting.denied:
        filters = ", ".join(greeting.denied)
        yield Finding(
            "broker_logins",
            "problem",
            Text(f"브로커가 {filters} 구독을 거부합니다.", f"The broker denies {filters}."),
            Text("장치의 메시지를 받지 못합니다.", "What devices say does not reach GOPS."),
            Text(
                "deploy/mosquitto/acl을 쓰거나 gops broker sync를 실행하십시오.",
                "Use deploy/mosquitto/acl, or run gops broker sync.",
            ),
        )


def broker_limits(patient: Patient) -> Iterator[Finding]:
    """What the broker says of its bounds when it answers (MQTT 5, CONNACK)."""
    greeting = greet(ingest_address(patient.settings))
    if greeting.receive_maximum is not None and greeting.receive_maximum < SMALLEST_WINDOW:
        yield Finding(
            "broker_limits",
            "warning",
            Text(
                f"브로커는 한 번에 메시지 {greeting.receive_maximum}개만 주고받습니다.",
                f"The broker has at most {greeting.receive_maximum} messages in flight.",
            ),
            Text(
                "한 번의 저장이 작아져 수집이 느려지고, 대기열의 기본 한도 1,000개를 넘는 것은 버려집니다.",
                "Commits are small and ingest is slow; with the other default, 1,000 queued, the rest is dropped.",
            ),
            Text(
                "mosquitto.conf에 max_inflight_messages 0과 max_queued_messages 0을 넣으십시오.",
                "Put max_inflight_messages 0 and max_queued_messages 0 into mosquitto.conf.",
            ),
        )
    if greeting.packet_bytes is not None and greeting.packet_bytes < patient.settings.message_bytes:
        yield Finding(
            "broker_limits",
            "warning",
            Text(
                f"브로커는 {greeting.packet_bytes}바이트까지 받습니다.",
                f"The broker takes packets of {greeting.packet_bytes} bytes.",
            ),
            Text(
                "더 큰 메시지는 GOPS에 오지 않아 소유자가 거부 사유를 볼 수 없습니다.",
                "Larger messages never reach GOPS, and their owner is told nothing.",
            ),
            Text("GOPS_MESSAGE_BYTES보다 크게 하십시오.", "Make it larger than GOPS_MESSAGE_BYTES."),
        )
