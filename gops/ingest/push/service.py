"""``POST /api/v1/observations``: who may push, how many at once, and a push from its first byte to its answer."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from gops import logs
from gops.clock import Clock
from gops.errors import GopsError, Invalid, TooLarge, Unavailable, Unsupported
from gops.ingest.mapping import Limits
from gops.ingest.push.cells import Reading
from gops.ingest.push.chunk import Coded, Piece
from gops.ingest.push.formats import READERS, Format
from gops.ingest.push.kept_rows import topic_of
from gops.ingest.push.keys import Answered, Lease, PushKeys
from gops.ingest.push.outcome import AllRefused, Outcome, broken
from gops.ingest.push.settle import Settled, settle
from gops.ingest.push.targets import Routes, Targets
from gops.ingest.push.unpack import Counted, Source, Unpacked
from gops.ingest.refusals import Refusals, Report
from gops.permissions import Actor, require
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Mode, Receipt, Store

FEED = "push"
IN_FLIGHT = 2  # pieces that the store writes while the next one is read
STORE_SECONDS = 120.0
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Push:
    """What was asked, beside the body. ``length`` and ``encoding`` are the headers'. ``keep_refusals``: they can be
    looked at later, as those of messages."""

    format: Format
    reading: Reading
    mode: Mode = "replace"
    atomic: bool = False
    keep_refusals: bool = False
    dry_run: bool = False
    device: str = ""
    encoding: str | None = None
    length: int | None = None
    key: str | None = None

    def said(self) -> bytes:
        """All that makes two pushes of one body different."""
        zone: ZoneInfo | None = self.reading.zone
        parts = (self.format, zone.key if zone else "", self.reading.unit, self.mode, self.atomic, self.device)
        return repr((*parts, self.encoding or "", self.keep_refusals, self.dry_run)).encode()


@dataclass(slots=True)
class _Run:
    """A push on its way."""

    push: Push
    targets: Targets
    organisation_id: int
    outcome: Outcome
    lease: Lease | None
    pending: deque[tuple[Future[Receipt], int, str]] = field(default_factory=deque)


class Pushes:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        store: Store,
        refusals: Refusals,
        routes: Routes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store
        self._refusals = refusals
        self._routes = routes
        self._seats = threading.BoundedSemaphore(settings.push_at_once)
        self.keys = PushKeys(database, clock, settings)

    def take(self, actor: Actor, push: Push, body: Source) -> tuple[Mapping[str, Any], bool]:
        """Store the readings of ``body``; the members of the answer, and whether it was given before.

        Raises ``Unauthenticated``, ``Forbidden``, ``Unavailable`` while ``push_at_once`` others are on their way,
        ``AllRefused``, ``Conflict`` and ``Invalid`` for an idempotency key (see ``PushKeys``), and what the readers
        raise. An error that comes after something was stored says in ``extra`` how much.
        """
        require(actor, "observation.write", actor.organisation_id)
        assert actor.organisation_id is not None
        if push.atomic and not self._store.capabilities.atomic:
            raise Unsupported("this store cannot write all or nothing", field="atomic", expected="no atomic=true")
        with self._seat():
            digest = hashlib.sha256(push.said())
            counted = Counted(body, self._settings.push_bytes, push.length, digest.update if push.key else None)
            if push.key is None:
                return _answered(self._run(actor.organisation_id, push, counted, None)), False
            began = self.keys.begin(actor, push.key)
            if isinstance(began, Answered):
                return self._again(began, counted, digest)
            with _given_back(began):
                answer = self._run(actor.organisation_id, push, counted, began)
                counted.drain()
                began.answered(digest.digest(), answer)
            return _answered(answer), False

    @contextmanager
    def _seat(self) -> Iterator[None]:
        if not self._seats.acquire(blocking=False):
            most = self._settings.push_at_once
            raise Unavailable(
                f"{most} pushes are on their way", code="too_many_pushes", expected="fewer at once (GOPS_PUSH_AT_ONCE)"
            )
        try:
            yield
        finally:
            self._seats.release()

    def _again(self, before: Answered, counted: Counted, digest: Any) -> tuple[Mapping[str, Any], bool]:
        counted.drain()
        if digest.digest() != before.digest:
            raise Invalid(
                "this idempotency key belongs to another push",
                code="idempotency_key_reused",
                field="Idempotency-Key",
                expected="a new key for every other body or parameter",
            )
        return _answered(before.answer), True

    def _run(self, organisation_id: int, push: Push, counted: Counted, lease: Lease | None) -> Mapping[str, Any]:
        """The answer; of a push whose every row was refused as well."""
        targets = Targets(self._database, self._settings, self._routes, organisation_id)
        run = _Run(push, targets, organisation_id, Outcome(push.mode, self._settings.push_refusals, push.atomic), lease)
        try:
            most = self._settings.push_unpacked_bytes
            text = Unpacked(counted, push.encoding, most, self._settings.push_ratio)
            pieces = READERS[push.format](text, push.reading, push.device, most)
            if push.atomic:
                self._take_at_once(run, pieces)
            else:
                self._take_in(run, pieces)
        except GopsError as error:
            self._settle_pending(run)
            raise broken(error, run.outcome.body()) from error
        run.outcome.complete = True
        log.info("push", organisation=organisation_id, rows=run.outcome.taken, refused=run.outcome.refused)
        return run.outcome.body()

    def _take_in(self, run: _Run, pieces: Iterator[Piece]) -> None:
        for piece in pieces:
            settled, last = self._settled(run, piece)
            self._note(run, settled)
            if run.push.dry_run:
                run.outcome.add_rows(settled.table.num_rows, last)
            elif settled.table.num_rows:
                done = self._store.submit(settled.table, run.push.mode)
                run.pending.append((done, settled.table.num_rows, last))
            elif not run.pending:
                run.outcome.through = last
            while len(run.pending) > IN_FLIGHT:
                self._await(run)
            if run.lease is not None:
                run.lease.renew()
        while run.pending:
            self._await(run)

    def _take_at_once(self, run: _Run, pieces: Iterator[Piece]) -> None:
        tables: list[pa.Table] = []
        rows, most = 0, self._settings.push_atomic_rows
        for piece in pieces:
            settled, run.outcome.through = self._settled(run, piece)
            self._note(run, settled)
            rows += settled.table.num_rows
            if rows > most:
                raise TooLarge(
                    "more rows than are stored all or nothing",
                    field="atomic",
                    found=rows,
                    expected=f"at most {most} (GOPS_PUSH_ATOMIC_ROWS)",
                )
            tables.append(settled.table)
            if run.lease is not None:
                run.lease.renew()
        if run.push.dry_run:
            run.outcome.add_rows(rows, run.outcome.through)
        elif rows and not run.outcome.refused:
            done = self._store.submit(pa.concat_tables(tables), run.push.mode)
            run.pending.append((done, rows, run.outcome.through))
            self._await(run)

    def _settled(self, run: _Run, piece: Piece) -> tuple[Settled, str]:
        limits = Limits.of(self._settings, self._store.capabilities)
        settled = settle(piece, run.targets, self._clock.micros(), limits)
        return settled, _last(piece)

    def _note(self, run: _Run, settled: Settled) -> None:
        """Refusals are written down before the readings beside them."""
        run.outcome.add_refusals(settled.refusals)
        if run.push.keep_refusals and settled.refusals and not run.push.dry_run:
            topic = topic_of(run.push.format, run.push.reading, run.push.device)
            rows = [raw.encode(errors="backslashreplace") for raw in settled.raw()]
            source, now = (FEED, "", run.organisation_id, topic), self._clock.micros()
            self._refusals.record(
                [
                    Report(*source, raw, refused, arrival=now)
                    for refused, raw in zip(settled.refusals, rows, strict=True)
                ]
            )

    def _await(self, run: _Run) -> None:
        done, rows, last = run.pending.popleft()
        try:
            receipt = done.result(STORE_SECONDS)
        except NotYet as error:
            raise Unavailable(f"the store did not write within {STORE_SECONDS:g} s", code="store_busy") from error
        run.outcome.add_receipt(rows, receipt)
        run.outcome.through = last

    def _settle_pending(self, run: _Run) -> None:
        """What was handed to the store before something failed is counted as far as it is stored."""
        while run.pending:
            try:
                self._await(run)
            except GopsError as error:
                log.warning("push_not_stored", reason=error.message)
                run.pending.clear()


def _answered(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ``AllRefused``."""
    if not body["accepted"] or (body["atomic"] and body["refused"]):
        raise AllRefused(body, atomic=body["atomic"] and body["refused"] > 0)
    return body


@contextmanager
def _given_back(lease: Lease) -> Iterator[None]:
    try:
        yield
    except BaseException:
        try:
            lease.give_back()
        except GopsError as error:  # it runs out by itself
            log.warning("push_key_kept", reason=error.message)
        raise


def _last(piece: Piece) -> str:
    if isinstance(piece, Coded):
        rows = piece.decoded.rows
        return piece.decoded.row.format(rows[-1]) if rows else ""
    return piece.place_of(len(piece.numbers) - 1) if len(piece.numbers) else ""
