"""A bounded memory of answers that are true for a moment."""

from __future__ import annotations

import pytest

from gops.records.remembered import Remembered


class Watch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Source:
    """Answers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = "old"

    def __call__(self) -> str:
        self.asked += 1
        return self.answer


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def remembered(watch: Watch) -> Remembered[str]:
    return Remembered(2, 1.0, watch)


def test_an_answer_is_looked_up_once_while_it_holds(remembered: Remembered[str], watch: Watch) -> None:
    source = Source()
    remembered.find("a", source)
    watch.seconds = 0.999
    assert remembered.find("a", source) == "old"
    assert source.asked == 1


def test_it_holds_no_longer_than_its_seconds(remembered: Remembered[str], watch: Watch) -> None:
    source = Source()
    remembered.find("a", source)
    source.answer, watch.seconds = "new", 1.0
    assert remembered.find("a", source) == "new"


def test_looking_again_does_not_prolong_it(remembered: Remembered[str], watch: Watch) -> None:
    source = Source()
    for moment in (0.0, 0.5, 0.9):
        watch.seconds = moment
        remembered.find("a", source)
    watch.seconds = 1.0
    remembered.find("a", source)
    assert source.asked == 2


def test_forgetting_drops_everything(remembered: Remembered[str]) -> None:
    source = Source()
    remembered.find("a", source)
    remembered.forget()
    source.answer = "new"
    assert remembered.find("a", source) == "new"


def test_an_answer_that_was_being_looked_up_while_forgetting_is_not_kept(remembered: Remembered[str]) -> None:
    """It may have been read before the change that made us forget."""

    def change_meanwhile() -> str:
        remembered.forget()
        return "old"

    assert remembered.find("a", change_meanwhile) == "old"
    assert remembered.find("a", lambda: "new") == "new"


def test_the_oldest_goes_when_there_are_too_many(remembered: Remembered[str]) -> None:
    source = Source()
    for key in ("a", "b", "c"):
        remembered.find(key, source)
    assert len(remembered) == 2
    remembered.find("b", source)
    remembered.find("c", source)
    assert source.asked == 3
    remembered.find("a", source)
    assert source.asked == 4


def test_a_failure_is_not_remembered(remembered: Remembered[str]) -> None:
    def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        remembered.find("a", fail)
    assert remembered.find("a", lambda: "found") == "found"


def test_what_does_not_fit_is_looked_up_again() -> None:
    short: Remembered[str] = Remembered(2, 1.0, fit=lambda text: len(text) < 3)
    answers = ["long", "no", "yes"]
    assert [short.find("a", lambda: one) for one in answers] == ["long", "no", "no"]  # noqa: B023 - called at once
