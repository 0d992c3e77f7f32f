"""Deadlines in Korean working days, and moments at which weeks begin and end."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, literal

from gops.clock import DAY, from_micros, to_micros
from gops.settings import Settings
from gops.testbed import weeks, workdays
from gops.testbed.model import Slot


def after_workdays(now: int, count: int, settings: Settings) -> int:
    """The end of the ``count``-th working day after the day of ``now``: the midnight that follows it, in GOPS_ZONE."""
    day = from_micros(now).astimezone(settings.zone).date()
    last = workdays.add(day, count, settings.closed_days)
    return to_micros(dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), settings.zone))


def begins_column(week: ColumnElement[Any], settings: Settings) -> ColumnElement[Any]:
    """When a week begins, in SQL; where the zone has summer time an hour off, so whoever acts on it looks again."""
    found: ColumnElement[Any] = literal(weeks.begins(0, settings.zone)) + week * (7 * DAY)
    return found


def begins(slot: Slot, settings: Settings) -> int:
    """The moment a slot's first week begins."""
    return weeks.begins(slot.first_week, settings.zone)


def ends(slot: Slot, settings: Settings) -> int:
    """The moment a slot's last week ends."""
    return weeks.begins(slot.end_week, settings.zone)
