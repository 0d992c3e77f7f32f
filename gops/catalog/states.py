"""The life of a dataset: which states there are, and which moves lead from one to another.

::

    draft --ask--> in_review --publish--> published --deprecate--> deprecated --withdraw--> withdrawn
      |  <--return--'                      ^  |  '<----publish--------'                       ^ (a tombstone, for ever)
      +-------------publish----------------+  +-------------------withdraw--------------------+

What is deprecated is served as before and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gops.catalog.model import HARVESTED, Dataset
from gops.errors import Conflict

State = Literal["draft", "in_review", "published", "deprecated", "withdrawn"]
Move = Literal["ask", "return", "publish", "deprecate", "withdraw"]
DRAFT: State = "draft"
IN_REVIEW: State = "in_review"
PUBLISHED: State = "published"
DEPRECATED: State = "deprecated"
WITHDRAWN: State = "withdrawn"
STATES: tuple[State, ...] = (DRAFT, IN_REVIEW, PUBLISHED, DEPRECATED, WITHDRAWN)
PUBLIC: tuple[State, ...] = (PUBLISHED, DEPRECATED)
"""Those in which everybody sees a dataset and its readings."""
MOVES: Mapping[tuple[State, Move], State] = {
    (DRAFT, "ask"): IN_REVIEW,
    (IN_REVIEW, "return"): DRAFT,
    (DRAFT, "publish"): PUBLISHED,
    (IN_REVIEW, "publish"): PUBLISHED,
    (DEPRECATED, "publish"): PUBLISHED,
    (PUBLISHED, "deprecate"): DEPRECATED,
    (PUBLISHED, "withdraw"): WITHDRAWN,
    (DEPRECATED, "withdraw"): WITHDRAWN,
}
_DONE: Mapping[Move, str] = {
    "ask": "handed in for review",
    "return": "returned",
    "publish": "published",
    "deprecate": "deprecated",
    "withdraw": "withdrawn",
}


def after(state: str, move: Move) -> State:
    """Raises ``Conflict`` (``wrong_state``)."""
    for (start, known), end in MOVES.items():
        if (start, known) == (state, move):
            return end
    starts = sorted(start for start, known in MOVES if known == move)
    raise Conflict(
        f"a dataset that is {state} cannot be {_DONE[move]}",
        code="wrong_state",
        field="state",
        found=state,
        expected="a dataset that is " + " or ".join(starts),
    )


def change_state(dataset: Dataset, move: Move, at: int) -> None:
    """The one place where a state changes. Raises ``Conflict``."""
    if move not in ("publish", "withdraw"):
        refuse_harvested(dataset)
    dataset.state = after(dataset.state, move)
    match dataset.state:
        case "published":  # again after it was deprecated: it was public all the time
            dataset.published_at = dataset.published_at or at
            dataset.deprecated_at = dataset.deprecate_reason = dataset.replaced_by = None
        case "in_review":
            dataset.review_asked_at = at
        case "deprecated":
            dataset.deprecated_at = at
        case "withdrawn":
            dataset.withdrawn_at = at


def refuse_harvested(dataset: Dataset) -> None:
    """What is said of it is changed where it is from."""
    if dataset.kind == HARVESTED:
        raise Conflict(
            f"{dataset.slug} is harvested; the next harvest would undo the change",
            code="harvested_dataset",
            field="kind",
            found=HARVESTED,
            expected="a change at its source, or to withdraw it",
        )


def is_public(dataset: Dataset) -> bool:
    return dataset.state in PUBLIC
