"""Files of a dataset: taken in, listed, read again, taken out; and the dictionary of their columns.

Each method raises ``NotFound`` for what the actor may not see, ``Gone`` for a withdrawn dataset, and
``Unauthenticated`` or ``Forbidden`` for a change of what the actor sees and may not change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Protocol, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.catalog import lookup as datasets
from gops.catalog.filed import dictionary, lookup
from gops.catalog.filed.bounds import Bounds, too_large, wrong_type
from gops.catalog.filed.columns import Column, columns_of
from gops.catalog.filed.dictionary import Said
from gops.catalog.filed.model import DatasetDictionary, DatasetFile
from gops.catalog.filed.taking import Taken, take
from gops.catalog.filed.telling import FileForm, tell
from gops.catalog.model import FILES, Dataset
from gops.catalog.querying.stored import StoredTable
from gops.catalog.states import PUBLIC, is_public
from gops.catalog.workflow import Workflow, refuse_in_review
from gops.clock import Clock
from gops.errors import Conflict, Invalid
from gops.files.port import Files, StoredFile
from gops.permissions import Actor, missing, require
from gops.records.database import Database, serialise
from gops.records.paging import page
from gops.settings import Settings

PIECE = 1 << 18
IN_MEMORY = 1 << 20  # a larger body waits on the disk while it is looked at
OWNER = "dataset-files"
NAME_LENGTH = 100
NAME = re.compile(r"(?!\.)[^/\\:*?\"<>|\x00-\x1f\x7f]{1,100}")


class Body(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FileView:
    """``slug`` is the present one of the dataset; ``is_new``: this upload made that state."""

    slug: str
    file: DatasetFile
    is_new: bool = False


class FiledDatasets(Workflow):
    def __init__(self, database: Database, clock: Clock, settings: Settings, files: Files) -> None:
        super().__init__(database, clock, settings)
        self._files = files

    def put(self, actor: Actor, slug: str, name: str, declared: str, body: Body) -> FileView:
        """Take a file in under ``name``: a first state, or another; equal bytes change nothing.

        ``declared`` is the media type that the upload says. Raises ``Invalid`` (``wrong_type``, ``bad_file``),
        ``TooLarge``, ``Conflict`` (``not_of_files``, ``in_review``, ``too_many``).
        """
        clean = checked_name(name)
        with self._database.read() as session:
            dataset = datasets.readable(session, actor, slug)
            require(actor, "dataset.publish", dataset.organisation_id)
            self._refuse(session, dataset)
            said = list(lookup.said(session, dataset.id, clean).values())
        with SpooledTemporaryFile(max_size=IN_MEMORY) as spooled:
            whole = cast(BinaryIO, spooled)
            self._receive(body, whole)
            form = tell(whole, clean, declared)
            taken, table = self._as_table(whole, form, said)
            kept = self._keep_file(whole)
        return self._enter(actor, slug, clean, form, (kept, table), taken)

    def remove(self, actor: Actor, slug: str, name: str) -> None:
        """Take a file out; its states stay to be cited. A public dataset keeps one at least (``empty_dataset``)."""
        with self._database.write() as session:
            dataset = self._changing(session, actor, slug)
            found = lookup.newest(session, dataset.id, name)
            if found is None or found.removed_at is not None:
                raise missing(lookup.NOUN)
            if is_public(dataset) and len(lookup.present(session, [dataset.id])[dataset.id]) == 1:
                raise empty(dataset.slug)
            found.removed_at = self._clock.micros()
            self._changed(session, actor, dataset, "dataset.file_remove", found)

    def owner(self, slug: str) -> Organisation:
        """Whose dataset it is, for the server's own shell. Raises ``NotFound``."""
        with self._database.read() as session:
            dataset = datasets.find(session, slug)
            if dataset is None:
                raise missing(datasets.NOUN)
            return session.get_one(Organisation, dataset.organisation_id)

    def list(self, actor: Actor, slug: str) -> tuple[str, Sequence[DatasetFile]]:
        """The present files by name, and the present slug."""
        with self._database.read() as session:
            dataset = self._readable(session, actor, slug)
            return dataset.slug, lookup.present(session, [dataset.id])[dataset.id]

    def states(
        self, actor: Actor, slug: str, name: str, after: int = 0, limit: int = 100
    ) -> tuple[str, Sequence[DatasetFile]]:
        """All states of a file, the oldest first."""
        with self._database.read() as session:
            dataset = self._readable(session, actor, slug)
            query = select(DatasetFile).where(DatasetFile.dataset_id == dataset.id, DatasetFile.name == name)
            rows = session.scalars(page(query, DatasetFile.id, after, limit)).all()
            if not rows and lookup.newest(session, dataset.id, name) is None:
                raise missing(lookup.NOUN)
            return dataset.slug, rows

    def get(
        self, actor: Actor, slug: str, name: str | None = None, number: int | None = None, at: int | None = None
    ) -> FileView:
        """A present file (None: the first), a state of it by its number, or that which it had ``at`` a time.

        Raises ``NotFound`` (``no_state``), ``Gone`` (``file_removed``).
        """
        with self._database.read() as session:
            dataset = self._readable(session, actor, slug)
            if at is not None:
                return FileView(dataset.slug, lookup.as_of(session, dataset.id, name, at))
            if number is not None:
                return FileView(dataset.slug, lookup.state(session, dataset.id, name or "", number))
            return FileView(dataset.slug, lookup.one(session, dataset.id, name))

    def opener(self, file: DatasetFile) -> Callable[[], BinaryIO]:
        """How what was handed in is opened; that raises ``Damaged``."""
        return partial(self._files.open, file.sha256)

    def table(self, file: DatasetFile) -> StoredTable:
        """The file as a table. Raises ``Damaged``."""
        with self._database.read() as session:
            said = lookup.said(session, file.dataset_id, file.name)
        units = {name: one.unit for name, one in said.items() if one.unit is not None}
        return StoredTable(partial(self._files.open, file.table_sha256), units)

    def columns(self, actor: Actor, slug: str, name: str | None = None) -> tuple[str, Sequence[Column]]:
        """The dictionary of a file (None: of the first), or of what a live dataset observes; and the present slug."""
        with self._database.read() as session:
            dataset = self._readable(session, actor, slug, any_kind=True)
            return dataset.slug, columns_of(session, dataset, name)

    def describe(
        self, actor: Actor, slug: str, name: str, columns: Sequence[Mapping[str, Any]]
    ) -> tuple[str, Sequence[Column]]:
        """Say anew what the columns of a file are; of one that is there, or of one still to come.

        A type, a code list and ``nullable: false`` are demanded of the next upload, not of what is there.
        Raises ``Invalid``, ``Conflict``.
        """
        clean = checked_name(name)
        with self._database.write() as session:
            dataset = self._changing(session, actor, slug)
            found = lookup.newest(session, dataset.id, clean)
            known = [] if found is None or found.removed_at is not None else [one["name"] for one in found.columns]
            said = dictionary.read(columns, known, self._settings.upload_columns)
            self._put_dictionary(session, dataset, clean, said)
            self._changed(session, actor, dataset, "dataset.describe_columns", found)
            shown = columns_of(session, dataset, clean) if known else ()
        return dataset.slug, shown

    def rows(self, datasets: Sequence[Dataset]) -> dict[int, int]:
        """Rows of the present files of those of these datasets that are of files, by id of the dataset."""
        ids = [one.id for one in datasets if one.kind == FILES]
        with self._database.read() as session:
            return {one: sum(row.rows for row in files) for one, files in lookup.present(session, ids).items()}

    def references(self) -> set[str]:
        """The hashes of all files that are referred to."""
        with self._database.read() as session:
            pairs = session.execute(select(DatasetFile.sha256, DatasetFile.table_sha256).distinct()).all()
        return {one for pair in pairs for one in pair}

    def _put_dictionary(self, session: Session, dataset: Dataset, name: str, said: Sequence[Said]) -> None:
        row = lookup.dictionary(session, dataset.id, name)
        if row is None:
            self._refuse_dictionaries(session, dataset)
            row = DatasetDictionary(dataset_id=dataset.id, name=name, columns=[], at=0)
            session.add(row)
        row.columns, row.at = [one.document() for one in said], self._clock.micros()
        session.flush()

    def _readable(self, session: Session, actor: Actor, slug: str, *, any_kind: bool = False) -> Dataset:
        dataset = datasets.readable(session, actor, slug)
        if dataset.state not in PUBLIC:
            require(actor, "observation.read_private", dataset.organisation_id)
        if not any_kind:
            refuse_other_kind(dataset)
        return dataset

    def _changing(self, session: Session, actor: Actor, slug: str) -> Dataset:
        serialise(session, datasets.NOUN)
        dataset = datasets.changeable(session, actor, slug)
        refuse_other_kind(dataset)
        refuse_in_review(dataset)
        self._keep_first(session, dataset)
        return dataset

    def _refuse(self, session: Session, dataset: Dataset) -> None:
        refuse_other_kind(dataset)
        refuse_in_review(dataset)
        self._refuse_more(session, dataset)

    def _refuse_more(self, session: Session, dataset: Dataset) -> None:
        own = DatasetFile.dataset_id == dataset.id
        count, most = session.scalar(select(func.count()).where(own)) or 0, self._settings.dataset_files
        if count >= most:
            raise Conflict(f"{dataset.slug} has {count} states of files", code="too_many", field="files",
                           found=count + 1, expected=f"at most {most} (GOPS_DATASET_FILES)")  # fmt: skip

    def _refuse_dictionaries(self, session: Session, dataset: Dataset) -> None:
        own = DatasetDictionary.dataset_id == dataset.id
        count, most = session.scalar(select(func.count()).where(own)) or 0, self._settings.dataset_files
        if count >= most:
            raise Conflict(f"{dataset.slug} describes {count} files", code="too_many", field="file",
                           found=count + 1, expected=f"at most {most} (GOPS_DATASET_FILES)")  # fmt: skip

    def _receive(self, body: Body, into: BinaryIO) -> None:
        taken, most = 0, self._settings.upload_bytes
        while piece := body.read(PIECE):
            taken += len(piece)
            if taken > most:
                too_large("bytes", taken, most, "GOPS_UPLOAD_BYTES")
            into.write(piece)
        if not taken:
            raise wrong_type("nothing", "a file with something in it")

    def _as_table(self, whole: BinaryIO, form: FileForm, said: Sequence[Said]) -> tuple[Taken, StoredFile]:
        bounds = Bounds.of(self._settings)
        draft = self._files.begin(OWNER, 2 * max(bounds.unpacked, bounds.bytes))
        try:
            taken = take(whole, form.key, said, bounds, draft)
            return taken, draft.keep()
        except BaseException:
            draft.discard()
            raise

    def _keep_file(self, whole: BinaryIO) -> StoredFile:
        draft = self._files.begin(OWNER, self._settings.upload_bytes)
        try:
            whole.seek(0)
            while piece := whole.read(PIECE):
                draft.write(piece)
            return draft.keep()
        except BaseException:
            draft.discard()
            raise

    def _enter(
        self, actor: Actor, slug: str, name: str, form: FileForm, kept: tuple[StoredFile, StoredFile], taken: Taken
    ) -> FileView:
        with self._database.write() as session:
            dataset = self._changing(session, actor, slug)
            self._refuse_more(session, dataset)
            last = lookup.newest(session, dataset.id, name)
            if last is not None and last.removed_at is None and last.sha256 == kept[0].sha256 and _same(last, taken):
                return FileView(dataset.slug, last)
            made = DatasetFile(
                dataset_id=dataset.id,
                name=name,
                number=1 if last is None else last.number + 1,
                form=form.key,
                sha256=kept[0].sha256,
                bytes=kept[0].bytes,
                table_sha256=kept[1].sha256,
                table_bytes=kept[1].bytes,
                rows=taken.rows,
                encoding=taken.encoding,
                columns=taken.columns,
                bbox=taken.bbox,
                at=self._clock.micros(),
                by=actor.person_id,
            )
            session.add(made)
            session.flush()
            self._changed(session, actor, dataset, "dataset.file_put", made)
        return FileView(dataset.slug, made, is_new=True)

    def _changed(self, session: Session, actor: Actor, dataset: Dataset, action: str, file: DatasetFile | None) -> None:
        self._touch(dataset)
        self._keep(session, actor, dataset)
        detail: dict[str, Any] = (
            {} if file is None else {"file": file.name, "number": file.number, "sha256": file.sha256}
        )
        self._note(session, actor, action, dataset, **detail)


def _same(last: DatasetFile, taken: Taken) -> bool:
    """The same bytes read under another dictionary make another table."""
    return [(one["name"], one["type"]) for one in last.columns] == [(one["name"], one["type"]) for one in taken.columns]


def checked_name(given: str) -> str:
    if not isinstance(given, str) or not NAME.fullmatch(given) or given != given.strip():
        expected = f'1 to {NAME_LENGTH} characters without / \\ : * ? " < > |, not beginning with a point'
        raise Invalid("that is no name of a file", field="name", found=str(given)[:NAME_LENGTH], expected=expected)
    return given


def refuse_other_kind(dataset: Dataset) -> None:
    if dataset.kind != FILES:
        message, expected = f"{dataset.slug} is {dataset.kind}; it has no files", "a dataset made with kind files"
        raise Conflict(message, code="not_of_files", field="kind", found=dataset.kind, expected=expected)


def empty(slug: str) -> Conflict:
    return Conflict(f"{slug} would have no files", code="empty_dataset", field="files", found=0,
                    expected="one file at least")  # fmt: skip
