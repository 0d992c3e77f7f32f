"""Marks of applications, by the call's owner after its close: the shares they may take a place of, joint pilots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database
from gops.testbed import calls, checks, mechanisms, visibility
from gops.testbed.checks import wrong
from gops.testbed.model import Application, Call
from gops.testbed.round_model import ApplicationMark

HANDED_IN = ("eligible", "scored")


@dataclass(frozen=True)
class Marked:
    application_id: int
    labels: Sequence[str]
    group: str | None


class Marks:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(
        self,
        actor: Actor,
        call_slug: str,
        labels: Mapping[int, Sequence[str]],
        groups: Mapping[str, Sequence[int | str]],
    ) -> Sequence[Marked]:
        """All marks of a call, in place of those before. ``labels`` are those of its shares; ``groups`` hold
        applications or other groups. Raises ``Invalid``, also for groups where the call has none."""
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, call_slug)
            calls.advance(session, call, self._clock.micros())
            if call.state != "closed":
                raise Conflict(f"the call {call.slug} is {call.state}", code="call_not_closed", field="call",
                               found=call.state, expected="a call that is closed and not yet scored")  # fmt: skip
            joint = _joint(call, groups)
            self._write(session, call, labels, joint)
            now = self._clock.micros()
            audit.record(session, now, actor, "mark.put", "call", call.id, call.organisation_id,
                         labels={str(row): list(words) for row, words in labels.items()},
                         groups={str(row): name for row, name in joint.items()})  # fmt: skip
            events.append(session, now, "call.changed", call=call.id)
            return _of(session, call)

    def list(self, actor: Actor, call_slug: str) -> Sequence[Marked]:
        """For who may change the call."""
        with self._database.read() as session:
            return _of(session, visibility.call_to_change(session, actor, call_slug))

    def _write(
        self, session: Session, call: Call, labels: Mapping[int, Sequence[str]], joint: Mapping[int, str]
    ) -> None:
        query = select(Application.id).where(Application.call_id == call.id, Application.state.in_(HANDED_IN))
        there, known = set(session.scalars(query)), mechanisms.labels(call.terms)
        for row in sorted({*labels, *joint}):
            if row not in there:
                raise wrong("not_eligible", f"labels.{row}" if row in labels else "groups", row,
                            "an eligible application in this call")  # fmt: skip
        for old in session.scalars(select(ApplicationMark).where(ApplicationMark.application_id.in_(there))):
            session.delete(old)
        session.flush()
        for row in sorted({*labels, *joint}):
            words = checks.some_of(labels.get(row, []), known, f"labels.{row}")
            session.add(ApplicationMark(application_id=row, labels=words, group_name=joint.get(row)))
        session.flush()


def _joint(call: Call, groups: Mapping[str, Sequence[int | str]]) -> dict[int, str]:
    if groups and not mechanisms.section(call.terms)["groups"]:
        raise Invalid("the call has no joint pilots", code="needs_optimal", field="groups", found=len(groups),
                      expected="no groups; the call's terms say none")  # fmt: skip
    return mechanisms.flatten(groups)


def _of(session: Session, call: Call) -> list[Marked]:
    query = select(ApplicationMark).join(Application, Application.id == ApplicationMark.application_id)
    rows = session.scalars(query.where(Application.call_id == call.id).order_by(ApplicationMark.application_id))
    return [Marked(row.application_id, row.labels, row.group_name) for row in rows]
