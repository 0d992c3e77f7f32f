"""Settings that contradict each other, or do what nobody means."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

from sqlalchemy import text

from gops.doctor.finding import Finding, Patient, Text
from gops.records.database import Database


def is_local(host: str) -> bool:
    """Is this the machine itself?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def addresses(patient: Patient) -> Iterator[Finding]:
    """What others reach GOPS by."""
    chosen = patient.settings
    base = urlsplit(chosen.base_url)
    if not is_local(chosen.host) and not chosen.base_url:
        yield Finding(
            "addresses",
            "warning",
            Text("GOPS_BASE_URL이 비어 있습니다.", "GOPS_BASE_URL is empty."),
            Text(
                "링크와 인용, DCAT 식별자가 요청한 주소에 따라 달라집니다.",
                "Links, citations and DCAT identifiers then depend on how somebody asked.",
            ),
            Text("공개 주소를 GOPS_BASE_URL에 넣으십시오.", "Put the public address into GOPS_BASE_URL."),
        )
    if base.scheme == "http" and not is_local(base.hostname or ""):
        yield Finding(
            "addresses",
            "problem",
            Text("GOPS_BASE_URL이 http://입니다.", "GOPS_BASE_URL is http://."),
            Text("API 키가 암호화되지 않은 채 전송됩니다.", "API keys travel unencrypted."),
            Text(
                "TLS 역방향 프록시를 앞에 두고 https:// 주소를 쓰십시오.",
                "Put a proxy with TLS in front; use https://.",
            ),
        )
    if base.scheme == "https" and chosen.trusted_proxies == 0:
        yield Finding(
            "addresses",
            "warning",
            Text(
                "https 주소인데 GOPS_TRUSTED_PROXIES가 0입니다.", "The address is https, but GOPS_TRUSTED_PROXIES is 0."
            ),
            Text(
                "모든 요청이 프록시에서 온 것으로 보여 가입 제한을 함께 씁니다.",
                "All requests seem to come from the proxy, and share one allowance for signing up.",
            ),
            Text("앞에 있는 프록시 수를 넣으십시오.", "Say how many proxies are in front."),
        )


def broker_settings(patient: Patient) -> Iterator[Finding]:
    """How the broker is reached, and who keeps its logins."""
    chosen = patient.settings
    for name in ("mqtt_url", "broker_admin_url"):
        parts = urlsplit(getattr(chosen, name))
        if parts.scheme == "mqtt" and not is_local(parts.hostname or ""):
            setting = f"GOPS_{name.upper()}"
            yield Finding(
                "broker_settings",
                "problem",
                Text(f"{setting}이 TLS 없이 다른 서버를 가리킵니다.", f"{setting} names another machine without TLS."),
                Text("비밀번호와 측정값을 누구나 엿볼 수 있습니다.", "Passwords and readings can be read on the way."),
                Text("mqtts://를 쓰십시오.", "Use mqtts://."),
            )
    if chosen.mqtt_url and chosen.broker_sync == "none":
        yield Finding(
            "broker_settings",
            "warning",
            Text("브로커 로그인을 손으로 관리합니다.", "The broker's logins are kept by hand."),
            Text(
                "GOPS에서 해지한 장치도 브로커에는 계속 접속할 수 있습니다.",
                "A device revoked in GOPS can still log in there.",
            ),
            Text("GOPS_BROKER_SYNC를 dynsec 또는 file로 하십시오.", "Set GOPS_BROKER_SYNC to dynsec or file."),
        )
    if not chosen.mqtt_url and not is_local(chosen.mqtt_broker_host):
        yield Finding(
            "broker_settings",
            "problem",
            Text("내장 브로커가 외부 주소에서 듣습니다.", "The embedded broker listens to other machines."),
            Text("내장 브로커에는 TLS가 없습니다.", "It has no TLS: secrets of devices can be read on the way."),
            Text("Mosquitto를 앞에 두십시오(docs/brokers.md).", "Put Mosquitto in front (docs/brokers.md)."),
        )


def store_settings(patient: Patient) -> Iterator[Finding]:
    """Stores that forget."""
    chosen = patient.settings
    if chosen.store == "memory":
        yield Finding(
            "store_settings",
            "problem",
            Text("저장소가 memory입니다.", "The store is memory."),
            Text("끝나면 모든 측정값이 사라집니다.", "Every reading is gone when the server ends."),
            Text("GOPS_STORE=duckdb를 쓰십시오.", "Use GOPS_STORE=duckdb."),
        )
    if chosen.store_url.startswith("http://") and not is_local(urlsplit(chosen.store_url).hostname or ""):
        yield Finding(
            "store_settings",
            "warning",
            Text(
                "GOPS_STORE_URL이 TLS 없이 다른 서버를 가리킵니다.", "GOPS_STORE_URL names another machine without TLS."
            ),
            Text("토큰과 측정값을 엿볼 수 있습니다.", "Its token and the readings can be read on the way."),
            Text("https://를 쓰거나 격리된 망을 쓰십시오.", "Use https://, or a network of its own."),
        )


def postgresql_pool(patient: Patient) -> Iterator[Finding]:
    """Do all the connections that GOPS may open fit into PostgreSQL?"""
    chosen = patient.settings
    if not chosen.records_url.startswith("postgresql"):
        return
    with closing(Database.of(chosen)) as database, database.read() as session:
        most = int(session.execute(text("SHOW max_connections")).scalar_one())
    wanted = chosen.records_connections
    if wanted > most * 0.8:
        yield Finding(
            "postgresql_pool",
            "warning",
            Text(
                f"한 프로세스가 연결 {wanted}개까지 쓰는데 PostgreSQL은 {most}개를 받습니다.",
                f"One process may open {wanted} connections; PostgreSQL takes {most}.",
            ),
            Text("바쁠 때 요청이 거절됩니다.", "Requests fail when it is busy, other processes' and backups' too."),
            Text(
                "max_connections를 늘리거나 GOPS_RECORDS_CONNECTIONS를 줄이십시오.",
                "Raise max_connections, or lower GOPS_RECORDS_CONNECTIONS.",
            ),
        )
