"""Sites from files and into files. An import is idempotent by municipality and reference; one bad row stops none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from gops.accounts.lookup import organisation
from gops.errors import GopsError, Invalid, TooLarge
from gops.permissions import Actor, require
from gops.records.database import Database
from gops.settings import Settings
from gops.testbed import checks
from gops.testbed.model import Site
from gops.testbed.places import files
from gops.testbed.places.files import Form, Row
from gops.testbed.sites import Sites
from gops.testbed.visibility import sites_seen

AT_ONCE = 100
"""Rows in one commit: others wait that long for the write lock, about 0.2 s."""
TOLD = 100
PAGE = 500


@dataclass(frozen=True)
class Refused:
    place: str
    reference: str | None
    code: str
    field: str | None
    note: str


@dataclass
class Imported:
    """Counts of rows; the first ``TOLD`` that were ``refused`` with their reasons."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: list[Refused] = field(default_factory=list)


class _Undone(Exception):
    """Ends a trial: everything in the unit is taken back."""


class SiteFiles:
    def __init__(self, database: Database, settings: Settings, sites: Sites) -> None:
        self._database = database
        self._settings = settings
        self._sites = sites

    def take(
        self,
        actor: Actor,
        organisation_slug: str,
        form: Form,
        data: bytes,
        *,
        offer: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> Imported:
        """Make or change the sites of a file, a hundred rows a commit; ``offer``: new ones are offered at once.

        Raises ``Malformed``, ``TooLarge``, ``Forbidden``.
        """
        with self._database.read() as session:
            home = organisation(session, organisation_slug)
            require(actor, "site.change", home.id)
            known = {row.reference: row.id for row in session.execute(
                select(Site.reference, Site.id).where(Site.organisation_id == home.id, Site.reference.is_not(None))
            )}  # fmt: skip
        rows = files.read(form, data)
        most = self._settings.site_import_rows
        if len(rows) > most:
            raise TooLarge(f"the file has {len(rows)} sites", field="file", found=len(rows),
                           expected=f"at most {most} (GOPS_SITE_IMPORT_ROWS)")  # fmt: skip
        done = Imported()
        work = _Work(actor, home.slug, known, offer, done)
        for begin in range(0, len(rows), AT_ONCE):
            self._commit(work, rows[begin : begin + AT_ONCE], dry_run)
            progress(min(begin + AT_ONCE, len(rows)), len(rows))
        return done

    def write(self, actor: Actor, form: Form, organisation_slug: str | None = None) -> Iterator[bytes]:
        """The sites that the actor sees as a file, in pieces. Raises ``NotFound``."""
        query = select(Site).where(sites_seen(actor))
        with self._database.read() as session:
            if organisation_slug is not None:
                query = query.where(Site.organisation_id == organisation(session, organisation_slug).id)
            shown = query.with_only_columns(Site.capacity)
            resources = [*checks.RESOURCES]
            for capacity in session.scalars(shown if form == "csv" else shown.limit(0)):
                resources += [name for name in capacity if name not in resources]
        return files.write(form, self._pages(query), resources)

    def _pages(self, query: Any) -> Iterator[Sequence[Site]]:
        after = 0
        while True:
            with self._database.read() as session:
                page = session.scalars(query.where(Site.id > after).order_by(Site.id).limit(PAGE)).all()
            if not page:
                return
            after = page[-1].id
            yield page

    def _commit(self, work: _Work, rows: Sequence[Row], dry_run: bool) -> None:
        try:
            with self._database.together():
                for row in rows:
                    self._row(work, row)
                if dry_run:
                    raise _Undone
        except _Undone:
            return

    def _row(self, work: _Work, row: Row) -> None:
        try:
            if row.wrong is not None:
                raise row.wrong
            reference = checks.reference(row.fields.get("reference"))
            if reference in work.seen:
                raise Invalid("the reference is there twice", code="reference_taken", field="reference",
                              found=reference, expected="each once in a file")  # fmt: skip
            self._apply(work, reference, row.fields)
            work.seen.add(reference)
        except GopsError as error:
            work.refuse(row, error)

    def _apply(self, work: _Work, reference: str, fields: Mapping[str, Any]) -> None:
        site_id = work.known.get(reference)
        if site_id is None:
            missing = [name for name in ("name_ko", "name_en", "kind", "area", "capacity") if not fields.get(name)]
            if missing:
                raise Invalid(f"{missing[0]} is missing", code="required", field=missing[0], expected="a value")
            made = self._sites.create(work.actor, work.home, **{**fields, "reference": reference})
            if work.offer:
                self._sites.move(work.actor, made.id, "offered")
            work.done.created += 1
            return
        before = self._sites.get(work.actor, site_id).revision
        given = {name: value for name, value in fields.items() if value is not None and name != "reference"}
        after = self._sites.edit(work.actor, site_id, **given).revision
        work.done.changed += after != before
        work.done.unchanged += after == before


@dataclass
class _Work:
    actor: Actor
    home: str
    known: Mapping[str, int]
    offer: bool
    done: Imported
    seen: set[str] = field(default_factory=set)

    def refuse(self, row: Row, error: GopsError) -> None:
        self.done.refused += 1
        if len(self.done.refusals) < TOLD:
            reference = row.fields.get("reference")
            note = error.message + (f", expected {error.expected}" if error.expected else "")
            told = str(reference)[:100] if reference is not None else None
            self.done.refusals.append(Refused(row.place, told, error.code, error.field, note))
