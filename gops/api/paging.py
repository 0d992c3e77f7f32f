"""Pages of records by id, and links to the next page (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import Schema, fields, validate

from gops.api.arguments import KEY_PARAMETER, refuse_limit_beyond
from gops.api.context import settings
from gops.api.fields import Strict
from gops.errors import Invalid
from gops.records.database import MAX_ID

Fetch = Callable[[int, int], Sequence[Any]]
"""``fetch(after, limit)``: records with ids above ``after``, in their order, at most ``limit``."""


class PageQuery(Strict):
    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, MAX_ID),
        metadata={"description": "id of the last record of the page before"},
    )
    limit = fields.Integer(validate=validate.Range(1), metadata={"description": "records in a page"})


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page of ``item``; one for each, since the document names it."""
    about = "address of the next page; null on the last one"
    return Strict.from_dict(
        {
            "items": fields.List(fields.Nested(item), metadata={"description": "in the order of their ids"}),
            "next": fields.String(allow_none=True, metadata={"description": about}),
        },
        name=item.__name__ + "Page",
    )


def page(query: dict[str, Any], fetch: Fetch) -> tuple[dict[str, Any], dict[str, str]]:
    """A page as body and headers. One record more than asked tells whether there is a next page."""
    limit = refuse_limit_beyond(query["limit"], settings().page_rows_max) if "limit" in query else settings().page_rows
    assert limit is not None
    rows = fetch(query["after"], limit + 1)
    following = next_address(after=rows[limit - 1].id) if len(rows) > limit else None
    return {"items": rows[:limit], "next": following}, link(following)


def next_address(**changed: Any) -> str:
    """The address asked for with some parameters changed. A key in it is left out: answers carry no secrets."""
    kept = {name: value for name, value in request.args.items() if name != KEY_PARAMETER}
    return f"{settings().base_url.rstrip('/')}{request.path}?{urlencode(kept | changed)}"


def link(following: str | None) -> dict[str, str]:
    return {"Link": f'<{following}>; rel="next"'} if following else {}


def refuse_beside(name: str, others: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` when parameters stand beside ``name`` that would mean nothing there."""
    for other in others:
        raise Invalid(f"{name} names all that is wanted", field=other, expected=f"{name} alone, or {other} without it")
