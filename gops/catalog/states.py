"""The life of a dataset: which states there are, and which moves lead from one to another.

::

    draft --publish--> published --withdraw--> withdrawn (a tombstone, for ever)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gops.catalog.model import Dataset
from gops.errors import Conflict

State = Literal["draft", "published", "withdrawn"]
Move = Literal["publish", "withdraw"]
DRAFT: State = "draft"
PUBLISHED: State = "published"
WITHDRAWN: State = "withdrawn"
MOVES: Mapping[tuple[State, Move], State] = {
    (DRAFT, "publish"): PUBLISHED,
    (PUBLISHED, "withdraw"): WITHDRAWN,
}


def after(state: str, move: Move) -> State:
    """Raises ``Conflict`` (``wrong_state``)."""
    for (start, known), end in MOVES.items():
        if (start, known) == (state, move):
            return end
    starts = sorted(start for start, known in MOVES if known == move)
    raise Conflict(
        f"a dataset that is {state} cannot be {'published' if move == 'publish' else 'withdrawn'}",
        code="wrong_state",
        field="state",
        found=state,
        expected="a dataset that is " + " or ".join(starts),
    )


def change_state(dataset: Dataset, move: Move, at: int) -> None:
    """The one place where a state changes. Raises ``Conflict``."""
    dataset.state = after(dataset.state, move)
    if dataset.state == PUBLISHED:
        dataset.published_at = at
    else:
        dataset.withdrawn_at = at
