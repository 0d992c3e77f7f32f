"""Sign-up: anybody gets a key that reads public data, at once.

Nothing proves that the address is theirs, so the key is of a new person of its own: it neither acts as somebody who
has that address here, nor does the answer tell whether anybody has. The address gets a letter that says so.
"""

from __future__ import annotations

from typing import Protocol

from gops import logs
from gops.accounts import checks
from gops.accounts.granting import KeyMaker, Wish
from gops.accounts.lookup import PUBLIC, organisation
from gops.accounts.model import Membership, Person
from gops.clock import Clock, from_micros
from gops.errors import TooMany, Unavailable
from gops.permissions import Actor
from gops.records import audit
from gops.records.database import Database
from gops.settings import Settings

LABEL = "sign-up"
log = logs.get(__name__)


class Outbox(Protocol):
    """Where letters go; see ``notify.outbox.MailOutbox``."""

    def put(self, to: str, subject: str, text: str) -> None: ...


class Signup:
    def __init__(self, database: Database, clock: Clock, settings: Settings, outbox: Outbox) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbox = outbox
        self._maker = KeyMaker(clock, settings)

    def signup(self, email: str, name: str) -> str:
        """The text of a key with ``data:read`` in the organisation ``public``. Raises ``Invalid``."""
        contact, called, now = checks.email(email), checks.name(name), self._clock.micros()
        with self._database.write() as session:
            home = organisation(session, PUBLIC)
            person = Person(contact=contact, name=called, created_at=now)
            session.add(person)
            session.flush()
            session.add(Membership(person_id=person.id, organisation_id=home.id, role="viewer"))
            days = min(self._settings.signup_key_days, self._settings.key_days_max)
            key, text = self._maker.make(session, None, person.id, home.id, Wish(LABEL, ["data:read"], days))
            audit.record(session, now, Actor(person_id=person.id), "person.signup", "person", person.id, home.id)
        self._write_to(contact, key.prefix, key.expires_at)
        return text

    def _write_to(self, contact: str, prefix: str, expires_at: int) -> None:
        """A full outbox costs the letter, not the key: whoever fills it must not shut others out."""
        try:
            self._outbox.put(contact, SUBJECT, TEXT.format(prefix=prefix, until=from_micros(expires_at).date()))
        except (TooMany, Unavailable) as error:
            log.warning("signup.letter_not_written", reason=error.message)


SUBJECT = "GOPS: an API key / API 키가 발급되었습니다"
TEXT = """\
이 주소로 GOPS 읽기 키(gops_{prefix}_…)가 발급되었습니다. 유효 기간: {until}까지.
직접 신청하지 않으셨다면 그대로 두셔도 됩니다. 이 키로는 공개 데이터만 읽을 수 있습니다.

A read key of GOPS (gops_{prefix}_...) was issued to somebody who gave this address. It ends on {until}.
If that was not you, there is nothing to do: the key reads public data only.
"""
