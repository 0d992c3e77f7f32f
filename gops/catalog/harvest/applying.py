"""What was found in a source becomes datasets: added, changed, or withdrawn after it was missing for long enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.catalog import lookup
from gops.catalog.datasets import new_draft
from gops.catalog.harvest import words
from gops.catalog.harvest.found import Found, Refused, identity_hash
from gops.catalog.harvest.model import HarvestItem, HarvestRun, HarvestSource, HarvestTry
from gops.catalog.history import news, revisions
from gops.catalog.model import HARVESTED, Dataset
from gops.catalog.states import WITHDRAWN, change_state
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.records.database import Database, serialise
from gops.settings import Settings

AT_ONCE = 20  # datasets in a unit: others write between
SLUG_LENGTH = 63
SLUGS_TRIED = 100
NAME = "harvest"
_NO_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass
class Counts:
    """Of a run. ``missing`` are those that it lacks and that stand yet, ``removed`` were withdrawn in it."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    removed: int = 0
    refused: list[Refused] = field(default_factory=list)


class Applying:
    """Writes for one run, in units of ``AT_ONCE``."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def sort_out(
        self, source: HarvestSource, found: Sequence[Found], refused: Iterable[Refused]
    ) -> tuple[list[Found], Counts]:
        """Those to take: each identity once, none of this GOPS, none that another source gave."""
        counts, taken = Counts(refused=list(refused)), dict[str, Found]()
        hashes = [identity_hash(name) for one in found for name in (one.identity, *one.identifiers)]
        elsewhere = self._elsewhere(source, hashes)
        for one in found:
            try:
                self._refuse_known(one, taken, elsewhere)
            except Invalid as error:
                counts.refused.append(Refused.of(one.identity, one.title, error))
            else:
                taken[one.identity] = one
        return list(taken.values()), counts

    def loss(self, source: HarvestSource, seen: set[str]) -> tuple[int, int]:
        """How many of those that stand are not among the identities ``seen``, and how many stand."""
        standing = select(HarvestItem.identity).where(
            HarvestItem.source_id == source.id, HarvestItem.removed_at.is_(None)
        )
        with self._database.read() as session:
            known = set(session.scalars(standing))
        return len(known - seen), len(known)

    def take(self, source: HarvestSource, found: Sequence[Found], counts: Counts) -> None:
        """Add and change. One that was withdrawn here by hand is not published again."""
        for start in range(0, len(found), AT_ONCE):
            with self._database.write() as session:
                serialise(session, lookup.NOUN)
                home = session.get_one(Organisation, source.organisation_id)
                some = found[start : start + AT_ONCE]
                hashes = [identity_hash(one.identity) for one in some]
                rows = session.scalars(select(HarvestItem).where(HarvestItem.identity_hash.in_(hashes))).all()
                there = {row.identity: row for row in rows}
                for one in some:
                    self._take_one(session, source, home, one, there.get(one.identity), counts)

    def miss(self, source: HarvestSource, seen: set[str], counts: Counts) -> None:
        """Count what is not among ``seen``, and withdraw what was missing in so many runs as the setting says."""
        with self._database.read() as session:
            own = HarvestItem.source_id == source.id, HarvestItem.removed_at.is_(None)
            rows = session.execute(select(HarvestItem.id, HarvestItem.identity).where(*own)).all()
        ids = [one for one, identity in rows if identity not in seen]
        most = self._settings.harvest_absences
        for start in range(0, len(ids), AT_ONCE):
            with self._database.write() as session:
                serialise(session, lookup.NOUN)
                for item in session.scalars(
                    select(HarvestItem).where(HarvestItem.id.in_(ids[start : start + AT_ONCE]))
                ):
                    item.missed += 1
                    if item.missed < most:
                        counts.missing += 1
                        continue
                    self._withdraw(session, item, _gone(most, source.url))
                    counts.removed += 1

    def end(self, source: HarvestSource) -> None:
        """Withdraw everything of a source, and forget it."""
        why = f"출처를 더 이상 수집하지 않습니다. Its source is not harvested any more: {source.url}"
        own = HarvestItem.source_id == source.id, HarvestItem.removed_at.is_(None)
        while True:
            with self._database.write() as session:
                serialise(session, lookup.NOUN)
                rows = session.scalars(select(HarvestItem).where(*own).limit(AT_ONCE)).all()
                for item in rows:
                    self._withdraw(session, item, why)
            if not rows:
                break
        with self._database.write() as session:
            items = select(HarvestItem.dataset_id).where(HarvestItem.source_id == source.id)
            session.execute(delete(HarvestTry).where(HarvestTry.dataset_id.in_(items)))
            for table in (HarvestItem, HarvestRun):
                session.execute(delete(table).where(table.source_id == source.id))
            session.execute(delete(HarvestSource).where(HarvestSource.id == source.id))

    def _elsewhere(self, source: HarvestSource, hashes: Sequence[str]) -> set[str]:
        known: set[str] = set()
        with self._database.read() as session:
            for start in range(0, len(hashes), 500):
                own = HarvestItem.identity_hash.in_(hashes[start : start + 500]), HarvestItem.source_id != source.id
                known |= set(session.scalars(select(HarvestItem.identity).where(*own)))
        return known

    def _refuse_known(self, one: Found, taken: Mapping[str, Found], elsewhere: set[str]) -> None:
        own = self._settings.base_url.rstrip("/")
        names = (one.identity, *one.identifiers)
        if own and any(name.startswith(own + "/") for name in names):
            raise Invalid("it is a dataset of this GOPS", code="own_dataset", field="@id", expected="one of others")
        if one.identity in taken:
            raise Invalid("it is there twice", code="duplicate_identity", field="@id", expected="each once")
        if any(name in elsewhere for name in names):
            raise Invalid(
                "another source gave it", code="harvested_already", field="@id", expected="each from one source"
            )

    def _take_one(
        self,
        session: Session,
        source: HarvestSource,
        home: Organisation,
        one: Found,
        item: HarvestItem | None,
        counts: Counts,
    ) -> None:
        now = self._clock.micros()
        if item is not None and item.source_id != source.id:  # another source was quicker
            error = Invalid("another source gave it", code="harvested_already", field="@id")
            counts.refused.append(Refused.of(one.identity, one.title, error))
            return
        if item is None or item.removed_at is not None:
            self._add(session, source, home, one, item, now)
            counts.added += 1
            return
        item.missed, item.seen_at = 0, now
        dataset = session.get_one(Dataset, item.dataset_id, with_for_update=True)
        if dataset.state == WITHDRAWN:
            error = Invalid("it was withdrawn here", code="withdrawn_here", field="state")
            counts.refused.append(Refused.of(one.identity, one.title, error))
        elif item.digest == one.digest(source.theme):
            counts.unchanged += 1
        else:
            item.digest, item.document = one.digest(source.theme), one.document()
            self._change(session, source, dataset, one, now)
            counts.changed += 1

    def _add(
        self,
        session: Session,
        source: HarvestSource,
        home: Organisation,
        one: Found,
        item: HarvestItem | None,
        now: int,
    ) -> None:
        slug = _free_slug(session, one, home.slug)
        dataset = new_draft(now, home.id, slug, HARVESTED, **_said(source, one))
        dataset.snapshot_every = None
        session.add(dataset)
        session.flush()
        change_state(dataset, "publish", now)
        if item is None:
            item = HarvestItem(source_id=source.id, identity=one.identity, identity_hash=identity_hash(one.identity))
            session.add(item)
        item.dataset_id, item.digest, item.document = dataset.id, one.digest(source.theme), one.document()
        item.seen_at, item.missed, item.removed_at = now, 0, None
        session.flush()
        revisions.keep(session, dataset, now, None, one.identity)
        news.add(session, dataset, news.PUBLISHED, now, dataset.revision)
        events.append(session, now, "dataset.published", dataset=dataset.id)

    def _change(self, session: Session, source: HarvestSource, dataset: Dataset, one: Found, now: int) -> None:
        for name, value in _said(source, one).items():
            setattr(dataset, name, value)
        dataset.modified_at, dataset.revision = now, dataset.revision + 1
        session.flush()
        if revisions.keep(session, dataset, now, None, one.identity):
            news.add(session, dataset, news.REVISED, now, dataset.revision)
        events.append(session, now, "dataset.changed", dataset=dataset.id)

    def _withdraw(self, session: Session, item: HarvestItem, why: str) -> None:
        now = self._clock.micros()
        item.removed_at = now
        dataset = session.get_one(Dataset, item.dataset_id, with_for_update=True)
        if dataset.state == WITHDRAWN:
            return
        change_state(dataset, "withdraw", now)
        dataset.withdraw_reason = why[:2000]
        dataset.modified_at, dataset.revision = now, dataset.revision + 1
        session.flush()
        revisions.keep(session, dataset, now, None, why)
        news.add(session, dataset, news.WITHDRAWN, now, dataset.revision, why)
        audit.record(session, now, ANONYMOUS, "dataset.withdraw", lookup.NOUN, dataset.id, dataset.organisation_id)
        events.append(session, now, "dataset.withdrawn", dataset=dataset.id)


def _gone(runs: int, url: str) -> str:
    ko, en = f"출처에서 사라졌습니다({runs}회 연속).", f"It is gone from its source ({runs} runs in a row):"
    return f"{ko} {en} {url}"


def _said(source: HarvestSource, one: Found) -> dict[str, Any]:
    """Metadata of the dataset. A language that the source has no words in shows those of the other."""
    return {
        "title_ko": one.title_ko or one.title_en,
        "title_en": one.title_en or one.title_ko,
        "description_ko": one.description_ko or one.description_en,
        "description_en": one.description_en or one.description_ko,
        "licence": words.licence(one.licence, one.licence_name).id,
        "theme": words.theme(one.themes, source.theme),
        "frequency": words.frequency(one.frequency),
        "keywords": list(one.keywords),
        "contact_name": one.contact_name,
        "contact_email": one.contact_email,
    }


def _free_slug(session: Session, one: Found, home: str) -> str:
    """By the end of its address at the source; what is taken gets parts of the organisation's slug and of a hash."""
    tail = one.identity.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    wanted = _NO_SLUG.sub("-", tail.lower()).strip("-")[:40].strip("-")
    mark = identity_hash(one.identity)[:8]
    stem = wanted if len(wanted) > 1 else f"{home[:40]}-{mark}"
    names = (stem, f"{home[:20]}-{stem}", *(f"{stem}-{mark}-{number}" for number in range(1, SLUGS_TRIED)))
    for name in names:
        slug = name[:SLUG_LENGTH].strip("-")
        if lookup.find(session, slug) is None:
            return slug
    raise Conflict(f"no slug like {stem} is free", code="slug_taken", field="slug", found=stem)
