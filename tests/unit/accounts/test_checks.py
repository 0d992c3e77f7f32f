"""Names, slugs and addresses: what is taken, and how the rest is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.accounts import checks
from gops.errors import Invalid
from tests.unit.accounts.conftest import HOSTILE_LINES

CHECKS: list[tuple[Callable[[Any, str], str], str]] = [
    (checks.slug, "slug"),
    (checks.device_name, "name"),
    (checks.email, "email"),
    (checks.name, "name_ko"),
    (checks.reason, "reason"),
]


@pytest.mark.parametrize("text", ["suwon", "00", "a-", "seoul-2026", "x" * 63])
def test_slugs(text: str) -> None:
    assert checks.slug(text) == text


@pytest.mark.parametrize(
    "text", ["a", "-a", "Suwon", "su won", "su/won", "su_won", "수원", "x" * 64, "a+", "a#", "suwon\n", "..", "ａｂ"]
)
def test_no_slugs(text: str) -> None:
    with pytest.raises(Invalid):
        checks.slug(text)


@pytest.mark.parametrize("text", ["a", "Air_1-b", "9" * 64])
def test_device_names(text: str) -> None:
    assert checks.device_name(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a+", "#", "공기", "a" * 65, "a\n", "$SYS", "a.b"])
def test_no_device_names(text: str) -> None:
    with pytest.raises(Invalid):
        checks.device_name(text)


@pytest.mark.parametrize("text", ["a@b", "kim.minji+gops@example.co.kr", "operator@localhost", "x" * 64 + "@e.kr"])
def test_mail_addresses(text: str) -> None:
    assert checks.email(text) == text


def test_a_mail_address_is_one_however_it_is_written() -> None:
    assert checks.email("Kim@Example.KR") == "kim@example.kr"


@pytest.mark.parametrize(
    "text",
    [
        "kim",
        "@example.kr",
        "kim@",
        "kim@@example.kr",
        "kim@exa mple.kr",
        "kim@example..kr",
        "kim@-example.kr",
        "kim@example.kr\nBcc: all@example.kr",
        "kim@example.kr, lee@example.kr",
        '"kim"@example.kr',
        "kim@[127.0.0.1]",
        "김@example.kr",
        "x" * 65 + "@e.kr",
        "a@" + "b." * 130 + "kr",
        "a" * 10_000_000,
    ],
)
def test_no_mail_addresses(text: str) -> None:
    with pytest.raises(Invalid):
        checks.email(text)


def test_a_name_loses_the_blanks_around_it_and_is_composed() -> None:
    assert checks.name("  수원시 ") == "수원시"
    assert checks.name("\u1112\u1161\u11ab") == "한"
    assert checks.name("O'Neill, 김 ‹Ω› 🛰") == "O'Neill, 김 ‹Ω› 🛰"


@pytest.mark.parametrize("value", HOSTILE_LINES)
@pytest.mark.parametrize(("check", "field"), CHECKS)
def test_what_is_hostile_is_refused_with_field_found_and_expected(
    check: Callable[[Any, str], str], field: str, value: Any
) -> None:
    if check is checks.reason and value == "x" * 201:
        return  # a reason may be longer
    with pytest.raises(Invalid) as raised:
        check(value, field)
    error = raised.value
    assert error.field == field
    assert error.expected
    assert error.found == checks.shown(value)
    assert field in error.message
    assert len(error.message) < 300
    assert error.message.isprintable()


@given(st.text() | st.binary() | st.integers() | st.floats() | st.none() | st.lists(st.text()))
def test_a_check_gives_a_clean_line_or_invalid_and_never_anything_else(value: Any) -> None:
    for check, field in CHECKS:
        try:
            clean = check(value, field)
        except Invalid:
            continue
        assert clean == clean.strip()
        assert "\n" not in clean
        clean.encode()


@given(st.text())
def test_a_clean_name_stays_as_it_is(text: str) -> None:
    try:
        clean = checks.name(text)
    except Invalid:
        return
    assert checks.name(clean) == clean


def test_a_remark_may_be_empty_and_a_reason_may_not() -> None:
    assert checks.remark(" ", "description") == ""
    with pytest.raises(Invalid):
        checks.reason(" ")


@pytest.mark.parametrize("value", [0, 731, 1.5, "3", None, True, 10**30, -1])
def test_no_number_of_days(value: Any) -> None:
    with pytest.raises(Invalid) as raised:
        checks.whole(value, 1, 730, "days", "GOPS_KEY_DAYS_MAX")
    assert raised.value.expected == "a whole number from 1 to 730 (GOPS_KEY_DAYS_MAX)"


@pytest.mark.parametrize("value", ["Owner", "", None, 3, ["owner"], "owner "])
def test_no_word_of_the_list(value: Any) -> None:
    with pytest.raises(Invalid) as raised:
        checks.one_of(value, ("owner", "viewer"), "role")
    assert raised.value.expected == "one of owner, viewer"
