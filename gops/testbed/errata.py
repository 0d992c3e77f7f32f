"""Errata: what may still be changed of a published call, with a public note of what it was before.

Wording, or a later close (by 7 days or more, so that nobody is surprised); never the terms: criteria, weights, rules,
mechanism and quotas are what applicants rely on, and stay as they were hashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.clock import DAY, Clock, from_micros
from gops.errors import Conflict, Invalid
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import page
from gops.sensors.texts import prose, reason
from gops.settings import Settings
from gops.testbed import notices, terms, visibility, weeks
from gops.testbed.call_model import Erratum
from gops.testbed.checks import wrong
from gops.testbed.model import Call
from gops.testbed.timetable import set_deadlines, state_at

EXTENSION_DAYS = 7
WORDING = ("title_ko", "title_en", "description")


class Errata:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def publish(
        self, actor: Actor, call_slug: str, text_ko: str, text_en: str, *, closes_at: int | None = None, **wording: Any
    ) -> Erratum:
        """Change what is given of ``WORDING`` and the close. The texts say what was wrong, in Korean and English.

        Raises ``Invalid`` (``nothing_to_change``, ``extension_too_short``, ``bad_timetable``), ``Conflict``.
        """
        now = self._clock.micros()
        told = reason(text_ko, "text_ko"), reason(text_en, "text_en")
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, call_slug)
            self._refuse(session, call, now)
            wanted: dict[str, Any] = {key: _clean(key, text) for key, text in wording.items() if text is not None}
            if closes_at is not None:
                wanted["closes_at"] = self._later(call, closes_at)
            changes = {name: [getattr(call, name), value] for name, value in wanted.items()}
            changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
            if not changes:
                raise Invalid("the erratum changes nothing", code="nothing_to_change", found="nothing",
                              expected="another wording, or a later closes_at")  # fmt: skip
            for name, (_, value) in changes.items():
                setattr(call, name, value)
            set_deadlines(call, self._settings)
            row = Erratum(call_id=call.id, text_ko=told[0], text_en=told[1], changes=changes, at=now)
            session.add(row)
            session.flush()
            audit.record(session, now, actor, "call.correct", "call", call.id, call.organisation_id,
                         changed=sorted(changes))  # fmt: skip
            events.append(session, now, "call.changed", call=call.id)
            events.append(session, now, "call.corrected", call=call.id, erratum=row.id)
            notices.call_told(session, now, call, "call.corrected")
        return row

    def list(self, actor: Actor, call_slug: str, after: int = 0, limit: int = 100) -> Sequence[Erratum]:
        """All of a call that the actor sees, the oldest first."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            query = select(Erratum).where(Erratum.call_id == call.id)
            return session.scalars(page(query, Erratum.id, after, limit)).all()

    def _refuse(self, session: Session, call: Call, now: int) -> None:
        state = state_at(call, now)
        if state not in ("published", "open"):
            raise Conflict(f"the call {call.slug} is {state}", code="call_not_open", field="call", found=state,
                           expected="a call that is published or open")  # fmt: skip
        found = session.scalar(select(func.count()).select_from(Erratum).where(Erratum.call_id == call.id)) or 0
        most = self._settings.call_errata
        if found >= most:
            raise Conflict(f"the call {call.slug} has {found} errata", code="too_many", field="call", found=found + 1,
                           expected=f"at most {most} (GOPS_CALL_ERRATA)")  # fmt: skip

    def _later(self, call: Call, closes_at: int) -> int:
        if closes_at == call.closes_at:
            return closes_at
        found = from_micros(closes_at).astimezone(self._settings.zone).isoformat()
        least = from_micros(call.closes_at + EXTENSION_DAYS * DAY).astimezone(self._settings.zone).isoformat()
        if closes_at < call.closes_at + EXTENSION_DAYS * DAY:
            raise wrong("extension_too_short", "closes_at", found,
                        f"at least {EXTENSION_DAYS} days later than now: {least}")  # fmt: skip
        starts = weeks.begins(terms.first_week(call.terms), self._settings.zone)
        if closes_at >= starts:
            raise wrong("bad_timetable", "closes_at", found, "a time before the first week of the call begins")
        return closes_at


def _clean(field: str, value: Any) -> str:
    assert field in WORDING, field
    return prose(value) if field == "description" else names.name(value, field)
