"""States and legal moves of everything in the testbed that has them. ``move`` alone changes a state.

An ineligible application becomes eligible, and an allocated call scored again, where an appeal was upheld.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gops.errors import Conflict


class Stateful(Protocol):
    state: str


@dataclass(frozen=True)
class Lifecycle:
    """``moves``: from each state, those that may follow. The first state is that of a new one."""

    noun: str
    moves: Mapping[str, frozenset[str]]

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(self.moves)

    def check(self, state: str, wanted: str) -> None:
        """Raise ``Conflict`` (``illegal_move``) where ``wanted`` does not follow."""
        if wanted in self.moves[state]:
            return
        raise Conflict(
            f"a {self.noun} that is {state} cannot become {wanted}",
            code="illegal_move",
            field="state",
            found=state,
            expected=self._before(wanted),
        )

    def _before(self, wanted: str) -> str:
        before = [state for state, following in self.moves.items() if wanted in following]
        return f"a {self.noun} that is {' or '.join(before)}" if before else f"no {self.noun} becomes {wanted} again"


def _table(noun: str, **moves: str) -> Lifecycle:
    return Lifecycle(noun, {state: frozenset(following.split()) for state, following in moves.items()})


SITE = _table(
    "site",
    draft="offered withdrawn",
    offered="paused withdrawn",
    paused="offered withdrawn",
    withdrawn="",
)
CALL = _table(
    "call",
    draft="published cancelled",
    published="open cancelled",
    open="closed cancelled",
    closed="scored cancelled",
    scored="allocated cancelled",
    allocated="final scored cancelled",
    final="",
    cancelled="",
)
APPLICATION = _table(
    "application",
    draft="submitted withdrawn",
    submitted="draft eligible ineligible withdrawn",
    eligible="scored",
    ineligible="eligible",
    scored="offered reserve rejected",
    offered="accepted declined lapsed",
    reserve="offered rejected",
    rejected="",
    accepted="",
    declined="",
    lapsed="",
    withdrawn="",
)
ROUND = _table(
    "round",
    prepared="computed",
    computed="verified superseded",
    verified="published superseded",
    published="final superseded",
    final="",
    superseded="",
)
SLOT = _table(
    "slot",
    reserved="conditions cancelled",
    conditions="ready cancelled",
    ready="active cancelled",
    active="paused ended expired",
    paused="active ended expired",
    ended="",
    cancelled="",
    expired="",
)
DEMAND = _table(
    "demand",
    draft="open closed",
    open="merged taken_up closed",
    merged="",
    taken_up="open closed",
    closed="",
)
OFFER = _table(
    "offer",
    open="accepted declined lapsed",
    accepted="",
    declined="",
    lapsed="",
)
CONDITION = _table(
    "condition",
    open="handed_in met",
    handed_in="met open",
    met="open",
)
APPEAL = _table(
    "appeal",
    filed="answered panel upheld",
    answered="upheld dismissed panel",
    panel="upheld dismissed",
    upheld="",
    dismissed="",
)
CLUSTER = _table(
    "cluster",
    forming="active closed",
    active="forming closed",
    closed="",
)
MEMBER = _table(
    "member of a consortium",
    asked="confirmed declined",
    confirmed="asked declined",
    declined="",
)
REVIEW = _table(
    "review",
    draft="submitted removed",
    submitted="removed",
    removed="draft",
)
CHECK = _table(
    "regulatory check",
    requested="answered presumed_none",
    presumed_none="answered",
    answered="",
)
EXEMPTION = _table(
    "exemption",
    requested="checking",
    checking="granted refused",
    granted="extended converted revoked expired",
    extended="extended converted revoked expired",
    refused="",
    converted="",
    revoked="",
    expired="",
)
RUN = _table(
    "run",
    waiting="running cancelled",
    running="done failed cancelled waiting",
    done="",
    failed="",
    cancelled="",
)
LIFECYCLES = (DEMAND, SITE, CALL, APPLICATION, MEMBER, REVIEW, CHECK, EXEMPTION, ROUND, SLOT, OFFER, CONDITION, APPEAL,
              CLUSTER, RUN)  # fmt: skip
SLOTS_THAT_HOLD = ("reserved", "conditions", "ready", "active", "paused")
"""States in which a slot takes capacity from its site."""


def move(lifecycle: Lifecycle, row: Stateful, wanted: str) -> None:
    """Change the state of a row. Raises ``Conflict`` (``illegal_move``)."""
    lifecycle.check(row.state, wanted)
    row.state = wanted
