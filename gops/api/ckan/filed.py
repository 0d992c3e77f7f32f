"""Rows of a file of a dataset as records: filtered, searched by words, in the order of any columns, in bounded memory.

``_id`` is the number of a row in its file, whatever is asked for. Whoever orders by columns has these read first, of
all rows that match, and then the rows of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gops.api.ckan import cells
from gops.api.ckan.asked import Asked
from gops.api.ckan.found import REACH, Rows, close, too_far
from gops.api.context import services
from gops.catalog.filed.stating import served
from gops.catalog.model import Dataset
from gops.catalog.querying.port import PLACE, Ask, Column, schema_of
from gops.catalog.querying.predicate import columns
from gops.catalog.querying.stored import StoredTable
from gops.errors import Invalid
from gops.permissions import ANONYMOUS, missing

NUMBER = PLACE[0]
SORTED_BYTES = 256 << 20  # of the columns that rows are ordered by
WORDS = 10  # in a search
_SORT = re.compile(r'\s*(?:"([^"]+)"|([^\s",]+))(?:\s+(asc|desc))?(?:\s+nulls\s+last)?\s*(?:,|$)', re.IGNORECASE)


@dataclass(frozen=True)
class Words:
    """``column`` None: each word stands in some column."""

    column: str | None
    words: tuple[str, ...]


def rows(dataset: Dataset, key: str, asked: Asked, part: tuple[int, int]) -> Rows:
    """Raises ``NotFound``, ``Invalid``, ``TooLarge``."""
    table = _table(dataset, key)
    shown = [cells.known(table.columns, one, "fields") for one in asked.names("fields") if one != "_id"]
    shown = shown or list(table.columns)
    words = _words(table.columns, asked)
    ask = Ask([one.name for one in shown], cells.conditions(table.columns, asked.mapping("filters")), placed=True)
    order = _order(table.columns, asked.text("sort"))
    if sum(part) > REACH:
        raise too_far("offset", part[0])
    if order in ([], [("_id", "ascending")], [("_id", "descending")]):
        found = _in_order(table, replace(ask, descending=order == [("_id", "descending")]), words, part)
    else:
        found = _sorted(table, ask, words, order, part)
    counted = _total(table, ask, words) if asked.flag("include_total", True) else {}
    numbers = [one + 1 for one in found[NUMBER].to_pylist()]
    return Rows(found.select([one.name for one in shown]), numbers, [cells.field(one) for one in shown], counted)


def _table(dataset: Dataset, key: str) -> StoredTable:
    """Of the file as it came, or of any of the forms that its rows are served in."""
    files = services().filed.list(ANONYMOUS, dataset.slug)[1]
    names = {f"{one.name}.{form}": one for one in files for form in served(one)} | {one.name: one for one in files}
    if key not in names:
        raise missing("resource with rows")
    table: StoredTable = services().filed.table(names[key])
    return table


def _words(columns: Sequence[Column], asked: Asked) -> list[Words]:
    """``q`` is text, or an object of text by field; every word has to be there."""
    given = asked.raw("q")
    given = given[0] if isinstance(given, list) and len(given) == 1 else given
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        said: dict[str | None, Any] = {None: given}
    else:
        said = dict(asked.mapping("q").items())
    found = []
    for name, text in said.items():
        if not isinstance(text, str) or len(text) > 200 or len(text.split()) > WORDS:
            expected = f"at most {WORDS} words in 200 characters"
            raise Invalid("not a fitting text", field="q", found=text, expected=expected)
        if name is not None:
            cells.known(columns, name, "q")
        if text.split():
            found.append(Words(name, tuple(text.split())))
    return found


def _order(columns: Sequence[Column], text: str) -> list[tuple[str, str]]:
    """``name, "other name" desc``. Raises ``Invalid``."""
    order, at = [], 0
    while at < len(text):
        one = _SORT.match(text, at)
        if one is None:
            raise Invalid("no order", field="sort", found=text, expected='fields with commas between: a, "b c" desc')
        name = one[1] or one[2]
        if name != "_id":
            cells.known(columns, name, "sort")
        order.append((name, "descending" if (one[3] or "").lower() == "desc" else "ascending"))
        at = one.end()
    return order


def _matching(table: StoredTable, ask: Ask, words: Sequence[Words]) -> Iterator[pa.RecordBatch]:
    """Batches of what is asked for, with the columns that ``words`` look at."""
    if not words:
        yield from table.scan(ask)
        return
    looked = [one.name for one in table.columns if _is_searched(one, words)]
    more = [name for name in looked if name not in ask.columns]
    for batch in table.scan(replace(ask, columns=[*ask.columns, *more], limit=None)):
        yield batch.filter(_has(batch, words, looked))


def _is_searched(column: Column, words: Sequence[Words]) -> bool:
    if any(one.column == column.name for one in words):
        return True
    kind = column.type
    return any(one.column is None for one in words) and (pa.types.is_string(kind) or pa.types.is_integer(kind))


def _has(batch: pa.RecordBatch, words: Sequence[Words], looked: Sequence[str]) -> pa.Array:
    texts = {name: batch[name].cast(pa.string()) for name in looked}
    met = pa.array([True] * batch.num_rows, pa.bool_())
    for one in words:
        places = [texts[one.column]] if one.column is not None else list(texts.values())
        for word in one.words:
            there = pa.array([False] * batch.num_rows, pa.bool_())
            for text in places:
                holds = pc.match_substring(text, word, ignore_case=True)
                there = pc.or_(there, pc.fill_null(holds, False))
            met = pc.and_(met, there)
    return met


def _in_order(table: StoredTable, ask: Ask, words: Sequence[Words], part: tuple[int, int]) -> pa.Table:
    """In the order of the file, or its reverse."""
    offset, limit = part
    if ask.where is None and not words:  # rows are passed over by their number
        count = table.at_most(ask, 0)
        after = count - offset if ask.descending else offset - 1
        ask = replace(ask, after=(after, 0), limit=limit)
        offset = 0
    found, at, schema = [], 0, schema_of(table, ask)
    batches = _matching(table, ask, words) if limit else iter(())
    for batch in batches:
        taken = batch.slice(max(0, offset - at), max(0, offset + limit - max(at, offset)))
        found.append(taken.select(schema.names))
        at += batch.num_rows
        if at >= offset + limit:
            break
    close(batches)
    return pa.Table.from_batches(found, schema) if found else schema.empty_table()


def _sorted(
    table: StoredTable, ask: Ask, words: Sequence[Words], order: Sequence[tuple[str, str]], part: tuple[int, int]
) -> pa.Table:
    """By columns; rows that are alike keep the order of the file."""
    offset, limit = part
    keys = list(dict.fromkeys(name for name, _ in order if name != "_id"))
    narrow = replace(ask, columns=keys)
    found, looked, size = [], 0, 0
    for batch in _matching(table, narrow, words):
        kept = batch.select([*keys, NUMBER])
        looked, size = looked + kept.num_rows, size + kept.nbytes
        if looked > REACH or size > SORTED_BYTES:
            raise too_far("sort", ", ".join(keys))
        found.append(kept)
    ways = [(NUMBER if name == "_id" else name, way) for name, way in order]
    if not found:
        return schema_of(table, ask).empty_table()
    ordered = pa.Table.from_batches(found).sort_by([*ways, (NUMBER, "ascending")])[NUMBER].slice(offset, limit)
    return _numbered(table, ask, ordered.combine_chunks())


def _numbered(table: StoredTable, ask: Ask, numbers: pa.Array) -> pa.Table:
    """The rows of these numbers, in their order."""
    schema = schema_of(table, ask)
    if not len(numbers):
        return schema.empty_table()
    first, last = pc.min(numbers).as_py(), pc.max(numbers).as_py()
    found = []
    batches = table.scan(replace(ask, where=None, after=(first - 1, 0), limit=last - first + 1))
    for batch in batches:
        found.append(batch.filter(pc.is_in(batch[NUMBER], numbers)))
    rows_of = pa.Table.from_batches(found, schema)
    return rows_of.take(pc.index_in(numbers, rows_of[NUMBER].combine_chunks()))


def _total(table: StoredTable, ask: Ask, words: Sequence[Words]) -> dict[str, Any]:
    """How many rows match; no more than ``REACH`` are counted where each has to be looked at."""
    if ask.where is None and not words:
        return {"total": table.at_most(ask, 0), "total_was_estimated": False}
    counted = 0
    narrow = replace(ask, columns=sorted(columns(ask.where)) if ask.where is not None else [])
    batches = _matching(table, narrow, words)
    for batch in batches:
        counted += batch.num_rows
        if counted >= REACH:
            break
    close(batches)
    return {"total": min(counted, REACH), "total_was_estimated": counted >= REACH}
