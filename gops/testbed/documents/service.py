"""Documents of an application: taken while it is a draft, shown to whoever sees the application, never to all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Protocol, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.clock import Clock
from gops.errors import Conflict, Invalid, TooLarge
from gops.files.port import Files, StoredFile
from gops.permissions import Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id
from gops.sensors.texts import key
from gops.settings import Settings
from gops.testbed import consortium, details, judging, visibility
from gops.testbed.call_model import Document
from gops.testbed.checks import wrong
from gops.testbed.documents.scanning import scan
from gops.testbed.documents.types import media_type
from gops.testbed.model import Application, Call
from gops.testbed.timetable import state_at

PIECE = 1 << 18
IN_MEMORY = 1 << 20  # a larger body waits on the disk while it is looked at
OWNER = "documents"
NAME = re.compile(r"[^/\\:*?\"<>|]+")


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Offered:
    """What an upload says of itself. ``kind``: what it is for, such as one that the call asks for."""

    name: str
    kind: str
    declared: str


class Documents:
    """Files are looked at before they are kept, and belong to an application by a row of the records alone."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, files: Files) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._files = files

    def add(self, actor: Actor, application_id: int, offered: Offered, body: Source) -> Document:
        """Keep a file with a draft. Raises ``TooLarge``, ``Conflict`` (``too_many``), ``Invalid`` for what it is."""
        clean = Offered(_name(offered.name), key(offered.kind, "kind"), offered.declared)
        with self._database.read() as session:
            row = visibility.application(session, actor, application_id)
            require(actor, "application.write", row.organisation_id)
            self._refuse(session, row, 0)
        with SpooledTemporaryFile(max_size=IN_MEMORY) as spooled:
            looked_at = cast(BinaryIO, spooled)
            self._take(body, looked_at)
            kind = media_type(looked_at, clean.name, clean.declared)
            scanned = scan(looked_at, self._settings)
            kept = self._keep(looked_at)
        return self._enter(actor, application_id, clean, kind, kept, scanned=scanned)

    def remove(self, actor: Actor, application_id: int, document_id: int) -> None:
        """From a draft; the file goes when nothing refers to it."""
        with self._database.write() as session:
            row = visibility.application_to_change(session, actor, application_id)
            self._refuse_frozen(session, row)
            found = _document(session, row, document_id)
            session.delete(found)
            session.flush()
            self._changed(session, actor, row, "application.document_remove", found)

    def list(self, actor: Actor, application_id: int) -> Sequence[Document]:
        """None of them where they are confidential to the actor."""
        with self._database.read() as session:
            row = _seen(session, actor, application_id)
            if row is None:
                return ()
            query = select(Document).where(Document.application_id == row.id).order_by(Document.id)
            return session.scalars(query).all()

    def open(self, actor: Actor, application_id: int, document_id: int) -> tuple[Document, Callable[[], BinaryIO]]:
        """The document and how to open its file. Raises ``NotFound``; opening it ``Damaged``."""
        with self._database.read() as session:
            row = _seen(session, actor, application_id)
            if row is None:
                raise missing("document")
            found = _document(session, row, document_id)
        return found, partial(self._files.open, found.sha256)

    def references(self) -> set[str]:
        """The hashes of all files that are referred to."""
        with self._database.read() as session:
            return set(session.scalars(select(Document.sha256).distinct()))

    def _take(self, body: Source, into: BinaryIO) -> None:
        taken, most = 0, self._settings.document_bytes
        while piece := body.read(PIECE):
            taken += len(piece)
            if taken > most:
                raise TooLarge(f"the document has more than {most} bytes", code="document_too_large", field="body",
                               found=taken, expected=f"at most {most} bytes (GOPS_DOCUMENT_BYTES)")  # fmt: skip
            into.write(piece)
        if not taken:
            raise Invalid("the document is empty", code="empty_document", field="body", found=0,
                          expected="a file with something in it")  # fmt: skip

    def _keep(self, file: BinaryIO) -> StoredFile:
        draft = self._files.begin(OWNER, self._settings.document_bytes)
        try:
            file.seek(0)
            while piece := file.read(PIECE):
                draft.write(piece)
            return draft.keep()
        except BaseException:
            draft.discard()
            raise

    def _enter(
        self, actor: Actor, application_id: int, offered: Offered, kind: str, kept: StoredFile, *, scanned: bool
    ) -> Document:
        with self._database.write() as session:
            row = visibility.application_to_change(session, actor, application_id)
            self._refuse(session, row, kept.bytes)
            made = Document(
                application_id=row.id,
                person_id=actor.person_id,
                kind=offered.kind,
                name=offered.name,
                media_type=kind,
                bytes=kept.bytes,
                sha256=kept.sha256,
                scanned=scanned,
                created_at=self._clock.micros(),
            )
            session.add(made)
            session.flush()
            self._changed(session, actor, row, "application.document_add", made)
        return made

    def _refuse(self, session: Session, row: Application, more_bytes: int) -> None:
        self._refuse_frozen(session, row)
        query = select(func.count(), func.sum(Document.bytes)).where(Document.application_id == row.id)
        count, together = session.execute(query).one()
        most = self._settings.application_documents
        if count >= most:
            raise Conflict(f"application {row.id} has {count} documents", code="too_many", field="documents",
                           found=count + 1, expected=f"at most {most} (GOPS_APPLICATION_DOCUMENTS)")  # fmt: skip
        wanted, bound = int(together or 0) + more_bytes, self._settings.application_document_bytes
        if wanted > bound:
            raise TooLarge(f"the documents of application {row.id} have {wanted} bytes together",
                           code="documents_too_large", field="documents", found=wanted,
                           expected=f"at most {bound} bytes (GOPS_APPLICATION_DOCUMENT_BYTES)")  # fmt: skip

    def _refuse_frozen(self, session: Session, row: Application) -> None:
        call = session.get_one(Call, row.call_id)
        state = state_at(call, self._clock.micros())
        if state not in ("published", "open"):
            raise Conflict(f"the call {call.slug} is {state}", code="call_not_open", field="call", found=state,
                           expected="a call that is published or open")  # fmt: skip
        if row.state != "draft":
            raise Conflict(f"application {row.id} is {row.state}", code="not_a_draft", field="state", found=row.state,
                           expected="a draft; take it back first")  # fmt: skip

    def _changed(self, session: Session, actor: Actor, row: Application, action: str, document: Document) -> None:
        """What a call asks for may be there now, or not any more; the consortium has not seen it."""
        call = session.get_one(Call, row.call_id)
        row.verdicts = judging.verdicts(session, call, row, judging.places(session, call))
        consortium.ask_again(session, row)
        now = self._clock.micros()
        audit.record(session, now, actor, action, "application", row.id, row.organisation_id,
                     document=document.id, sha256=document.sha256)  # fmt: skip
        events.append(session, now, "application.changed", application=row.id)


def _seen(session: Session, actor: Actor, application_id: int) -> Application | None:
    """None where its documents are confidential to the actor. Raises ``NotFound``."""
    row = visibility.application(session, actor, application_id)
    hidden = "documents" in details.of(row.details)["confidential"]
    return None if hidden and not visibility.sees_confidential(session, actor, [row]) else row


def _document(session: Session, row: Application, document_id: int) -> Document:
    found = session.get(Document, document_id) if is_id(document_id) else None
    if found is None or found.application_id != row.id:
        raise missing("document")
    return found


def _name(given: str) -> str:
    clean = names.name(given, "name")
    if not NAME.fullmatch(clean) or clean.startswith("."):
        raise wrong("invalid_value", "name", given, "the name of a file, without folders")
    return clean
