"""An instance as a JSON document and back. The document is plain: whole numbers, names, lists and objects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gops.errors import Invalid
from gops.testbed.allocation.checking import check
from gops.testbed.allocation.instance import (
    NOTHING_MORE,
    Application,
    Band,
    Demands,
    Instance,
    Limit,
    Near,
    Share,
    Site,
    arranged,
)

Made = TypeVar("Made")
Document = dict[str, Any]
SHOWN = 80


def instance_document(instance: Instance) -> Document:
    """Keys as in ``Instance``; ``first_week`` is a date, YYYY-MM-DD; pairs of near sites are [first, second, cm].

    What an instance, a site or an application does not have is left out, not written as nothing.
    """
    more = {} if instance.demands == NOTHING_MORE else {"demands": demands_document(instance.demands)}
    return {
        **more,
        "applications": [application_document(row) for row in instance.applications],
        "bands": [{"id": row.id, "separation_cm": row.separation_cm} for row in instance.bands],
        "first_week": instance.first_week.isoformat(),
        "near": [[row.first, row.second, row.distance_cm] for row in instance.near],
        "resources": list(instance.resources),
        "shift_max": instance.shift_max,
        "sites": [_site_document(row) for row in instance.sites],
        "weeks": instance.weeks,
    }


def demands_document(demands: Demands) -> Document:
    return {
        "budget": demands.budget,
        "limits": [{"key": row.key, "kind": row.kind, "least": row.least, "most": row.most} for row in demands.limits],
        "shares": [{"by": row.by, "label": row.label, "places": row.places} for row in demands.shares],
    }


def _site_document(row: Site) -> Document:
    more = {} if row.municipality is None else {"municipality": row.municipality}
    return {**more, "capacity": [list(week) for week in row.capacity], "id": row.id}


def application_document(row: Application) -> Document:
    more = {key: getattr(row, key) for key in ("company", "cost", "group", "theme") if getattr(row, key)}
    if row.labels:
        more["labels"] = list(row.labels)
    return {
        **more,
        "band": row.band,
        "duration": row.duration,
        "first_start": row.first_start,
        "id": row.id,
        "last_start": row.last_start,
        "needs": list(row.needs),
        "scores": list(row.scores),
        "sites": list(row.sites),
    }


def read_instance(document: Any, place: str = "instance") -> Instance:
    """The checked instance of a document. Raises ``Invalid`` with the place of what is wrong."""
    reader = _Object(document, place)
    made = arranged(
        first_week=reader.date("first_week"),
        weeks=reader.take("weeks"),
        resources=reader.each("resources", _name),
        sites=reader.each("sites", _site),
        applications=reader.each("applications", _application),
        bands=reader.each("bands", _band) if "bands" in reader else (),
        near=reader.each("near", _near) if "near" in reader else (),
        shift_max=reader.take("shift_max") if "shift_max" in reader else 8,
        demands=_demands(reader.take("demands"), f"{place}.demands") if "demands" in reader else NOTHING_MORE,
    )
    reader.finish()
    return check(made)


class _Object:
    """A JSON object from which every key is taken once, and which has no others."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise _wrong(place, value, "an object")
        self._left = dict(value)
        self._place = place

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str) -> Any:
        if key not in self._left:
            raise _wrong(f"{self._place}.{key}", None, "a value; it is missing")
        return self._left.pop(key)

    def name(self, key: str) -> str:
        return _name(self.take(key), f"{self._place}.{key}")

    def name_or_none(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        return None if value is None else _name(value, f"{self._place}.{key}")

    def date(self, key: str) -> dt.date:
        text = self.take(key)
        try:
            return dt.date.fromisoformat(text)
        except (TypeError, ValueError):
            raise _wrong(f"{self._place}.{key}", text, "a date, YYYY-MM-DD") from None

    def each(self, key: str, read: Callable[[Any, str], Made]) -> tuple[Made, ...]:
        place = f"{self._place}.{key}"
        return tuple(read(item, f"{place}[{index}]") for index, item in enumerate(_list(self.take(key), place)))

    def finish(self) -> None:
        if self._left:
            raise _wrong(self._place, ", ".join(map(str, self._left)), "no other keys")


def _site(value: Any, place: str) -> Site:
    reader = _Object(value, place)
    capacity = reader.each("capacity", lambda week, where: tuple(_list(week, where)))
    site = Site(reader.name("id"), capacity, reader.name_or_none("municipality"))
    reader.finish()
    return site


def _demands(value: Any, place: str) -> Demands:
    reader = _Object(value, place)
    demands = Demands(
        reader.each("limits", _limit) if "limits" in reader else (),
        reader.each("shares", _share) if "shares" in reader else (),
        reader.take("budget") if "budget" in reader else None,
    )
    reader.finish()
    return demands


def _limit(value: Any, place: str) -> Limit:
    reader = _Object(value, place)
    kind: Any = reader.name("kind")
    least = reader.take("least") if "least" in reader else 0
    limit = Limit(kind, reader.name("key"), least, reader.take("most") if "most" in reader else None)
    reader.finish()
    return limit


def _share(value: Any, place: str) -> Share:
    reader = _Object(value, place)
    by: Any = reader.name("by") if "by" in reader else "score"
    share = Share(reader.name("label"), reader.take("places"), by)
    reader.finish()
    return share


def _band(value: Any, place: str) -> Band:
    reader = _Object(value, place)
    band = Band(reader.name("id"), reader.take("separation_cm"))
    reader.finish()
    return band


def _near(value: Any, place: str) -> Near:
    parts = _list(value, place)
    if len(parts) != 3:
        raise _wrong(place, len(parts), "two sites and their distance in centimetres")
    return Near(_name(parts[0], place), _name(parts[1], place), parts[2])


def _application(value: Any, place: str) -> Application:
    reader = _Object(value, place)
    application = Application(
        id=reader.name("id"),
        needs=reader.each("needs", lambda need, _: need),
        duration=reader.take("duration"),
        first_start=reader.take("first_start"),
        last_start=reader.take("last_start"),
        sites=reader.each("sites", _name),
        scores=reader.each("scores", lambda score, _: score),
        band=reader.name_or_none("band"),
        company=reader.name_or_none("company"),
        theme=reader.name_or_none("theme"),
        group=reader.name_or_none("group"),
        cost=reader.take("cost") if "cost" in reader else 0,
        labels=reader.each("labels", _name) if "labels" in reader else (),
    )
    reader.finish()
    return application


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(place, value, "a list")
    return value


def _name(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _wrong(place, value, "a name")
    return value


def _wrong(place: str, value: Any, expected: str) -> Invalid:
    found = ascii(value)[:SHOWN]
    return Invalid(f"{place} is {found}, expected {expected}", code="bad_instance", field=place, found=found,
                   expected=expected)  # fmt: skip
