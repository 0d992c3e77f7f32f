"""``Idempotency-Key``: the same push sent again is answered again, and written once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update

from gops.clock import HOUR, SECOND, Clock
from gops.errors import Conflict, Invalid, TooMany
from gops.ingest.push.model import PushKey
from gops.permissions import Actor
from gops.records.database import Database, serialise
from gops.settings import Settings

LEASE = 15 * SECOND  # microseconds; a push whose process was killed may be sent again after them
RENEW_SECONDS = 5.0
KEY_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """A push that was answered: ``digest`` of its parameters and body."""

    digest: bytes
    answer: Mapping[str, Any]


class PushKeys:
    """Bounds: the settings ``push_keys`` and ``push_key_hours``."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def begin(self, actor: Actor, key: str) -> Lease | Answered:
        """Take the key, or what was answered under it.

        Raises ``Conflict`` (``push_in_progress``) while another push has it, ``Invalid`` for what is no key, and
        ``TooMany`` where ``push_keys`` are remembered.
        """
        _check(key)
        now = self._clock.micros()
        with self._database.write() as session:
            serialise(session, "push_key")
            row = session.scalar(
                select(PushKey).where(
                    PushKey.organisation_id == actor.organisation_id,
                    PushKey.person_id == actor.person_id,
                    PushKey.key == key,
                )
            )
            if row is not None and row.begun_at <= now - self._settings.push_key_hours * HOUR and row.digest:
                session.delete(row)
                session.flush()
                row = None
            if row is not None and row.digest is not None:
                return Answered(row.digest, row.answer or {})
            if row is not None and (row.leased_until or 0) > now:
                raise _in_progress(key)
            if row is None:
                self._refuse_more(session.scalar(select(func.count(PushKey.id))) or 0)
                row = PushKey(organisation_id=actor.organisation_id, person_id=actor.person_id, key=key)
                session.add(row)
            row.begun_at, row.leased_until = now, now + LEASE
            session.flush()
            return Lease(self._database, self._clock, row.id, now + LEASE)

    def _refuse_more(self, there: int) -> None:
        if there >= self._settings.push_keys:
            raise TooMany(
                f"{there} idempotency keys are remembered",
                retry_after_s=60,
                field="Idempotency-Key",
                expected=f"at most {self._settings.push_keys} (GOPS_PUSH_KEYS)",
            )

    def forget_old(self) -> int:
        """Remove those older than ``push_key_hours``; how many."""
        before = self._clock.micros() - self._settings.push_key_hours * HOUR
        with self._database.write() as session:
            removed: Any = session.execute(delete(PushKey).where(PushKey.begun_at <= before))
        return int(removed.rowcount)


class Lease:
    """A key while its push is on its way: ``renew`` now and then, and at the end ``answered`` or ``give_back``."""

    def __init__(self, database: Database, clock: Clock, row_id: int, until: int) -> None:
        self._database = database
        self._clock = clock
        self._id = row_id
        self._until = until
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Raises ``Conflict`` when another push has taken the key meanwhile."""
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        self._renewed = time.monotonic()
        self._change(leased_until=self._clock.micros() + LEASE)

    def answered(self, digest: bytes, answer: Mapping[str, Any]) -> None:
        self._change(leased_until=None, digest=digest, answer=dict(answer))

    def give_back(self) -> None:
        """The push failed, and may be sent again at once."""
        self._change(leased_until=0)

    def _change(self, *, leased_until: int | None, **values: Any) -> None:
        mine = PushKey.id == self._id, PushKey.leased_until == self._until, PushKey.digest.is_(None)
        with self._database.write() as session:
            done: Any = session.execute(update(PushKey).where(*mine).values(leased_until=leased_until, **values))
        if done.rowcount != 1:
            raise Conflict(
                "another push has taken this idempotency key meanwhile",
                code="push_in_progress",
                field="Idempotency-Key",
                expected="one push at a time under one key",
            )
        self._until = leased_until or 0


def _check(key: str) -> None:
    if not (0 < len(key) <= KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise Invalid(
            "this is no idempotency key",
            field="Idempotency-Key",
            found=key[:80],
            expected=f"1 to {KEY_CHARACTERS} printable ASCII characters",
        )


def _in_progress(key: str) -> Conflict:
    return Conflict(
        "a push under this idempotency key is on its way",
        code="push_in_progress",
        field="Idempotency-Key",
        found=key,
        expected="its answer first; ask again in a few seconds",
    )
