"""What is said of a dataset: which words are taken, and what is missing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gops.catalog import metadata
from gops.catalog.model import Dataset
from gops.catalog.states import MOVES, Move, State, after, change_state
from gops.errors import Conflict, Invalid
from tests.unit.catalog.conftest import COMPLETE


def described(**words: Any) -> Any:
    return SimpleNamespace(**(COMPLETE | dict.fromkeys(metadata.WITH_PEOPLE, "") | words))


def test_a_complete_dataset_lacks_nothing() -> None:
    assert metadata.missing(described()) == ()


@pytest.mark.parametrize("name", metadata.MANDATORY)
def test_each_part_that_is_missing_is_named(name: str) -> None:
    assert metadata.missing(described(**{name: [] if name == "keywords" else ""})) == (name,)


def test_everything_that_is_missing_is_named_at_once() -> None:
    nothing = dict.fromkeys(metadata.CHECKS, "")
    assert metadata.missing(described(**nothing)) == metadata.MANDATORY


@pytest.mark.parametrize("kind", ["aggregated", "pseudonymous"])
def test_personal_data_need_their_basis_and_who_reviewed_them_when(kind: str) -> None:
    assert metadata.missing(described(personal_data=kind)) == metadata.WITH_PEOPLE
    basis = {"personal_data_basis": "PIPA 28-2", "personal_data_reviewer": "개인정보보호책임자"}
    assert metadata.missing(described(personal_data=kind, **basis)) == ("personal_data_reviewed",)
    assert metadata.missing(described(personal_data=kind, **basis, personal_data_reviewed="2026-04-01")) == ()


def test_words_are_kept_clean() -> None:
    given = {"title_ko": "  제목 ", "keywords": ["a", " a ", "", "b"], "contact_email": "Data@Suwon.example"}
    assert metadata.clean(given) == {"title_ko": "제목", "keywords": ["a", "b"], "contact_email": "data@suwon.example"}


def test_an_empty_text_takes_away_what_stood() -> None:
    assert metadata.clean({"licence": "", "theme": "", "contact_email": ""}) == {
        "licence": "",
        "theme": "",
        "contact_email": "",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title_ko", "x" * 201), ("title_en", "a\nb"), ("title_ko", 7), ("description_en", "x" * 2001),
        ("licence", "mit"), ("theme", "space"), ("frequency", "often"), ("personal_data", "some"),
        ("contact_email", "nobody"), ("keywords", "a,b"), ("keywords", ["x" * 51]), ("keywords", ["a"] * 21),
        ("keywords", [1]), ("title_ko", "a\u202eb"),
    ],
)  # fmt: skip
def test_a_wrong_word_names_its_field(name: str, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        metadata.clean({name: value})
    assert str(caught.value.field).startswith(name)


# states

STATES: tuple[State, ...] = ("draft", "published", "withdrawn")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("move", ["publish", "withdraw"])
def test_every_pair_of_state_and_move(state: State, move: Move) -> None:
    if (state, move) in MOVES:
        assert after(state, move) == MOVES[state, move]
        return
    with pytest.raises(Conflict) as caught:
        after(state, move)
    assert (caught.value.code, caught.value.found) == ("wrong_state", state)


def test_a_change_of_state_has_its_moment() -> None:
    dataset = Dataset(state="draft")
    change_state(dataset, "publish", 5)
    assert (dataset.state, dataset.published_at) == ("published", 5)
    change_state(dataset, "withdraw", 6)
    assert (dataset.state, dataset.withdrawn_at) == ("withdrawn", 6)
