"""Tables of the search; the text index itself (``search_text``) is the engine's own (``text_index``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, BigId, Micros, OptionalMicros


class SearchEntry(Base):
    """What facets, filters and orders ask of a dataset that can be found, or could once (``listed`` is false).

    ``changed`` grows with every write of any entry, so that a reader's copy is brought up to date by what is above it.
    ``version`` is that of the rules by which it was made, ``digest`` stands for all that it was made of.
    ``first`` and ``last``: of its readings, microseconds; no ``last`` where new ones come in.
    """

    __tablename__ = "search_entry"
    __table_args__ = (Index("ix_search_entry_changed", "changed"),)
    dataset_id: Mapped[int] = mapped_column(BigId, ForeignKey("dataset.id"), primary_key=True, autoincrement=False)
    version: Mapped[int]
    changed: Mapped[Micros]
    listed: Mapped[bool]
    digest: Mapped[str] = mapped_column(String(32))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    modified: Mapped[Micros]
    first: Mapped[OptionalMicros]
    last: Mapped[OptionalMicros]
