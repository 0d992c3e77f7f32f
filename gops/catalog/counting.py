"""What there is of each word over all public datasets, read from a few columns of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.catalog.model import Dataset
from gops.catalog.states import PUBLIC


@dataclass(frozen=True, slots=True)
class Counts:
    """``slugs`` in their own order; how many datasets each organisation (by id), theme and keyword has."""

    slugs: tuple[str, ...]
    organisations: Mapping[int, int]
    themes: Mapping[str, int]
    keywords: Mapping[str, int]


def count(session: Session) -> Counts:
    columns = select(Dataset.slug, Dataset.organisation_id, Dataset.theme, Dataset.keywords)
    rows = session.execute(columns.where(Dataset.state.in_(PUBLIC)).order_by(Dataset.slug)).all()
    return Counts(
        tuple(slug for slug, *_rest in rows),
        Counter(home for _slug, home, _theme, _words in rows),
        Counter(theme for _slug, _home, theme, _words in rows),
        Counter(word for *_rest, words in rows for word in words),
    )
