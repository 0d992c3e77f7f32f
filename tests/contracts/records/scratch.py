"""A table of tests alone, apart from the records' own."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gops.records.database import Database


class ScratchBase(DeclarativeBase):
    pass


class Stock(ScratchBase):
    """Something of which there is so much and no more."""

    __tablename__ = "scratch_stock"
    id: Mapped[int] = mapped_column(primary_key=True)
    left: Mapped[int]


def prepare(database: Database, left: int = 0) -> None:
    ScratchBase.metadata.create_all(database.engine)
    with database.write() as session:
        session.add(Stock(id=1, left=left))


def guarded() -> Select[Stock]:
    """The row, locked until the unit ends (on SQLite the whole unit is)."""
    return select(Stock).where(Stock.id == 1).with_for_update()


def left(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(Stock.left)).one()
