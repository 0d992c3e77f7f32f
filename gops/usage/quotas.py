"""Day quotas: how many requests a key, or a network without one, has of a day.

Counted in memory, so that a request costs microseconds, and written every few seconds; what is written then comes
back with what other processes counted. A network that asked a few times only is never written.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from gops import logs
from gops.clock import SECOND, Clock
from gops.errors import TooMany, Unavailable
from gops.permissions import Actor
from gops.records.database import Database
from gops.settings import Settings
from gops.usage.days import Day, Days
from gops.usage.model import QuotaSalt, QuotaUse

Tier = Literal["address", "reader", "member", "exempt"]
FEW = 20  # requests of a network that are not worth a row, nor a trace
KNOWN = 50_000  # clients in memory; beyond that all are looked up anew after they were written
CHUNK = 500  # names in one question to the records
READER_ROLES = frozenset({"viewer"})
log = logs.get(__name__)


@dataclass(frozen=True)
class Standing:
    """What a client has of a day. ``quota`` is None where there is none; ``resets_at`` in microseconds since 1970."""

    tier: Tier
    day: str
    quota: int | None
    used: int
    resets_at: int

    @property
    def remaining(self) -> int | None:
        return None if self.quota is None else max(0, self.quota - self.used)


@dataclass
class _Client:
    """``used`` today as far as this process knows, of which ``pending`` is not written."""

    used: int = 0
    pending: int = 0


@dataclass
class _Today:
    day: Day
    salt: bytes
    clients: dict[str, _Client] = field(default_factory=dict)


class Quotas:
    """``take`` counts a request; ``flush`` writes what was counted."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._days = Days(clock, settings.zone)
        self._most: Mapping[Tier, int] = {
            "address": settings.quota_address_day,
            "reader": settings.quota_reader_day,
            "member": settings.quota_member_day,
            "exempt": 0,
        }
        self._lock = threading.Lock()
        self._today = _Today(Day("", 0), b"")

    def take(self, actor: Actor, network: str | None) -> Standing:
        """Count one request. ``network`` is whence it comes, None for one that no quota counts. Raises ``TooMany``."""
        today = self._opened()
        who, tier = self._who(today, actor, network), tier_of(actor, network)
        most = self._most[tier]
        client = today.clients.get(who) or self._known(today, who)
        with self._lock:
            if most and client.used >= most:
                raise _spent(today.day, tier, most, self._clock.micros())
            client.used += 1
            client.pending += 1
            return _standing(today.day, tier, most, client.used)

    def standing(self, actor: Actor, network: str | None) -> Standing:
        """The same without counting."""
        today = self._opened()
        who, tier = self._who(today, actor, network), tier_of(actor, network)
        used = (today.clients.get(who) or self._known(today, who)).used
        return _standing(today.day, tier, self._most[tier], used)

    def _who(self, today: _Today, actor: Actor, network: str | None) -> str:
        if actor.key_id is not None:
            return f"key:{actor.key_id}"
        digest = hmac.digest(today.salt, (network or "").encode(), "sha256")
        return f"net:{digest.hex()[:32]}"

    def _opened(self) -> _Today:
        day = self._days.today()
        if self._today.day == day:
            return self._today
        salt = self._salt(day.name)
        with self._lock:
            if self._today.day != day:
                self._today = _Today(day, salt)
            return self._today

    def _salt(self, day: str) -> bytes:
        """One for all processes; of this one alone while the records are away."""
        fresh = secrets.token_hex(32)
        try:
            with self._database.write() as session:
                dialect: Any = _dialect(session)
                statement = dialect.insert(QuotaSalt.__table__).values(day=day, salt=fresh)
                session.execute(statement.on_conflict_do_nothing())
                found = session.scalar(select(QuotaSalt.salt).where(QuotaSalt.day == day))
        except Unavailable as error:
            log.warning("quota_salt_not_written", reason=error.message)
            found = fresh
        return bytes.fromhex(found or fresh)

    def _known(self, today: _Today, who: str) -> _Client:
        """A client that is new to this process, with what the records have of it."""
        try:
            with self._database.read() as session:
                used = session.scalar(
                    select(QuotaUse.requests).where(QuotaUse.day == today.day.name, QuotaUse.who == who)
                )
        except Unavailable as error:
            log.warning("quota_not_read", reason=error.message)
            used = 0
        with self._lock:
            return today.clients.setdefault(who, _Client(used or 0))

    def flush(self) -> None:
        """Raises ``Unavailable``; what was counted is kept then, unless its day is over."""
        with self._lock:
            today = self._today
            due = {who: one.pending for who, one in today.clients.items() if one.pending and _is_worth(who, one)}
        if due:
            totals = self._written(today.day.name, due)
            with self._lock:
                for who, wrote in due.items():
                    client = today.clients[who]
                    client.pending -= wrote
                    client.used = totals.get(who, client.used) + client.pending
        with self._lock:
            if len(today.clients) > KNOWN:
                today.clients.clear()

    def _written(self, day: str, due: Mapping[str, int]) -> dict[str, int]:
        """Add to the records; what is there now, by all processes."""
        rows = [{"day": day, "who": who, "requests": count} for who, count in sorted(due.items())]
        names = [row["who"] for row in rows]
        totals: dict[str, int] = {}
        with self._database.write() as session:
            statement = _dialect(session).insert(QuotaUse.__table__)
            there, new = QuotaUse.__table__.c, statement.excluded
            added = {"requests": there.requests + new.requests}
            statement = statement.on_conflict_do_update(index_elements=["day", "who"], set_=added)
            session.connection().execute(statement, rows)
            for start in range(0, len(names), CHUNK):
                some = QuotaUse.who.in_(names[start : start + CHUNK])
                found = session.execute(select(QuotaUse.who, QuotaUse.requests).where(QuotaUse.day == day, some))
                totals |= {row.who: row.requests for row in found}
        return totals

    def forget_old(self) -> None:
        """Remove other days, and with their salts the way back to the networks."""
        day = self._days.today().name
        with self._database.write() as session:
            for table in (QuotaUse, QuotaSalt):
                session.execute(delete(table).where(table.day < day))


def tier_of(actor: Actor, network: str | None) -> Tier:
    if network is None:
        return "exempt"
    if actor.key_id is None:
        return "address"
    is_reader = actor.roles <= READER_ROLES and not actor.platform_roles
    return "reader" if is_reader else "member"


def _is_worth(who: str, client: _Client) -> bool:
    return client.used > FEW or who.startswith("key:")


def _standing(day: Day, tier: Tier, most: int, used: int) -> Standing:
    return Standing(tier, day.name, most or None, used, day.end)


def _spent(day: Day, tier: Tier, most: int, now: int) -> TooMany:
    return TooMany(
        f"the {most} requests of this day are used up",
        code="quota_exceeded",
        retry_after_s=-(-(day.end - now) // SECOND),
        expected=f"at most {most} a day (GOPS_QUOTA_{tier.upper()}_DAY)",
    )


def _dialect(session: Any) -> Any:
    return postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
