"""Tables of quotas and of use. None of them says who a person is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Micros


class QuotaUse(Base):
    """Requests of a day (ISO 8601, of GOPS_ZONE). ``who`` is ``key:{id}``, or ``net:`` and a hash of the network of
    who asks without a key, which nobody can lead back once the day's salt is gone."""

    __tablename__ = "quota_use"
    __table_args__ = ()
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    who: Mapped[str] = mapped_column(String(40), primary_key=True)
    requests: Mapped[Micros]


class QuotaSalt(Base):
    """What hashes of a day are made with; deleted the day after."""

    __tablename__ = "quota_salt"
    __table_args__ = ()
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    salt: Mapped[str] = mapped_column(String(64))


class UsageCount(Base):
    """Requests and rows of a day, by kind and dataset (0: of none)."""

    __tablename__ = "usage_count"
    __table_args__ = (Index(None, "dataset_id", "day"),)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    dataset_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    requests: Mapped[Micros]
    rows: Mapped[Micros]
