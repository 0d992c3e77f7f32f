"""Which way letters go, by the settings: to a mail server, or into files."""

from __future__ import annotations

from sqlalchemy import func, select

from gops.clock import Clock
from gops.errors import Unavailable
from gops.notify.letter import Letters
from gops.notify.model import Notice
from gops.notify.outbox import MailOutbox
from gops.notify.smtp import Smtp
from gops.records.database import Database
from gops.settings import Settings

LETTER = "letter"
"""The event of a notice that is a whole letter: ``facts`` are ``to``, ``subject`` and ``text``."""


def letters(settings: Settings, clock: Clock) -> Letters:
    """For whoever tries again by itself. Raises ``BadSetting``."""
    if settings.smtp_host:
        return Smtp(settings, clock)
    return MailOutbox(settings.data / "outbox", settings.outbox_max, clock, settings.smtp_from)


def letters_later(settings: Settings, clock: Clock, database: Database) -> Letters:
    """For whoever must not wait for a mail server: its letters are kept and sent by the notices' job."""
    return Queued(database, clock, settings) if settings.smtp_host else letters(settings, clock)


class Queued:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def put(self, to: str, subject: str, text: str) -> None:
        """Raises ``Unavailable`` when ``outbox_max`` letters wait already."""
        now, most = self._clock.micros(), self._settings.outbox_max
        waiting = select(func.count()).select_from(Notice).where(Notice.state == "waiting", Notice.event == LETTER)
        with self._database.write() as session:
            found = session.scalar(waiting) or 0
            if found >= most:
                raise Unavailable(f"{found} letters wait", found=found, expected=f"fewer than {most} (GOPS_OUTBOX_MAX)")
            facts = {"to": to, "subject": subject, "text": text}
            session.add(Notice(at=now, event=LETTER, subject_id=0, facts=facts, state="waiting", attempts=0,
                               begun_at=now, next_at=now))  # fmt: skip
