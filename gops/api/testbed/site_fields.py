"""What a site has beside its place and capacity, in requests and answers; ``places.details`` checks it."""

from __future__ import annotations

from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.fields import Strict
from gops.api.testbed.fields import amounts
from gops.testbed.places.details import (
    BANDS_MAX,
    CONSENTS,
    DAYS,
    EQUIPMENT_MAX,
    EXEMPTIONS_MAX,
    MICRO_WEEKS,
    OPENING_MAX,
    TAGS_MAX,
    ZONES,
)


class Equipment(Strict):
    kind = own.text("one word, such as charger or forklift", 40, shortest=1, required=True)
    count = fields.Integer(strict=True, validate=validate.Range(1, 10_000), metadata={"description": "how many"})
    operator = fields.Boolean(metadata={"description": "true: somebody comes with it to run it"})
    note = own.text("more about it", 200)


Opening = Strict.from_dict(
    {
        "days": fields.List(own.choice("a day", DAYS), required=True, validate=validate.Length(1, 7)),
        "from": own.text("time of day, such as 09:00", 5, required=True),
        "until": own.text("time of day, up to 24:00", 5, required=True),
    },
    name="Opening",
)


class Micro(Strict):
    keep = amounts("what stays free in every week of a short slot")
    weeks = fields.Integer(
        strict=True, validate=validate.Range(*MICRO_WEEKS), metadata={"description": "the longest short slot, in weeks"}
    )


def _texts(description: str, most: int, longest: int) -> fields.List:
    row = own.text("one", longest, shortest=1)
    return fields.List(row, validate=validate.Length(max=most), metadata={"description": description})


class Details(Strict):
    zone = own.choice("a zone with rules of its own", ZONES)
    legal_basis = own.text("the law that makes it one", 500)
    exemptions = _texts("exemptions that can be had here", EXEMPTIONS_MAX, 200)
    local_rules = own.text("what holds here beside the law", 2000)
    consent = own.choice("whether who owns the place agrees", CONSENTS)
    consent_note = own.text("conditions of that", 500)
    tags = _texts("what it is good for, in single words", TAGS_MAX, 40)
    bands = _texts("radio bands that can be used here, such as b920", BANDS_MAX, 32)
    equipment = fields.List(fields.Nested(Equipment), validate=validate.Length(max=EQUIPMENT_MAX))
    opening = fields.List(
        fields.Nested(Opening), validate=validate.Length(max=OPENING_MAX), metadata={"description": "empty: always"}
    )
    micro = fields.Nested(Micro, allow_none=True, metadata={"description": "short slots outside of calls; null: none"})
