"""Which refusals are meant: by id, by what makes a group of them alike, by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement

from gops.errors import Invalid
from gops.ingest.model import Refusal, RefusalCount
from gops.ingest.refused import CODES

MOST_IDS = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """All members that are given hold. ``device`` is an address; ``start <= at < end`` in microseconds."""

    ids: tuple[int, ...] = ()
    feed: str | None = None
    device: str | None = None
    code: str | None = None
    field: str | None = None
    start: int | None = None
    end: int | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Wanted:
        return cls(**{**document, "ids": tuple(document.get("ids", ()))})

    def document(self) -> dict[str, Any]:
        """What is given, as JSON."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return {**given, "ids": list(self.ids)} if self.ids else given

    def conditions(self, organisation_id: int, *, settled: bool | None = False) -> Sequence[ColumnElement[bool]]:
        """``settled``: those that a replay took in, or those that none did; None for both."""
        found: list[ColumnElement[bool]] = [Refusal.organisation_id == organisation_id]
        for column in (Refusal.feed, Refusal.device, Refusal.code, Refusal.field):
            value = getattr(self, column.key)
            if value is not None:
                found.append(column == value)
        if self.ids:
            found.append(Refusal.id.in_(self.ids))
        if self.start is not None:
            found.append(Refusal.at >= self.start)
        if self.end is not None:
            found.append(Refusal.at < self.end)
        if settled is not None:
            found.append(Refusal.settled_at.is_not(None) if settled else Refusal.settled_at.is_(None))
        return found

    def groups(self, organisation_id: int) -> Sequence[ColumnElement[bool]]:
        """The same of counts: of whole hours that begin in the time."""
        found: list[ColumnElement[bool]] = [RefusalCount.organisation_id == organisation_id]
        for column in (RefusalCount.feed, RefusalCount.device, RefusalCount.code, RefusalCount.field):
            value = getattr(self, column.key)
            if value is not None:
                found.append(column == value)
        if self.start is not None:
            found.append(RefusalCount.hour >= self.start)
        if self.end is not None:
            found.append(RefusalCount.hour < self.end)
        return found

    def check(self) -> None:
        """Raises ``Invalid``: ``unknown_code``, ``too_many_ids``."""
        if self.code is not None and self.code not in CODES:
            raise Invalid(
                f"there is no refusal code {self.code!r}",
                code="unknown_code",
                field="code",
                found=self.code,
                expected="one of " + ", ".join(CODES),
            )
        if len(self.ids) > MOST_IDS:
            raise Invalid(
                f"{len(self.ids)} refusals are too many to name at once",
                code="too_many_ids",
                field="ids",
                found=len(self.ids),
                expected=f"at most {MOST_IDS}, or a feed, a device, a code or a time",
            )
