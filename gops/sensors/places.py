"""Where a Thing was, and where it is: the row with the latest ``since``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Numeric,
    Select,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from gops.clock import from_micros
from gops.errors import Conflict, Invalid
from gops.geo import BBox, Point
from gops.sensors.exposure import rounded
from gops.sensors.model import Location, Thing
from gops.windows import EARLIEST


def newest(session: Session, thing_ids: Iterable[int]) -> dict[int, Location]:
    """Where these Things are, as far as they have a place."""
    return {row.thing_id: row for row in session.scalars(_newest(), {"things": list(thing_ids)})}


@cache
def _newest() -> Select[Location]:
    """Made once: to build it takes longer than to execute it."""
    return select(Location).where(Location.thing_id.in_(bindparam("things", expanding=True)), is_newest())


def coarse(row: Location, decimals: int | None) -> Location:
    """The row as others see it: its position rounded, without its name. A row of its own, of no session."""
    if decimals is None:
        return row
    longitude, latitude = rounded(row.longitude, decimals), rounded(row.latitude, decimals)
    words = {"thing_id": row.thing_id, "since": row.since, "name": ""}
    return Location(id=row.id, longitude=longitude, latitude=latitude, **words)


def is_within(box: BBox, home: int | None = None) -> ColumnElement[bool]:
    """Of Things: is the place where they are now in ``box``, its edges included?

    Things of others than the organisation ``home`` (None: of nobody else, see ``visibility.home_of``) are where others
    see them: a box must not tell more than an answer does.
    """
    exact = select(Location.thing_id).where(_inside(box, _exact), is_newest())
    if home is None:
        return Thing.id.in_(exact)
    is_rough = and_(_OWNER.place_decimals.is_not(None), _OWNER.organisation_id != home)
    plain = exact.where(~exists().where(_OWNER.id == Location.thing_id, is_rough))
    few = Location.thing_id.in_(select(_OTHER.id).where(_OTHER.place_decimals.is_not(None)))  # found by an index first
    rough = select(Location.thing_id).join(_OWNER, _OWNER.id == Location.thing_id)
    rough = rough.where(few, is_rough, _inside(box, _rounded), is_newest())
    return Thing.id.in_(union_all(plain, rough))


_OWNER, _OTHER = aliased(Thing), aliased(Thing)


def shown(degrees: Any, home: int) -> ColumnElement[float]:
    """A coordinate of a Location joined with its Thing, as who is of the organisation ``home`` sees it."""
    is_exact = or_(Thing.place_decimals.is_(None), Thing.organisation_id == home)
    rough = cast(func.round(cast(degrees, Numeric), Thing.place_decimals), Double)
    return case((is_exact, degrees), else_=rough)


def _exact(degrees: Any) -> Any:
    return degrees


def _rounded(degrees: Any) -> Any:
    return cast(func.round(cast(degrees, Numeric), _OWNER.place_decimals), Double)


def _inside(box: BBox, shown: Callable[[Any], Any]) -> ColumnElement[bool]:
    longitude = or_(*(shown(Location.longitude).between(low, high) for low, high in box.longitudes))
    return and_(longitude, shown(Location.latitude).between(box.south, box.north))


def is_newest() -> ColumnElement[bool]:
    """Of Locations: is this where its Thing is now?"""
    later = aliased(Location)
    return ~exists().where(and_(later.thing_id == Location.thing_id, later.since > Location.since))


def move(
    session: Session, thing: Thing, point: Point, name: str, since: int, now: int, most: int
) -> tuple[Location, bool]:
    """The row that says so, and whether anything changed.

    The same place again adds nothing; a place at the ``since`` of the newest row corrects that row. Raises ``Invalid``
    for a time ahead of ``now``, ``Conflict`` for one before the newest row's or beyond ``most`` rows.
    """
    _check_time(since, now)
    last = newest(session, [thing.id]).get(thing.id)
    if last is not None and since < last.since:
        raise Conflict(
            f"{thing.name} has been at another place since later than that",
            code="location_order",
            field="since",
            found=_written(since),
            expected=f"a time not before {_written(last.since)}",
        )
    if last is not None and (last.longitude, last.latitude) == (point.longitude, point.latitude):
        changed = last.name != name
        last.name = name
        return last, changed
    if last is not None and last.since == since:
        last.longitude, last.latitude, last.name = point.longitude, point.latitude, name
        return last, True
    return _append(session, thing, point, name, since, most), True


def _append(session: Session, thing: Thing, point: Point, name: str, since: int, most: int) -> Location:
    there = session.scalar(select(func.count()).where(Location.thing_id == thing.id)) or 0
    if there >= most:
        raise Conflict(
            f"{thing.name} has been at {there} places; the setting thing_locations allows {most}",
            code="too_many_locations",
            field="location",
            found=there,
            expected=f"at most {most} (GOPS_THING_LOCATIONS)",
        )
    row = Location(thing_id=thing.id, name=name, longitude=point.longitude, latitude=point.latitude, since=since)
    session.add(row)
    session.flush()
    return row


def _check_time(since: int, now: int) -> None:
    if isinstance(since, bool) or not isinstance(since, int) or not EARLIEST <= since <= now:
        raise Invalid(
            "a Thing is at a place since a moment that has passed",
            code="bad_since",
            field="since",
            found=since,
            expected=f"a time from {_written(EARLIEST)} to now, {_written(now)}",
        )


def _written(micros: int) -> str:
    return from_micros(micros).isoformat()
