"""Other hosts that GOPS asks: are they reached at all?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

from sqlalchemy import select

from gops.doctor.finding import Finding, Patient, Text
from gops.errors import GopsError
from gops.ingest.feeds.model import Feed
from gops.outbound.client import Outbound
from gops.records.database import Database

MOST_HOSTS = 10
PORTAL = ("apis.data.go.kr", 443)  # of feeds that name no address of their own


def outbound(patient: Patient) -> Iterator[Finding]:
    """A connection to the host of each pulled feed, by the address that the guard allows; nothing is asked."""
    guard = Outbound.of(patient.settings)
    for host, port in _hosts(patient)[:MOST_HOSTS]:
        try:
            address = guard.addresses(host, port)[0]
            socket.create_connection((address, port), patient.settings.outbound_connect_seconds).close()
        except (GopsError, OSError) as error:
            reason = error.message if isinstance(error, GopsError) else type(error).__name__
            yield Finding(
                "outbound",
                "warning",
                Text(f"{host}:{port}에 연결하지 못합니다: {reason}", f"{host}:{port} can't be reached: {reason}"),
                Text(
                    "이 호스트에서 받는 데이터가 들어오지 않습니다.", "Feeds that are pulled from there bring nothing."
                ),
                Text(
                    "방화벽, DNS, GOPS_OUTBOUND_ALLOW를 확인하십시오.", "Check firewall, DNS and GOPS_OUTBOUND_ALLOW."
                ),
            )


def _hosts(patient: Patient) -> list[tuple[str, int]]:
    with closing(Database.of(patient.settings)) as database, database.read() as session:
        configs = session.execute(select(Feed.config, Feed.kind)).all()
    found = {_host(config or {}) for config, kind in configs if kind == "http"}
    return sorted(found)


def _host(config: dict[str, object]) -> tuple[str, int]:
    parts = urlsplit(str(config.get("url") or config.get("base_url") or ""))
    if not parts.hostname:
        return PORTAL
    return parts.hostname, parts.port or (80 if parts.scheme == "http" else 443)
