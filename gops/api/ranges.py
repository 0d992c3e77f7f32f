"""Ranges of time in queries: ``from``, ``to`` and the zone they are read in."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load

from gops.api import fields as own
from gops.api.context import settings
from gops.api.expectations import Said
from gops.api.fields import Strict
from gops.api.times import EXPECTED, parse_time
from gops.errors import Invalid


def _time(name: str, about: str) -> fields.String:
    about += "; a date or a time without offset is on the clock of zone"
    return fields.String(data_key=name, load_default=None, metadata={"description": about, "expected": EXPECTED})


class RangeQuery(Strict):
    """Loads ``start`` and ``end`` as microseconds or None, and ``zone`` as a zone."""

    start = _time("from", "first moment of the half-open range [from, to)")
    end = _time("to", "end of the range, not in it")
    zone = own.zone()

    @post_load
    def read_times(self, query: dict[str, Any], **_: Any) -> dict[str, Any]:
        zone = query.setdefault("zone", settings().zone)
        wrong: dict[str, list[str]] = {}
        for name, field in (("start", "from"), ("end", "to")):
            try:
                query[name] = None if query[name] is None else parse_time(query[name], zone, field)
            except Invalid as error:
                wrong[field] = [Said.of(error)]
        if wrong:
            raise ValidationError(wrong)
        if query["start"] is not None and query["end"] is not None and query["start"] > query["end"]:
            refuse("from", "the range ends before it starts", "a time not after to", "range_reversed")
        self.agree(query)
        return query

    def agree(self, query: dict[str, Any]) -> None:
        """Refuse parameters that contradict each other."""


def refuse(field: str, message: str, expected: str, code: str = "invalid_value") -> None:
    """Raise a wrong value of ``field`` from a schema's hook."""
    raise ValidationError({field: [Said.of(Invalid(message, code=code, field=field, expected=expected))]})
