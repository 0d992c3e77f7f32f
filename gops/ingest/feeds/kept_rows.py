"""Rows of a portal's pages in which something was refused, each kept by itself, without the feed's key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from gops.ingest.feeds.answers import Page
from gops.outbound.masking import mask

TOPIC_CHARACTERS = 500
_INDEX = re.compile(r"[a-z]+\[(\d{1,9})\]").match


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row as the source gave it. ``made`` is the moment that its page said it is of, in microseconds."""

    row: Mapping[str, Any]
    query: str
    made: int | None


def row_of(page: Page, place: str, secret: str) -> bytes | None:
    """The row that ``place`` (``rows[3].pm10``) names, as JSON; None for what is no row of the page."""
    found = _INDEX(place)
    if found is None or int(found[1]) >= len(page.rows):
        return None
    row = json.dumps(page.rows[int(found[1])], ensure_ascii=False, default=str)
    return mask(row, (secret,) if secret else ()).encode(errors="backslashreplace")


def topic_of(url: str, query: str, made: int | None) -> str:
    """The page's address, cut where it is long, with what it takes to read a row of it again."""
    said = {"query": query} | ({} if made is None else {"made": str(made)})
    behind = f"#row&{urlencode(said, quote_via=quote)}"
    return url[: max(0, TOPIC_CHARACTERS - len(behind))] + behind


def read(topic: str, raw: bytes) -> KeptRow | None:
    """None for what is no kept row."""
    _url, mark, behind = topic.rpartition("#row&")
    said = dict(parse_qsl(behind, keep_blank_values=True))
    made = said.get("made", "")
    try:
        row = json.loads(raw) if mark and "query" in said and len(topic) <= TOPIC_CHARACTERS else None
    except ValueError:
        return None
    if not isinstance(row, dict):
        return None
    return KeptRow(row, said["query"], int(made) if made.isascii() and made.isdigit() else None)
