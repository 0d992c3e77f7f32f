"""Public questions to a call, and its owner's answers. Who asked is told to nobody.

Anybody with a key asks from the call's publication until ``questions_until``; the owner answers once, until the call
closes. What was answered stands: an answer that was wrong is mended by another answer to another question, or by an
erratum, so that nobody acts on words that are gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.clock import Clock, from_micros
from gops.errors import Conflict
from gops.permissions import Actor, missing
from gops.records import audit, events
from gops.records.database import Database, serialise
from gops.records.paging import is_id, page
from gops.sensors.texts import reason
from gops.settings import Settings
from gops.testbed import notices, visibility
from gops.testbed.call_model import Question
from gops.testbed.model import Call
from gops.testbed.timetable import state_at


class Questions:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def ask(self, actor: Actor, call_slug: str, text: str) -> Question:
        """Raises ``Unauthenticated``, ``NotFound``, ``Invalid``, ``Conflict`` (``questions_closed``, ``too_many``)."""
        words, now = reason(text, "text"), self._clock.micros()
        visibility.refuse_anonymous(actor)
        assert actor.person_id is not None
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug)
            self._refuse_late(call, now)
            serialise(session, f"questions {call.id}")
            self._refuse_more(session, call, actor.person_id)
            row = Question(call_id=call.id, person_id=actor.person_id, text=words, asked_at=now)
            session.add(row)
            session.flush()
            audit.record(session, now, actor, "question.ask", "question", row.id, call.organisation_id, call=call.id)
            events.append(session, now, "question.asked", call=call.id, question=row.id)
        return row

    def answer(self, actor: Actor, call_slug: str, question_id: int, text: str) -> Question:
        """Raises ``NotFound``, ``Forbidden``, ``Invalid``, ``Conflict`` (``already_answered``, ``call_not_open``)."""
        words, now = reason(text, "answer"), self._clock.micros()
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, call_slug)
            row = session.get(Question, question_id) if is_id(question_id) else None
            if row is None or row.call_id != call.id:
                raise missing("question")
            if row.answer is not None:
                raise Conflict("the question is answered", code="already_answered", field="answer",
                               found="an answer", expected="a question without one")  # fmt: skip
            _refuse_unless_open(call, now)
            row.answer, row.answered_at = words, now
            audit.record(session, now, actor, "question.answer", "question", row.id, call.organisation_id)
            events.append(session, now, "question.answered", call=call.id, question=row.id)
            notices.call_told(session, now, call, "question.answered")
        return row

    def list(self, actor: Actor, call_slug: str, after: int = 0, limit: int = 100) -> Sequence[Question]:
        """All of a call that the actor sees, the oldest first."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            query = select(Question).where(Question.call_id == call.id)
            return session.scalars(page(query, Question.id, after, limit)).all()

    def _refuse_late(self, call: Call, now: int) -> None:
        _refuse_unless_open(call, now)
        if call.questions_until is not None and now >= call.questions_until:
            until = from_micros(call.questions_until).astimezone(self._settings.zone).isoformat()
            raise Conflict(f"questions to {call.slug} were taken until {until}", code="questions_closed", field="call",
                           found=until, expected="a question before that")  # fmt: skip

    def _refuse_more(self, session: Session, call: Call, person: int) -> None:
        count = select(func.count()).select_from(Question).where(Question.call_id == call.id)
        for query, setting in ((count.where(Question.person_id == person), "call_own_questions"),
                               (count, "call_questions")):  # fmt: skip
            found, most = session.scalar(query) or 0, getattr(self._settings, setting)
            if found >= most:
                raise Conflict(f"the call {call.slug} has {found} questions of {most}", code="too_many", field="call",
                               found=found + 1, expected=f"at most {most} (GOPS_{setting.upper()})")  # fmt: skip


def _refuse_unless_open(call: Call, now: int) -> None:
    state = state_at(call, now)
    if state not in ("published", "open"):
        raise Conflict(f"the call {call.slug} is {state}", code="call_not_open", field="call", found=state,
                       expected="a call that is published or open")  # fmt: skip
