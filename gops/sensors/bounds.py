"""Bounds on how many records there may be. Each is a setting, and the message at the bound names it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gops.errors import Conflict
from gops.records.database import serialise
from gops.settings import Settings


def refuse_more(
    session: Session, settings: Settings, setting: str, rows: ColumnElement[bool], owner: int = 0, more: int = 1
) -> None:
    """Raise ``Conflict`` when so many ``more`` of the ``rows`` of ``owner`` (an id) are more than the setting allows.

    Units that count the same wait for one another, so together they don't go beyond it either.
    """
    serialise(session, f"{setting} {owner}")
    refuse_count((session.scalar(select(func.count()).where(rows)) or 0) + more, setting, settings)


def refuse_count(wanted: int, setting: str, settings: Settings) -> None:
    """Raise ``Conflict`` when ``wanted`` is more than the setting allows."""
    most: int = getattr(settings, setting)
    if wanted > most:
        what = setting.replace("_", " ")
        raise Conflict(
            f"that would be {wanted} {what}; the setting {setting} allows {most}",
            code="too_many",
            field=setting,
            found=wanted,
            expected=f"at most {most} (GOPS_{setting.upper()})",
        )
