"""Every pair of states of every lifecycle, against tables written by hand from what the testbed is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gops.errors import Conflict
from gops.testbed.lifecycles import LIFECYCLES, SLOT, SLOTS_THAT_HOLD, Lifecycle, move

LEGAL = {
    "demand": """draft>open draft>closed open>merged open>taken_up open>closed taken_up>open taken_up>closed""",
    "site": "draft>offered draft>withdrawn offered>paused offered>withdrawn paused>offered paused>withdrawn",
    "call": """draft>published draft>cancelled published>open published>cancelled open>closed open>cancelled
        closed>scored closed>cancelled scored>allocated scored>cancelled allocated>final allocated>scored
        allocated>cancelled""",
    "application": """draft>submitted draft>withdrawn submitted>draft submitted>withdrawn submitted>eligible
        submitted>ineligible ineligible>eligible eligible>scored scored>offered scored>reserve scored>rejected
        reserve>offered reserve>rejected offered>accepted offered>declined offered>lapsed""",
    "member of a consortium": "asked>confirmed asked>declined confirmed>asked confirmed>declined",
    "round": """prepared>computed computed>verified computed>superseded verified>published verified>superseded
        published>final published>superseded""",
    "slot": """reserved>conditions reserved>cancelled conditions>ready conditions>cancelled ready>active
        ready>cancelled active>paused active>ended active>expired paused>active paused>ended paused>expired""",
    "offer": "open>accepted open>declined open>lapsed",
    "condition": "open>handed_in open>met handed_in>met handed_in>open met>open",
    "appeal": """filed>answered filed>panel filed>upheld answered>upheld answered>dismissed answered>panel
        panel>upheld panel>dismissed""",
    "cluster": "forming>active forming>closed active>forming active>closed",
    "review": "draft>submitted draft>removed submitted>removed removed>draft",
    "regulatory check": "requested>answered requested>presumed_none presumed_none>answered",
    "exemption": """requested>checking checking>granted checking>refused granted>extended granted>converted
        granted>revoked granted>expired extended>extended extended>converted extended>revoked extended>expired""",
    "run": """waiting>running waiting>cancelled running>done running>failed running>cancelled running>waiting""",
}
PAIRS = [(life, before, after) for life in LIFECYCLES for before in life.states for after in life.states]


@dataclass
class Row:
    state: str


@pytest.mark.parametrize(("life", "before", "after"), PAIRS, ids=lambda part: getattr(part, "noun", part))
def test_every_pair(life: Lifecycle, before: str, after: str) -> None:
    row = Row(before)
    if f"{before}>{after}" in LEGAL[life.noun].split():
        move(life, row, after)
        assert row.state == after
        return
    with pytest.raises(Conflict) as refused:
        move(life, row, after)
    assert (refused.value.code, refused.value.field, refused.value.found) == ("illegal_move", "state", before)
    assert row.state == before


@pytest.mark.parametrize("life", LIFECYCLES, ids=lambda life: life.noun)
def test_the_tables_speak_of_their_own_states_alone(life: Lifecycle) -> None:
    assert {after for following in life.moves.values() for after in following} <= set(life.states)
    assert set(LEGAL[life.noun].split()) == {
        f"{before}>{after}" for before, following in life.moves.items() for after in following
    }


@pytest.mark.parametrize("life", LIFECYCLES, ids=lambda life: life.noun)
def test_every_state_is_reached_from_the_first(life: Lifecycle) -> None:
    reached, waiting = set(), [life.states[0]]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += life.moves[state]
    assert reached == set(life.states)


def test_who_may_not_move_is_told_from_where_one_could() -> None:
    with pytest.raises(Conflict) as refused:
        move(SLOT, Row("ended"), "active")
    assert refused.value.expected == "a slot that is ready or paused"


def test_a_slot_that_is_over_holds_nothing() -> None:
    over = {state for state, following in SLOT.moves.items() if not following}
    assert over == set(SLOT.states) - set(SLOTS_THAT_HOLD)
