"""Devices that have not been heard for longer than they should: for whoever has to drive there.

A device is expected as often as the fastest of its mapped Datastreams has a period; where none has one, as often as
asked, or as ``GOPS_DEVICE_SILENT_MINUTES`` says. Three periods may pass, for one message may be lost and one late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gops.accounts.lookup import organisation
from gops.accounts.model import Device
from gops.clock import MINUTE, Clock
from gops.durations import parse_duration
from gops.ingest.model import DeviceStatusRow
from gops.permissions import Actor, require
from gops.records.database import Database
from gops.sensors.model import Datastream, FieldMapping
from gops.settings import Settings

PERIODS = 3


@dataclass(frozen=True)
class SilentDevice:
    """``last_seen`` is None for one that was never heard; ``expected`` is the longest silence that is in order.
    Microseconds. ``learned`` from periods of its Datastreams."""

    device_id: int
    name: str
    last_seen: int | None
    expected: int
    learned: bool
    online: bool | None


class Silence:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._usual = settings.device_silent_minutes * MINUTE

    def list(self, actor: Actor, org_slug: str, after: int | None = None) -> Sequence[SilentDevice]:
        """The longest silent first; never heard ones before all. ``after`` (microseconds) overrules what is expected.

        A new device has as long to say its first word. Raises ``Forbidden`` or ``NotFound``.
        """
        with self._database.read() as session:
            home = organisation(session, org_slug)
            require(actor, "device.list", home.id)
            status = DeviceStatusRow
            query = select(Device.id, Device.name, Device.created_at, status.last_seen, status.online)
            query = query.outerjoin(status, status.device_id == Device.id)
            rows = session.execute(
                query.where(Device.organisation_id == home.id, Device.revoked_at.is_(None)).order_by(Device.id)
            ).all()
            mapped = select(FieldMapping.device_id, Datastream.period).join(
                Datastream, Datastream.id == FieldMapping.datastream_id
            )
            mapped = mapped.where(
                Datastream.organisation_id == home.id, Datastream.period.is_not(None), Datastream.ended_at.is_(None)
            )
            periods: defaultdict[int, set[str]] = defaultdict(set)
            for device, period in session.execute(mapped.distinct()):
                periods[device].add(period or "")
        now = self._clock.micros()
        found = []
        for device, name, created_at, last_seen, online in rows:
            learned = after is None and device in periods
            expected = after or (_patience(periods[device]) if learned else self._usual)
            if now - (last_seen or created_at) > expected:
                found.append(SilentDevice(device, name, last_seen, expected, learned, online))
        return sorted(found, key=lambda one: (one.last_seen or 0, one.device_id))


def _patience(periods: set[str]) -> int:
    return PERIODS * min(map(parse_duration, periods))
