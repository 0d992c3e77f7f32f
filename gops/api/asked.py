"""The words of a question for data, the same wherever readings are asked for (docs/data-api.md)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.ranges import RangeQuery, refuse
from gops.catalog.querying.forms import FORMS
from gops.catalog.querying.wide import ACROSS
from gops.errors import Invalid
from gops.formats.csv import CODINGS


def _columns(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise Invalid("not a list of columns", found=text, expected="names with commas between: time,thing,value")
    return tuple(dict.fromkeys(names))


class DataAsked(RangeQuery):
    """Which columns of which rows, in which shape, order and form."""

    columns = own.Parsed(
        _columns, "names with commas between: time,thing,value", "columns of the answer, in this order"
    )
    filter = fields.String(
        validate=validate.Length(1, 1000),
        metadata={
            "description": "rows that meet this condition, in CQL2 text: comparisons, BETWEEN, IN, LIKE, IS NULL, AND, "
            "OR, NOT; see docs/data-api.md",
            "example": "value > 35 AND property = 'pm10'",
        },
    )
    shape = own.choice("a row a reading, or a row a moment with columns across", ("long", "wide"), load_default="long")
    across = own.choice("what the columns of the wide shape are", ACROSS, load_default="property")
    every = own.every()
    aggregate = fields.String(
        validate=validate.Length(1, 200),
        metadata={"description": "aggregates with commas between; default by kind", "example": "mean,max"},
    )
    fill = fields.Boolean(load_default=False, metadata={"description": "give empty windows too, with nulls"})
    order = own.choice("of the rows, which are by Datastream, then time; in the wide shape by time", ("asc", "desc"))
    bom = fields.Boolean(metadata={"description": "begin CSV with a byte order mark, for spreadsheets"})
    encoding = own.choice("of CSV; a character that it lacks becomes a question mark", tuple(CODINGS))
    escape = fields.Boolean(
        metadata={
            "description": "put an apostrophe before text that a spreadsheet would take for a formula; default: in XLSX"
        }
    )
    quality = own.quality()
    limit = fields.Integer(validate=validate.Range(1), metadata={"description": "rows in a page"})
    cursor = own.text("where the page before ended; take the address in next or Link instead of making one", 100)
    format = own.choice("representation; otherwise the Accept header decides", tuple(FORMS))

    def agree(self, query: dict[str, Any]) -> None:
        if "every" not in query and ("aggregate" in query or query["fill"]):
            refuse("every", "aggregates are of windows; no length of windows is given", "every=1h, say", "required")
