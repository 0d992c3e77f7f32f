"""The text index: which datasets have all of some tokens. SQLite's FTS5 or an array index of PostgreSQL.

``search_text`` lies beside the other tables of the records, so that what is written to it is committed with them. It
knows tokens alone: no positions, no columns and no order of its own, which makes it small and both engines alike.
Tokens are ASCII-lower-case letters, digits and what is beyond ASCII (``words``), so FTS5's ``ascii`` tokenizer leaves
them whole, and nothing in them is a sign of its query language; they stand in quotes all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import text
from sqlalchemy.orm import Session

Ids = npt.NDArray[np.int64]


class TextIndex(Protocol):
    """The tokens of each dataset."""

    def put(self, session: Session, tokens: Sequence[tuple[int, list[str]]]) -> None:
        """Set the tokens of these datasets; what stood of them is gone. No tokens: not to be found."""

    def find(self, session: Session, groups: Sequence[Sequence[str]]) -> list[Ids]:
        """For each group the datasets that have all its tokens, in no order."""


def text_index(session: Session) -> TextIndex:
    return Fts5() if session.get_bind().dialect.name == "sqlite" else Arrays()


class Fts5:
    def put(self, session: Session, tokens: Sequence[tuple[int, list[str]]]) -> None:
        run = session.connection().exec_driver_sql
        run("DELETE FROM search_text WHERE rowid = ?", [(one,) for one, _ in tokens])
        rows = [(one, " ".join(words)) for one, words in tokens if words]
        if rows:
            run("INSERT INTO search_text (rowid, tokens) VALUES (?, ?)", rows)

    def find(self, session: Session, groups: Sequence[Sequence[str]]) -> list[Ids]:
        cursor = session.connection().connection.cursor()
        try:
            return [self._found(cursor, tokens) for tokens in groups]
        finally:
            cursor.close()

    def _found(self, cursor: Any, tokens: Sequence[str]) -> Ids:
        quoted = " AND ".join(f'"{token}"' for token in tokens)
        cursor.execute("SELECT group_concat(rowid) FROM search_text WHERE search_text MATCH ?", (quoted,))
        (listed,) = cursor.fetchone()  # as one text: a row each would take most of the time
        return np.fromstring(listed, np.int64, sep=",") if listed else np.zeros(0, np.int64)


class Arrays:
    def put(self, session: Session, tokens: Sequence[tuple[int, list[str]]]) -> None:
        session.execute(text("DELETE FROM search_text WHERE id = ANY(:ids)"), {"ids": [one for one, _ in tokens]})
        rows = [{"id": one, "tokens": words} for one, words in tokens if words]
        if rows:
            session.execute(text("INSERT INTO search_text (id, tokens) VALUES (:id, :tokens)"), rows)

    def find(self, session: Session, groups: Sequence[Sequence[str]]) -> list[Ids]:
        if not groups:
            return []
        one = "SELECT {0} AS place, array_agg(id) AS ids FROM search_text WHERE tokens @> CAST(:g{0} AS text[])"
        wanted = " UNION ALL ".join(one.format(place) for place in range(len(groups)))
        given = {f"g{place}": list(tokens) for place, tokens in enumerate(groups)}
        found = {row.place: row.ids for row in session.execute(text(wanted), given)}
        return [np.array(found[place] or [], np.int64) for place in range(len(groups))]
