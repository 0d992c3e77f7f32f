"""The service of retention: which rule holds for a Datastream, and saying another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.clock import Clock
from gops.durations import write_duration
from gops.errors import Unsupported
from gops.permissions import Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database
from gops.sensors.ending import tell
from gops.sensors.model import Datastream, RetentionDefault
from gops.sensors.owners import Accounts
from gops.sensors.retention import Rule, Said, check, inherited
from gops.sensors.visibility import among, changeable, seen, visible
from gops.settings import Settings

UNIT = 200  # Datastreams of one write unit: others wait for its end


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds, and what was ``said`` at this very place. Durations in ISO 8601; None: for ever, never.

    Readings before ``thinned_until`` (microseconds) were thinned, at last to one every ``thinned_every``.
    """

    said: Said
    retention: str | None
    thin_after: str | None
    thin_every: str | None
    thinned_until: int | None = None
    thinned_every: str | None = None

    @classmethod
    def of(cls, said: Said, rule: Rule, stream: Datastream | None = None) -> InForce:
        facts = (None, None) if stream is None else (stream.thinned_until, stream.thinned_every)
        return cls(said, _written(rule.retention), _written(rule.thin_after), rule.thin_every, *facts)


class Retaining:
    """``can_delete`` asks the store for its capability ``deletes_range``; without it only "none" can be said.

    Raises ``NotFound``, ``Unauthenticated`` and ``Forbidden`` by who asks, ``Unsupported`` (``deletes_range``), and
    ``Invalid`` as ``retention.check`` does.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        accounts: Accounts,
        can_delete: Callable[[], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._platform = Rule.of(settings)
        self._accounts = accounts
        self._can_delete = can_delete

    def of(self, actor: Actor, datastream_id: int) -> InForce:
        """For whoever sees the Datastream."""
        with self._database.read() as session:
            return self._shown(session, seen(session, Datastream, actor, datastream_id, "datastream"))

    def default(self, organisation: str) -> InForce:
        """What holds for the Datastreams of an organisation that say nothing themselves; for all."""
        with self._database.read() as session:
            home = self._accounts.organisation(session, organisation)
            row = session.get(RetentionDefault, home.id)
            return InForce.of(Said.of(row) if row else Said(), self._platform.under(row))

    def put(
        self, actor: Actor, datastreams: Sequence[int], retention: str | None, thin_after: str | None, every: str | None
    ) -> Sequence[InForce]:
        """Say one rule for each of these, in place of what was said; for none of them if the actor may not for one.

        What is None is inherited. Many are changed ``UNIT`` at a time.
        """
        said = self._checked(retention, thin_after, every)
        ids = sorted(set(datastreams))
        with self._database.read() as session:
            _refuse_foreign(session, actor, ids)
        return [one for first in range(0, len(ids), UNIT) for one in self._put(actor, ids[first : first + UNIT], said)]

    def _put(self, actor: Actor, ids: Sequence[int], said: Said) -> Sequence[InForce]:
        with self._database.write() as session:
            rows = [changeable(session, Datastream, actor, one, "datastream", "retention.change") for one in ids]
            changed = [row for row in rows if Said.of(row) != said]
            for row in changed:
                row.retention, row.thin_after, row.thin_every = said.retention, said.thin_after, said.thin_every
            session.flush()
            now = self._clock.micros()
            for row in changed:
                rule = asdict(said)
                audit.record(session, now, actor, "retention.put", "datastream", row.id, row.organisation_id, **rule)
            tell(session, now, [row.id for row in changed])
            return [self._shown(session, row) for row in rows]

    def put_default(
        self, actor: Actor, organisation: str, retention: str | None, thin_after: str | None, every: str | None
    ) -> InForce:
        """Say the rule of an organisation's Datastreams that say nothing themselves; what is None is the platform's."""
        said = self._checked(retention, thin_after, every)
        with self._database.write() as session:
            home = self._accounts.organisation(session, organisation)
            require(actor, "retention.change", home.id)
            row = session.get(RetentionDefault, home.id) or RetentionDefault(organisation_id=home.id)
            if Said.of(row) != said:
                row.retention, row.thin_after, row.thin_every = said.retention, said.thin_after, said.thin_every
                session.add(row)
                now = self._clock.micros()
                audit.record(session, now, actor, "retention.put", "organisation", home.id, home.id, **asdict(said))
                events.append(session, now, "organisation.changed", organisation=home.id)
            return InForce.of(said, self._platform.under(row))

    def _checked(self, retention: str | None, thin_after: str | None, every: str | None) -> Said:
        said = check(retention, thin_after, every)
        if not self._can_delete() and Rule().under(said) != Rule():
            raise Unsupported(
                "this store keeps readings as they came: it lacks deletes_range",
                field="deletes_range",
                expected="none, or a store that has the capability deletes_range",
            )
        return said

    def _shown(self, session: Session, row: Datastream) -> InForce:
        rule = inherited(session, self._platform, row.organisation_id).under(row)
        return InForce.of(Said.of(row), rule, row)


def _refuse_foreign(session: Session, actor: Actor, ids: Sequence[int]) -> None:
    """Raise when there is one of these that the actor does not see, or may not change."""
    columns = select(Datastream.id, Datastream.organisation_id)
    query = columns.where(among(Datastream, ids), visible(Datastream, actor, "retention.change"))
    homes = {row.id: row.organisation_id for row in session.execute(query)}
    for one in ids:
        if one not in homes:
            raise missing("datastream")
        require(actor, "retention.change", homes[one])


def _written(length: int | None) -> str | None:
    return None if length is None else write_duration(length)
