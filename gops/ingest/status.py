"""Which device is online, and when it was last seen."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import case, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gops.accounts.model import Device
from gops.clock import MINUTE, Clock
from gops.ingest.decoders import lenient
from gops.ingest.model import DeviceStatusRow
from gops.ingest.refused import Refused, Unreadable, shown
from gops.permissions import Actor, require
from gops.records.database import Database
from gops.records.paging import page

STATUS_BYTES = 1024
SEEN_EVERY = MINUTE  # how stale a written last_seen may be


@dataclass(frozen=True, slots=True)
class ShownStatus:
    """A device as its owner sees it. ``online`` is None for one that never used its status topic, ``last_seen`` for
    one that GOPS never heard. Microseconds; ``last_seen`` may be a minute behind."""

    device_id: int
    name: str
    online: bool | None
    online_since: int | None
    last_seen: int | None


@dataclass(frozen=True, slots=True)
class _News:
    """What is not written yet of a device."""

    last_seen: int | None = None
    online: bool | None = None
    since: int | None = None


_NOTHING = _News()


def read_status(payload: bytes) -> bool | Refused:
    """The ``online`` of a status message ``{"online": bool}``, or why it is refused. Other members are left alone."""
    if len(payload) > STATUS_BYTES:
        return Refused("too_large", None, "", f"a status of {len(payload)} bytes; expected at most {STATUS_BYTES}")
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            message = lenient.parse(payload, max_depth=2)
        except Unreadable as trouble:
            return Refused(trouble.code, None, "", trouble.note)
    online = message.get("online") if isinstance(message, dict) else None
    if isinstance(online, bool):
        return online
    return Refused(
        "wrong_type", None, "", f'found {shown(message)}; expected {{"online": true}} or {{"online": false}}'
    )


class DeviceStatus:
    """Collects in memory what is seen and said; ``flush`` writes it in bounds, not a row a message."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._news: dict[int, _News] = {}
        self._said: dict[int, bool] = {}
        self._written: dict[int, int] = {}

    def seen(self, devices: Iterable[int], at: int) -> None:
        """These devices sent something at ``at``."""
        with self._lock:
            for device in devices:
                news = self._news.get(device, _NOTHING)
                self._news[device] = _News(at, news.online, news.since)

    def said(self, device: int, online: bool, at: int, *, retained: bool = False) -> None:
        """A device, or its last will, said whether it is online. A retained message is no sign of life now."""
        with self._lock:
            news = self._news.get(device, _NOTHING)
            if not retained:
                news = replace(news, last_seen=at)
            if self._said.get(device) is not online:
                news = replace(news, online=online, since=at)
                self._said[device] = online
            if news != _NOTHING:
                self._news[device] = news

    def flush(self, *, everything: bool = False) -> int:
        """Write what is due (a change at once, else once a minute and device); how many rows that were."""
        now = self._clock.micros()
        with self._lock:
            due = {device: news for device, news in self._news.items() if everything or self._is_due(device, news, now)}
        if not due:
            return 0
        with self._database.write() as session:
            _write(session, due)
        with self._lock:
            for device, news in due.items():
                self._written[device] = now
                if self._news[device] is news:
                    del self._news[device]
                else:  # more came meanwhile; the change itself is written
                    self._news[device] = _since_then(self._news[device], news)
        return len(due)

    def list(self, actor: Actor, organisation_id: int, *, after: int = 0, limit: int = 100) -> Sequence[ShownStatus]:
        """The devices of an organisation that are not revoked, ordered by id. Raises ``Forbidden``."""
        require(actor, "device.list", organisation_id)
        status = DeviceStatusRow
        query = select(Device.id, Device.name, status.online, status.online_since, status.last_seen)
        query = query.outerjoin(status, status.device_id == Device.id)
        query = query.where(Device.organisation_id == organisation_id, Device.revoked_at.is_(None))
        with self._database.read() as session:
            return [ShownStatus(*row) for row in session.execute(page(query, Device.id, after, limit))]

    def _is_due(self, device: int, news: _News, now: int) -> bool:
        return news.online is not None or now - self._written.get(device, -SEEN_EVERY) >= SEEN_EVERY


def _since_then(newer: _News, written: _News) -> _News:
    return _News(newer.last_seen) if newer.online is written.online else newer


def _write(session: Session, due: Mapping[int, _News]) -> None:
    """Two processes may write one device: the later ``last_seen`` stays, and ``since`` changes with ``online`` only."""
    rows: list[dict[str, Any]] = [
        {"device_id": device, "online": news.online, "online_since": news.since, "last_seen": news.last_seen}
        for device, news in sorted(due.items())
    ]
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = DeviceStatusRow.__table__
    statement = dialect.insert(table)
    row, new = table.c, statement.excluded
    same = or_(new.online.is_(None), new.online.is_not_distinct_from(row.online))
    stands = or_(new.last_seen.is_(None), new.last_seen < row.last_seen)
    statement = statement.on_conflict_do_update(
        index_elements=["device_id"],
        set_={
            "online": case((new.online.is_(None), row.online), else_=new.online),
            "online_since": case((same, row.online_since), else_=new.online_since),
            "last_seen": case((stands, row.last_seen), else_=new.last_seen),
        },
    )
    session.connection().execute(statement, rows)  # compiled once: ingest waits while this is written
