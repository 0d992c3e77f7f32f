"""Orders to freeze a dataset, and what becomes of them. One is made at a time; of one dataset one waits at most.

::

    ask, plan --> waiting --claim--> running --finish--> complete --remove--> removed
                     ^                  |
                     +--put back--------+--fail--> failed

Whoever makes one says so every now and then (``beat``). One whose maker has been silent for ``LEASE`` is put back; what
that maker brings later does not count, since its try (``attempts``) is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from gops.catalog.history import news
from gops.catalog.model import Dataset, Snapshot, SnapshotFile
from gops.catalog.snapshots.manifest import FrozenFile, Manifest
from gops.catalog.states import PUBLIC, PUBLISHED
from gops.clock import MINUTE, from_micros, to_micros
from gops.errors import Conflict
from gops.permissions import ANONYMOUS, Actor
from gops.records import audit, events
from gops.records.database import serialise
from gops.sensors.bounds import refuse_more
from gops.settings import Settings

NOUN = "snapshot"
WAITING, RUNNING, COMPLETE, FAILED, REMOVED = "waiting", "running", "complete", "failed", "removed"
STATES = (WAITING, RUNNING, COMPLETE, FAILED, REMOVED)
UNDER_WAY = (WAITING, RUNNING)
LEASE = 5 * MINUTE
TRIES = 5
PAUSE = 10 * MINUTE  # after the first failure; each next one is three times as long
NOTE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """One try to make one snapshot."""

    snapshot_id: int
    dataset_id: int
    number: int
    attempt: int

    @property
    def owner(self) -> str:
        """Of its drafts among the files."""
        return f"snapshot-{self.snapshot_id}"


def order(
    session: Session, settings: Settings, actor: Actor, dataset: Dataset, now: int, due: int | None = None
) -> Snapshot:
    """Write an order. Raises ``Conflict``: ``wrong_state``, ``snapshot_under_way``, ``too_many``."""
    serialise(session, NOUN)
    if dataset.state not in PUBLIC:
        raise Conflict(
            f"{dataset.slug} is {dataset.state}; only what is published is frozen",
            code="wrong_state",
            field="state",
            found=dataset.state,
            expected="a published dataset",
        )
    own = Snapshot.dataset_id == dataset.id
    under_way = session.scalar(select(Snapshot.number).where(own, Snapshot.state.in_(UNDER_WAY)))
    if under_way is not None:
        raise Conflict(
            f"snapshot {under_way} of {dataset.slug} is under way",
            code="snapshot_under_way",
            field="snapshot",
            found=under_way,
            expected="one at a time",
        )
    refuse_more(session, settings, "dataset_snapshots", and_(own, Snapshot.state != REMOVED), dataset.id)
    number = (session.scalar(select(func.max(Snapshot.number)).where(own)) or 0) + 1
    made = Snapshot(
        dataset_id=dataset.id, number=number, state=WAITING, due=due, asked_at=now, not_before=now, attempts=0,
        rows_done=0, rows_expected=0, bytes=0, manifest_bytes=0,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _note(session, now, actor, "snapshot.asked", made, dataset, scheduled=due is not None)
    return made


def month_begin(now: int, zone: ZoneInfo) -> int:
    """When the month that ``now`` lies in began on the clock of ``zone``, in microseconds."""
    local = from_micros(now).astimezone(zone)
    return to_micros(local.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def due_datasets(session: Session, due: int, only: int | None = None) -> Sequence[int]:
    """Those to freeze for the month that began at ``due``: published before, and neither frozen for it nor now.

    ``only`` asks after one of them.
    """
    mine = exists().where(Snapshot.dataset_id == Dataset.id, or_(Snapshot.due == due, Snapshot.state.in_(UNDER_WAY)))
    query = select(Dataset.id).where(Dataset.state == PUBLISHED, Dataset.snapshot_every.is_not(None))
    if only is not None:
        query = query.where(Dataset.id == only)
    return session.scalars(query.where(Dataset.published_at < due, ~mine).order_by(Dataset.id)).all()


def claim(session: Session, now: int) -> Claim | None:
    """Take the first order that may be made now."""
    serialise(session, NOUN)
    for silent in session.scalars(select(Snapshot).where(Snapshot.state == RUNNING, Snapshot.beat_at < now - LEASE)):
        _retry(silent, now, "interrupted", "whoever made it is gone")
    ready = select(Snapshot).where(Snapshot.state == WAITING, Snapshot.not_before <= now)
    found = session.scalar(ready.order_by(Snapshot.id).limit(1).with_for_update())
    if found is None:
        return None
    found.state, found.beat_at, found.attempts = RUNNING, now, found.attempts + 1
    found.rows_done = found.rows_expected = 0
    return Claim(found.id, found.dataset_id, found.number, found.attempts)


def beat(session: Session, held: Claim, now: int, done: int, expected: int) -> bool:
    """Say how far it is; False when the claim is over."""
    row = _held(session, held)
    if row is not None:
        row.beat_at, row.rows_done, row.rows_expected = now, done, expected
    return row is not None


def finish(session: Session, held: Claim, now: int, manifest: Manifest, sha256: str, size: int) -> bool:
    """Make it a snapshot that readers see; False when the claim is over or the dataset was withdrawn meanwhile."""
    row = _held(session, held)
    if row is None:
        return False
    dataset = session.get_one(Dataset, held.dataset_id, with_for_update=True)
    row.ended_at = now
    if dataset.state not in PUBLIC:
        row.state, row.code, row.note = FAILED, "withdrawn", "the dataset was withdrawn meanwhile"
        return False
    row.state, row.frozen_at, row.code, row.note = COMPLETE, manifest.frozen_at, None, None
    row.rows_done = row.rows_expected = manifest.rows
    row.bytes, row.first, row.last = manifest.bytes, manifest.first, manifest.last
    row.sha256, row.manifest_bytes, row.about = sha256, size, _about(manifest)
    session.add_all(_file(row.id, one) for one in manifest.files)
    detail = {"sha256": sha256, "rows": manifest.rows, "bytes": manifest.bytes}
    _note(session, now, ANONYMOUS, "snapshot.made", row, dataset, **detail)
    news.add(session, dataset, news.SNAPSHOT, now, row.number)
    return True


def fail(session: Session, held: Claim, now: int, code: str, note: str, *, passing: bool) -> None:
    """It was not made. A trouble that passes is tried again later, some times."""
    row = _held(session, held)
    if row is None:
        return
    if passing:
        _retry(row, now, code, note)
    else:
        row.state, row.ended_at, row.code, row.note = FAILED, now, code, note[:NOTE_LENGTH]


def put_back(session: Session, held: Claim) -> None:
    """GOPS stops: the try does not count."""
    row = _held(session, held)
    if row is not None:
        row.state, row.beat_at, row.attempts = WAITING, None, held.attempt - 1


def remove(session: Session, row: Snapshot, dataset: Dataset, now: int, reason: str) -> None:
    """Take a snapshot's files away; its record and manifest stay, so that a citation leads somewhere."""
    for one in session.scalars(select(SnapshotFile).where(SnapshotFile.snapshot_id == row.id)):
        session.delete(one)
    row.state, row.ended_at, row.note = REMOVED, now, reason
    _note(session, now, ANONYMOUS, "snapshot.removed", row, dataset, reason=reason)


def _retry(row: Snapshot, now: int, code: str, note: str) -> None:
    row.code, row.note, row.beat_at = code, note[:NOTE_LENGTH], None
    if row.attempts >= TRIES:
        row.state, row.ended_at = FAILED, now
    else:
        row.state, row.not_before = WAITING, now + PAUSE * 3 ** (row.attempts - 1)


def _held(session: Session, held: Claim) -> Snapshot | None:
    """The row of a claim that still holds."""
    row = session.get(Snapshot, held.snapshot_id, with_for_update=True)
    return row if row is not None and (row.state, row.attempts) == (RUNNING, held.attempt) else None


def _about(manifest: Manifest) -> dict[str, Any]:
    about = manifest.about
    return {
        "title": {"ko": about.title.ko, "en": about.title.en},
        "publisher": {"ko": about.publisher_name.ko, "en": about.publisher_name.en},
        "licence": about.licence,
    }


def _file(snapshot_id: int, one: FrozenFile) -> SnapshotFile:
    return SnapshotFile(
        snapshot_id=snapshot_id, name=one.name, sha256=one.sha256, bytes=one.bytes, rows=one.rows,
        start=one.start, end=one.end,
    )  # fmt: skip


def _note(
    session: Session, now: int, actor: Actor, action: str, row: Snapshot, dataset: Dataset, **detail: Any
) -> None:
    what = {"dataset": dataset.slug, "number": row.number} | detail
    audit.record(session, now, actor, action, NOUN, row.id, dataset.organisation_id, **what)
    events.append(session, now, action, snapshot=row.id, dataset=dataset.id)
