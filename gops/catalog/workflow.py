"""The way of a dataset from a draft to what everybody sees, and out of it again.

With the setting ``catalog_review`` a draft is published by being handed in for review (``ask_review``) and approved
by an owner of its organisation who is somebody else (``answer``); without, a publisher publishes it at once and may
still ask.

Each method raises ``NotFound`` for what the actor may not see, ``Gone`` for what was withdrawn, ``Unauthenticated`` or
``Forbidden``, and ``Conflict`` (``wrong_state``) for a move that does not lead from where the dataset is.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from gops.catalog import lookup, metadata, selection
from gops.catalog.exposing import expose, hide
from gops.catalog.filed.lookup import present
from gops.catalog.history import news, revisions
from gops.catalog.metadata import Incomplete
from gops.catalog.model import FILES, LIVE, Dataset
from gops.catalog.states import DEPRECATED, IN_REVIEW, Move, change_state, is_public
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database, serialise
from gops.sensors import texts
from gops.settings import Settings


class Workflow:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def ask_review(self, actor: Actor, slug: str, note: str = "") -> Dataset:
        """Hand a complete draft in. Raises ``Incomplete``, ``Conflict`` for an empty one."""
        words = texts.prose(note, "note")
        with self._database.write() as session:
            dataset = self._moving(session, actor, slug, "ask")
            refuse_unfit(session, dataset)
            dataset.review_asked_by, dataset.review_note = actor.person_id, words or None
            self._touch(dataset)
            self._note(session, actor, "dataset.ask_review", dataset)
        return dataset

    def answer(self, actor: Actor, slug: str, approve: bool, note: str = "") -> Dataset:
        """Approve what is in review, which publishes it, or return it as a draft with a note that says why.

        An owner approves; with the setting ``catalog_review`` not the one who asked (``Conflict``, ``same_person``).
        Whoever may publish returns, also what they handed in themselves.
        """
        words = texts.prose(note, "note") if approve else texts.reason(note, "note")
        with self._database.write() as session:
            if approve:
                dataset = lookup.changeable(session, actor, slug, "dataset.review")
                if dataset.state == IN_REVIEW and self._settings.catalog_review:
                    _refuse_same(actor, dataset)
                _refuse_unasked(dataset)
                self._publish(session, actor, dataset, words)
            else:
                dataset = self._moving(session, actor, slug, "return")
                self._touch(dataset)
                self._note(session, actor, "dataset.return", dataset)
            dataset.review_note = words or None
        return dataset

    def publish(self, actor: Actor, slug: str) -> Dataset:
        """Make a draft public, and its Datastreams with it, in one unit; or one that was deprecated current again.

        Raises ``Incomplete`` that names each missing part, ``Conflict`` for an empty or a published one, and, with the
        setting ``catalog_review``, for a draft (``review_required``).
        """
        with self._database.write() as session:
            serialise(session, lookup.NOUN)
            dataset = lookup.changeable(session, actor, slug)
            if self._settings.catalog_review and not is_public(dataset):
                raise _review_required(dataset)
            self._publish(session, actor, dataset)
        return dataset

    def deprecate(self, actor: Actor, slug: str, reason: str, replaced_by: str | None = None) -> Dataset:
        """Say that a published dataset should not be used any more, why, and which one instead. It is served as before.

        Raises ``Invalid`` (``unknown_dataset``) unless ``replaced_by`` names another public dataset.
        """
        why = texts.reason(reason)
        with self._database.write() as session:
            dataset = self._moving(session, actor, slug, "deprecate")
            dataset.deprecate_reason = why
            dataset.replaced_by = None if replaced_by is None else _successor(session, dataset, replaced_by)
            self._touch(dataset)
            self._keep(session, actor, dataset, tell=False)
            news.add(session, dataset, news.DEPRECATED, dataset.modified_at, dataset.revision, why)
            self._note(session, actor, "dataset.deprecate", dataset, kind="dataset.deprecated")
        return dataset

    def withdraw(self, actor: Actor, slug: str, reason: str) -> Dataset:
        """Leave a tombstone. Datastreams that are in no other public dataset are private from now on."""
        why = texts.reason(reason)
        with self._database.write() as session:
            dataset = self._moving(session, actor, slug, "withdraw")
            dataset.withdraw_reason = why
            hide(session, selection.members(session, dataset.id))
            self._touch(dataset)
            self._keep(session, actor, dataset, tell=False)
            news.add(session, dataset, news.WITHDRAWN, dataset.modified_at, dataset.revision, why)
            self._note(session, actor, "dataset.withdraw", dataset, kind="dataset.withdrawn")
        return dataset

    def _moving(self, session: Session, actor: Actor, slug: str, move: Move) -> Dataset:
        """The dataset, in the state to which ``move`` leads."""
        serialise(session, lookup.NOUN)
        dataset = lookup.changeable(session, actor, slug)
        self._keep_first(session, dataset)
        change_state(dataset, move, self._clock.micros())
        return dataset

    def _publish(self, session: Session, actor: Actor, dataset: Dataset, note: str = "") -> None:
        serialise(session, lookup.NOUN)
        self._keep_first(session, dataset)
        was_deprecated = dataset.state == DEPRECATED
        change_state(dataset, "publish", self._clock.micros())
        refuse_unfit(session, dataset)
        expose(session, selection.members(session, dataset.id))
        self._touch(dataset)
        self._keep(session, actor, dataset, note, tell=was_deprecated)
        if not was_deprecated:
            news.add(session, dataset, news.PUBLISHED, dataset.modified_at, dataset.revision)
        self._note(session, actor, "dataset.publish", dataset, kind="dataset.published")

    def _keep_first(self, session: Session, dataset: Dataset) -> None:
        """Before a change: what was said of one that is public from before there were revisions."""
        if is_public(dataset) and not revisions.has_any(session, dataset):
            revisions.keep(session, dataset, dataset.modified_at, None)

    def _keep(self, session: Session, actor: Actor, dataset: Dataset, note: str = "", *, tell: bool = True) -> None:
        """After a change: what is said now, once it was public, and news of it."""
        if dataset.published_at is None:
            return
        kept = revisions.keep(session, dataset, dataset.modified_at, actor.person_id, texts.prose(note, "note"))
        if kept and tell:
            news.add(session, dataset, news.REVISED, dataset.modified_at, dataset.revision, note)

    def _touch(self, dataset: Dataset) -> None:
        dataset.modified_at = self._clock.micros()
        dataset.revision += 1

    def _note(
        self, session: Session, actor: Actor, action: str, row: Dataset, kind: str = "dataset.changed", **detail: Any
    ) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, lookup.NOUN, row.id, row.organisation_id, **detail)
        events.append(session, now, kind, dataset=row.id)


def refuse_unfit(session: Session, dataset: Dataset) -> None:
    """Raise unless the dataset may be public: ``Incomplete``, ``Conflict`` (``empty_dataset``), ``Invalid``."""
    names = metadata.missing(dataset)
    if names:
        raise Incomplete(dataset.slug, names)
    if dataset.kind == LIVE:
        ids = selection.members(session, dataset.id)
        selection.refuse_empty(dataset.slug, ids)
        selection.listed(session, dataset.organisation_id, sorted(ids))
    if dataset.kind == FILES and not present(session, [dataset.id])[dataset.id]:
        raise Conflict(
            f"{dataset.slug} has no files",
            code="empty_dataset",
            field="files",
            found=0,
            expected="one file at least: PUT /files/{name}",
        )


def refuse_in_review(dataset: Dataset) -> None:
    if dataset.state == IN_REVIEW:
        raise Conflict(
            f"{dataset.slug} is in review; what is approved has to be what was handed in",
            code="in_review",
            field="state",
            found=dataset.state,
            expected="a dataset that was answered or returned: /review/answer",
        )


def _refuse_unasked(dataset: Dataset) -> None:
    if dataset.state != IN_REVIEW:
        raise Conflict(
            f"{dataset.slug} is {dataset.state}; only what is in review is approved",
            code="wrong_state",
            field="state",
            found=dataset.state,
            expected="a dataset that is in_review",
        )


def _refuse_same(actor: Actor, dataset: Dataset) -> None:
    if actor.person_id == dataset.review_asked_by:
        raise Conflict(
            "whoever handed a dataset in does not approve it",
            code="same_person",
            field="approve",
            expected="another owner of the organisation (GOPS_CATALOG_REVIEW)",
        )


def _review_required(dataset: Dataset) -> Conflict:
    return Conflict(
        f"{dataset.slug} is published by another person's approval",
        code="review_required",
        field="state",
        found=dataset.state,
        expected="POST /review, then the answer of an owner (GOPS_CATALOG_REVIEW)",
    )


def _successor(session: Session, dataset: Dataset, slug: str) -> str:
    found = lookup.find(session, slug)
    if found is None or found.id == dataset.id or not is_public(found):
        raise Invalid(
            "there is no such public dataset",
            code="unknown_dataset",
            field="replaced_by",
            found=slug,
            expected="the slug of another published dataset",
        )
    return found.slug
