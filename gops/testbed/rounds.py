"""Rounds: computed by the operator, verified by other code, published, final. Nobody edits an outcome.

Publication books the slots of the placed, so that nothing else takes what the round gives; a round whose places are
gone meanwhile is computed again. Applicants are told offered or reserve when the round is final.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session, undefer

from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import page
from gops.settings import Settings
from gops.testbed import computing, lifecycles, notices, preparing, resources, terms, texts, visibility
from gops.testbed.allocation import roundfile
from gops.testbed.allocation.apart import Watch
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.verify import Report, verify
from gops.testbed.appeals import window
from gops.testbed.booking import Booking, book, lock_sites
from gops.testbed.computing import always
from gops.testbed.lifecycles import APPLICATION, CALL, ROUND
from gops.testbed.model import Application, Call, Round
from gops.testbed.offers import giving


class Rounds:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def compute(self, actor: Actor, call_slug: str, seconds: float | None = None, watch: Watch = always) -> Round:
        """Allocate a scored call, write the round file and verify it. A round not yet published is superseded, and its
        file dropped. ``optimal`` takes up to ``seconds`` (of itself GOPS_ROUND_SECONDS); where ``watch`` says that
        nobody waits any more this raises ``Conflict`` (``round_cancelled``)."""
        prepared, revision = self.prepare(actor, call_slug)
        allocation = computing.allocate(prepared, seconds or self._settings.round_seconds, watch)
        data = roundfile.write(prepared.instance, prepared.seed, prepared.mechanism, allocation, prepared.call)
        report = verify(data)
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug, lock=True)
            _refuse_unless(call, "scored")
            if _revision(session, call) != revision:
                raise Conflict("another round was computed meanwhile", code="round_overtaken", field="round",
                               found=revision, expected="one computation at a time")  # fmt: skip
            made = self._keep(session, call, revision, prepared.mechanism, data, report)
            self._note(session, actor, "round.compute", call, made)
        return made

    def compute_at_once(self, actor: Actor, call_slug: str) -> Round:
        """As ``compute``, for who waits at the other end of a request. Raises ``Conflict`` (``runs_long``)."""
        require(actor, "round.run", None)
        with self._database.read() as session:
            mechanism = visibility.call(session, actor, call_slug).terms["mechanism"]
        if mechanism == "optimal":
            raise Conflict("optimal takes its time", code="runs_long", field="mechanism", found=mechanism,
                           expected="a run that is ordered, of the kind round")  # fmt: skip
        return self.compute(actor, call_slug)

    def prepare(self, actor: Actor, call_slug: str) -> tuple[preparing.Prepared, int]:
        """Everything that the next round of a scored call is made of, and its revision."""
        require(actor, "round.run", None)
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            _refuse_unless(call, "scored")
            revision = _revision(session, call)
            return preparing.prepare(session, call.slug, revision), revision

    def publish(self, actor: Actor, call_slug: str, revision: int) -> Round:
        """Publish a verified round provisionally, and book its places. Raises ``Conflict``."""
        require(actor, "round.run", None)
        now = self._clock.micros()
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug, lock=True)
            row = _seen(session, actor, call_slug, revision, with_file=True)
            lifecycles.move(ROUND, row, "published")
            lifecycles.move(CALL, call, "allocated")
            row.published_at = now
            window.begin(session, row, now, self._settings)
            self._book(session, call, orjson.loads(row.file), now)
            self._note(session, actor, "round.publish", call, row)
            notices.round_published(session, now, call, window.ends_at(session, row))
            events.append(session, now, "round.published", call=call.id, round=row.id)
        return row

    def finish(self, actor: Actor, call_slug: str, revision: int) -> Round:
        """The published round is final: the placed are offered their places, the others stand in reserve.

        Raises ``Conflict``: ``appeals_open`` while appeals are taken or undecided.
        """
        require(actor, "round.run", None)
        now = self._clock.micros()
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug, lock=True)
            row = _seen(session, actor, call_slug, revision, with_file=True)
            lifecycles.ROUND.check(row.state, "final")
            window.refuse_early(session, call, row, now, self._settings)
            lifecycles.move(ROUND, row, "final")
            lifecycles.move(CALL, call, "final")
            row.final_at = now
            names = _names(session, call)
            for pseudonym, site, _start in orjson.loads(row.file)["outcome"]:
                application = session.get_one(Application, names[pseudonym])
                lifecycles.move(APPLICATION, application, "reserve" if site is None else "offered")
            session.flush()
            giving.give_all(session, call, now, self._settings)
            notices.in_reserve(session, now, call)
            self._note(session, actor, "round.final", call, row)
        return row

    def get(self, actor: Actor, call_slug: str, revision: int) -> Round:
        with self._database.read() as session:
            return _seen(session, actor, call_slug, revision)

    def list(self, actor: Actor, call_slug: str, after: int = 0, limit: int = 100) -> Sequence[Round]:
        """The published ones; the operator and the auditor see all."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            query = select(Round).where(Round.call_id == call.id, _visible(actor))
            return session.scalars(page(query, Round.id, after, limit)).all()

    def file(self, actor: Actor, call_slug: str, revision: int) -> bytes:
        """The round file, as it was written."""
        with self._database.read() as session:
            return _seen(session, actor, call_slug, revision, with_file=True).file

    def explain(self, actor: Actor, call_slug: str, revision: int, pseudonym: str, language: texts.Language) -> Any:
        """What became of one application: its row of the outcome, its refusal if any, and both in words."""
        document = orjson.loads(self.file(actor, call_slug, revision))
        lines = texts.explain(document, pseudonym, language)
        outcome = next(row for row in document["outcome"] if row[0] == pseudonym)
        refusal = next((row for row in document["refusals"] if row["application"] == pseudonym), None)
        return {
            "application": pseudonym,
            "site": None if outcome[1] is None else int(outcome[1]),
            "start": None if outcome[2] is None else outcome[2] + _begins(document),
            "refusal": refusal,
            "text": lines,
        }

    def key(self, actor: Actor, call_slug: str) -> dict[str, Any]:
        """For the operator and auditors: the key of the pseudonyms, and whose each is. It is audited."""
        require(actor, "round.key", None)
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug)
            secret = session.scalar(select(Call.pseudonym_key).where(Call.id == call.id))
            if secret is None:
                raise missing("key of this call")
            found = {"key": secret.hex(), "applications": _names(session, call)}
            now = self._clock.micros()
            audit.record(session, now, actor, "round.key", "call", call.id, call.organisation_id)
        return found

    def own_pseudonyms(self, actor: Actor, applications: Sequence[Application]) -> dict[int, str]:
        """By application, from the publication of its round on: to its own organisation, the operator and auditors."""
        home = visibility.home_of(actor, "application.read")
        by_key = permits(actor, "round.key", None)
        own = [row for row in applications if row.score is not None and (by_key or row.organisation_id == home)]
        published = select(Round.id).where(Round.call_id == Call.id, Round.published_at.is_not(None)).exists()
        with self._database.read() as session:
            query = select(Call.id, Call.pseudonym_key).where(Call.id.in_({row.call_id for row in own}), published)
            keys = {row.id: row.pseudonym_key for row in session.execute(query)}
        return {row.id: roundfile.pseudonym(keys[row.call_id], row.id) for row in own if row.call_id in keys}

    def _keep(
        self, session: Session, call: Call, revision: int, mechanism: Choice, data: bytes, report: Report
    ) -> Round:
        before = select(Round).where(Round.call_id == call.id, Round.state.in_(("computed", "verified")))
        for row in session.scalars(before.options(undefer(Round.file))):
            lifecycles.move(ROUND, row, "superseded")
            row.file = b""  # nobody but the operator ever saw it; its hashes stay
        made = Round(
            call_id=call.id,
            revision=revision,
            state="computed",
            mechanism=mechanism.text,
            applications=report.applications,
            placed=report.placed,
            outcome_hash=report.outcome_hash,
            file_hash=hashlib.sha256(data).hexdigest(),
            file=data,
            report=asdict(report),
            computed_at=self._clock.micros(),
        )
        if report.is_true:  # a round that the verifier denies stays computed, and can't be published
            lifecycles.move(ROUND, made, "verified")
        session.add(made)
        session.flush()
        return made

    def _book(self, session: Session, call: Call, document: Any, now: int) -> None:
        placed = [row for row in document["outcome"] if row[1] is not None]
        sites = lock_sites(session, [int(row[1]) for row in placed])
        names, begins = _names(session, call), _begins(document)
        for pseudonym, site, start in placed:
            application = session.get_one(Application, names[pseudonym])
            first = begins + start
            asked = Booking(first, first + application.duration, resources.of_application(call, application),
                            application.organisation_id, application.id, note=call.slug)  # fmt: skip
            book(session, sites[int(site)], asked, now)

    def _note(self, session: Session, actor: Actor, action: str, call: Call, row: Round) -> None:
        now = self._clock.micros()
        facts = {"revision": row.revision, "outcome_hash": row.outcome_hash, "file_hash": row.file_hash}
        audit.record(session, now, actor, action, "round", row.id, call.organisation_id, **facts)
        events.append(session, now, "call.changed", call=call.id)


def _refuse_unless(call: Call, state: str) -> None:
    if call.state != state:
        raise Conflict(f"the call {call.slug} is {call.state}", code=f"call_not_{state}", field="call",
                       found=call.state, expected=f"a call that is {state}")  # fmt: skip


def _revision(session: Session, call: Call) -> int:
    """The next one."""
    return (session.scalar(select(func.max(Round.revision)).where(Round.call_id == call.id)) or 0) + 1


def _names(session: Session, call: Call) -> dict[str, int]:
    """The application of each pseudonym of the call."""
    secret = session.scalar(select(Call.pseudonym_key).where(Call.id == call.id))
    assert secret is not None, "a call has its key from publication on"
    ids = session.scalars(select(Application.id).where(Application.call_id == call.id, Application.score.is_not(None)))
    return {name: row for row, name in preparing.pseudonyms(secret, ids.all()).items()}


def _begins(document: Any) -> int:
    return terms.first_week(document["inputs"]["instance"])


def _visible(actor: Actor) -> ColumnElement[bool]:
    return true() if permits(actor, "round.key", None) else Round.published_at.is_not(None)


def _seen(session: Session, actor: Actor, call_slug: str, revision: int, *, with_file: bool = False) -> Round:
    call = visibility.call(session, actor, call_slug)
    query = select(Round).where(Round.call_id == call.id, Round.revision == revision, _visible(actor))
    found = session.scalar(query.options(undefer(Round.file)) if with_file else query)
    if found is None or (with_file and not found.file):
        raise missing("round")
    return found
