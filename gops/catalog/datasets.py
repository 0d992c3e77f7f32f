"""Datasets: described and selected; ``workflow`` publishes and withdraws them.

Each method raises ``NotFound`` for what the actor may not see, ``Gone`` for what was withdrawn, and ``Unauthenticated``
or ``Forbidden`` for a change of what the actor sees and may not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gops.accounts import checks
from gops.accounts.lookup import organisation
from gops.accounts.model import FormerSlug
from gops.catalog import lookup, metadata, selection, terms
from gops.catalog.exposing import expose, hide, refresh
from gops.catalog.feeds import FeedOf
from gops.catalog.metadata import Metadata
from gops.catalog.model import FILES, LIVE, Dataset
from gops.catalog.selection import Rule
from gops.catalog.states import DRAFT, is_public, refuse_harvested
from gops.catalog.terms import TERMS
from gops.catalog.workflow import Workflow, refuse_in_review, refuse_unfit
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.permissions import Actor, require
from gops.records.database import Database, flush_unique, serialise
from gops.records.paging import page
from gops.sensors.bounds import refuse_more
from gops.settings import Settings

OWN_NAMES = ("slug", "datastreams", "rule", "follow", "snapshot_every")
NEVER, MONTHLY = "none", "1mo"
SNAPSHOT_EVERY = (NEVER, MONTHLY)


class Datasets(Workflow):
    """``feed_of`` finds the pulled feeds that a rule may name."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, feed_of: FeedOf) -> None:
        super().__init__(database, clock, settings)
        self._feed_of = feed_of

    def create(
        self,
        actor: Actor,
        home: str,
        slug: str,
        *,
        datastreams: Sequence[int] | None = None,
        rule: Mapping[str, Any] | None = None,
        follow: bool = False,
        snapshot_every: str | None = None,
        kind: str = LIVE,
        described: Metadata | None = None,
    ) -> Dataset:
        """A draft of the organisation with the slug ``home``: of a list of Datastreams, by a rule, or of ``files``.

        ``snapshot_every`` (one of ``SNAPSHOT_EVERY``; monthly) says how often it is frozen once it is published. Whom
        to ask is the organisation, where nobody else is named.

        Raises ``Invalid``, and ``Conflict`` when the slug is or was another's.
        """
        words = _described(described or {})
        with self._database.write() as session:
            owner = organisation(session, home)
            require(actor, "dataset.publish", owner.id)
            made = checks.one_of(kind, (LIVE, FILES), "kind")
            words.setdefault("contact_name", owner.name_ko)
            dataset = new_draft(self._clock.micros(), owner.id, checks.slug(slug), made, **words)
            self._add(session, dataset)
            given: dict[str, Any] = {
                "datastreams": datastreams,
                "rule": rule,
                "follow": follow or None,
                "snapshot_every": snapshot_every,
            }
            change = {name: value for name, value in given.items() if value is not None}
            _refuse_of_live(dataset, change | words)
            dataset.snapshot_every = _every(change.get("snapshot_every", NEVER if kind == FILES else MONTHLY))
            self._select(session, dataset, change)
            self._note(session, actor, "dataset.create", dataset, slug=dataset.slug)
        return dataset

    def edit(self, actor: Actor, slug: str, changes: Mapping[str, Any], note: str = "") -> Dataset:
        """Change what is given: metadata, terms, ``slug``, ``datastreams`` or ``rule``, ``follow``, ``snapshot_every``.

        A public dataset stays complete (``Incomplete``) and is never empty (``Conflict``). What is said of it is kept
        as a revision, with a ``note`` on the change. One that is in review is not changed (``in_review``).
        """
        words = _described(changes)
        with self._database.write() as session:
            serialise(session, lookup.NOUN)
            dataset = lookup.changeable(session, actor, slug)
            refuse_in_review(dataset)
            refuse_harvested(dataset)
            _refuse_of_live(dataset, changes)
            self._keep_first(session, dataset)
            if "slug" in changes:
                _move(session, dataset, checks.slug(changes["slug"]))
            changed = [name for name, value in words.items() if getattr(dataset, name) != value]
            changed += sorted(changes.keys() & set(OWN_NAMES))
            if not changed:
                return dataset
            for name in words:
                setattr(dataset, name, words[name])
            if "snapshot_every" in changes:
                dataset.snapshot_every = _every(changes["snapshot_every"])
            self._select(session, dataset, changes)
            if is_public(dataset):
                refuse_unfit(session, dataset)
                if words.keys() & set(TERMS):
                    refresh(session, selection.members(session, dataset.id))
            flush_unique(session, _taken(dataset.slug))
            self._touch(dataset)
            self._keep(session, actor, dataset, note)
            self._note(session, actor, "dataset.edit", dataset, changed=sorted(changed))
        return dataset

    def find(self, actor: Actor, slug: str) -> tuple[Dataset, bool]:
        """The dataset, and whether ``slug`` is a former one of it."""
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
        return dataset, dataset.slug != slug

    def get(self, actor: Actor, slug: str) -> Dataset:
        return self.find(actor, slug)[0]

    def list(
        self,
        actor: Actor,
        home: str | None = None,
        state: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[Dataset]:
        """Published datasets, and those of the actor's own organisation in any state."""
        query = select(Dataset).where(lookup.visible(actor))
        with self._database.read() as session:
            if home is not None:
                query = query.where(Dataset.organisation_id == organisation(session, home).id)
            if state is not None:
                query = query.where(Dataset.state == state)
            return session.scalars(page(query, Dataset.id, after, limit)).all()

    def _add(self, session: Session, dataset: Dataset) -> None:
        serialise(session, lookup.NOUN)
        own = Dataset.organisation_id == dataset.organisation_id
        refuse_more(session, self._settings, "organisation_datasets", own, dataset.organisation_id)
        refuse_former(session, dataset.slug)
        session.add(dataset)
        flush_unique(session, _taken(dataset.slug))

    def _select(self, session: Session, dataset: Dataset, changes: Mapping[str, Any]) -> None:
        """Take over a list or a rule, and whether to follow it."""
        ids, given = changes.get("datastreams"), changes.get("rule")
        if ids is not None and given is not None:
            expected = "datastreams or rule"
            raise Invalid("a dataset has a list or a rule", code="list_and_rule", field="rule", expected=expected)
        owner = dataset.organisation_id
        if ids is not None:
            dataset.rule, dataset.follow = None, False
            self._put(session, dataset, selection.listed(session, owner, ids))
        if given is not None:
            dataset.rule = selection.read_rule(session, owner, given, self._feed_of).document()
        if changes.get("follow") is not None:
            dataset.follow = bool(changes["follow"])
        if dataset.follow and dataset.rule is None:
            expected = "a rule; a list has nothing to follow"
            raise Invalid("only a rule can be followed", code="no_rule", field="follow", found=True, expected=expected)
        if given is not None and dataset.rule is not None:
            self._put(session, dataset, selection.matching(session, owner, Rule.of(dataset.rule)))

    def _put(self, session: Session, dataset: Dataset, wanted: set[int]) -> None:
        added, gone = selection.put(session, self._settings, dataset, wanted)
        if is_public(dataset):
            expose(session, added)
            hide(session, gone)


def new_draft(at: int, organisation_id: int, slug: str, kind: str = LIVE, **words: Any) -> Dataset:
    """A draft with nothing in it; ``words`` are clean metadata."""
    empty: dict[str, Any] = {name: [] if name == "keywords" else "" for name in metadata.CHECKS}
    return Dataset(
        organisation_id=organisation_id,
        slug=slug,
        kind=kind,
        state=DRAFT,
        follow=False,
        snapshot_every=MONTHLY if kind == LIVE else None,
        revision=1,
        created_at=at,
        modified_at=at,
        **(empty | words),
    )


def _described(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata and terms among ``changes`` as they are kept. Raises ``Invalid``."""
    said = {name: value for name, value in changes.items() if name not in (*OWN_NAMES, *TERMS)}
    return metadata.clean(said) | terms.clean(changes)


def _refuse_of_live(dataset: Dataset, changes: Mapping[str, Any]) -> None:
    """What says how readings are chosen, held back and frozen says nothing of files."""
    if dataset.kind == LIVE:
        return
    for name in (*(one for one in OWN_NAMES if one != "slug"), *TERMS):
        if changes.get(name) not in (None, False, 0, NEVER):
            raise Invalid(
                f"{name} is of live datasets; {dataset.slug} is of {dataset.kind}",
                code="of_live_datasets",
                field=name,
                found=changes[name] if isinstance(changes[name], str | int) else name,
                expected=f"no {name}",
            )


def _every(word: str) -> str | None:
    return None if checks.one_of(word, SNAPSHOT_EVERY, "snapshot_every") == NEVER else word


def refuse_former(session: Session, slug: str) -> None:
    former = select(FormerSlug.id).where(FormerSlug.noun == lookup.NOUN, FormerSlug.slug == slug)
    if session.scalar(former) is not None:
        raise _taken(slug)


def _move(session: Session, dataset: Dataset, slug: str) -> None:
    """Give a dataset another slug; the one that it leaves leads to it and is never another's."""
    if slug == dataset.slug:
        return
    noun = FormerSlug.noun == lookup.NOUN
    own = delete(FormerSlug).where(noun, FormerSlug.slug == slug, FormerSlug.record_id == dataset.id)
    session.execute(own)
    refuse_former(session, slug)
    session.add(FormerSlug(noun=lookup.NOUN, slug=dataset.slug, record_id=dataset.id))
    dataset.slug = slug


def _taken(slug: str) -> Conflict:
    return Conflict(
        f"there is or was a dataset {slug} already",
        code="slug_taken",
        field="slug",
        found=slug,
        expected="a slug that no dataset has or had",
    )
