"""Words, numbers, units and small pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gops.portal
from gops.portal import display, drawing
from gops.portal.words import PHRASES, Words
from gops.quality import WORDS

BUILT = ("expected_", "column_", "phase_", "rule_")  # said by what the data names
PAGES = Path(gops.portal.__file__).parent
TEMPLATES = [path.read_text() for path in (PAGES / "templates").glob("*.html")]


@pytest.mark.parametrize("name", PHRASES)
def test_every_phrase_is_said_in_both_languages(name: str) -> None:
    korean, english = PHRASES[name]
    assert korean.strip()
    assert english.strip()
    assert english.isascii()
    assert sorted(re.findall(r"{\w*}", korean)) == sorted(re.findall(r"{\w*}", english))


def test_every_phrase_of_a_template_is_there_and_every_phrase_is_used() -> None:
    text = "\n".join(TEMPLATES)
    named = set(re.findall(r"words\.(\w+)", text)) - {"language", "ago", "amount", "get", "term", "of", "length"}
    assert named <= set(PHRASES)
    assert set(WORDS) <= set(PHRASES)
    code = text + "".join(path.read_text() for path in PAGES.glob("*.py") if path.name != "words.py")
    by_value = {"true", "false", *WORDS, *(name for name in PHRASES if name.startswith(BUILT))}
    assert [name for name in PHRASES if name not in named | by_value and not re.search(rf'"{name}"', code)] == [
        name for name in PHRASES if name.startswith("error_") and name.endswith("_text")
    ]


def test_an_amount_has_its_unit_and_what_has_no_words_here_its_own_name() -> None:
    assert Words("ko").amount("area_m2", 1850) == "면적 1,850 m²"
    assert Words("en").amount("power_w", 25000) == "power 25,000 W"
    assert Words("ko").amount("desks", 12) == "desks 12"


@pytest.mark.parametrize(
    ("seconds", "korean", "english"),
    [
        (0, "방금", "just now"),
        (59, "방금", "just now"),
        (60, "1분 전", "1 min ago"),
        (7200, "2시간 전", "2 h ago"),
        (2e5, "2일 전", "2 d ago"),
    ],
)
def test_ages_are_said_in_the_largest_unit(seconds: float, korean: str, english: str) -> None:
    assert (Words("ko").ago(seconds), Words("en").ago(seconds)) == (korean, english)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"), (12.0, "12"), (1234.5, "1,234"), (1234567.0, "1,234,567"), (21.5678, "21.57"), (0.03125, "0.03125"),
        (0.0312, "0.0312"), (-5.25, "-5.25"), (999.96, "1000"), (1e-9, "0"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits_that_mean_something(value: float, shown: str) -> None:
    assert display.number(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_number_can_be_shown(value: float) -> None:
    assert float(display.number(value).replace(",", "")) == pytest.approx(value, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("code", "shown"),
    [("Cel", "℃"), ("ug/m3", "㎍/㎥"), ("1", ""), ("{person}", ""), ("dB[SPL]{A}", "dB(A)"), ("m/s", "m/s")],
)
def test_units_are_shown_as_they_are_usually_written(code: str, shown: str) -> None:
    assert display.unit(code) == shown


def test_a_line_is_broken_where_there_is_nothing() -> None:
    drawn = drawing.line([1, 2, None, 4])
    assert drawn is not None
    assert len(drawn.pieces) == 2
    assert (drawn.low, drawn.high) == (1, 4)
    assert drawn.last == (drawing.WIDTH - drawing.EDGE, drawing.EDGE)


@pytest.mark.parametrize("values", [[], [1], [None, None, 3], [float("nan"), 1]])
def test_fewer_than_two_values_are_no_line(values: list[float | None]) -> None:
    assert drawing.line(values) is None


@given(st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), max_size=30))
def test_a_line_stays_inside_of_its_picture(values: list[float | None]) -> None:
    drawn = drawing.line(values)
    for piece in drawn.pieces if drawn else ():
        for point in piece.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= drawing.WIDTH
            assert 0 <= y <= drawing.HEIGHT


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-89, 89)), min_size=1, max_size=30))
def test_points_stay_inside_of_the_map_with_north_up(places: list[tuple[float, float]]) -> None:
    chart = drawing.chart(places)
    assert chart is not None
    for x, y in chart.points:
        assert 0 <= x <= chart.width
        assert 0 <= y <= chart.height
    northernmost = max(range(len(places)), key=lambda i: places[i][1])
    assert chart.points[northernmost][1] == min(y for _, y in chart.points)
    assert 0 < chart.bar <= chart.width / 4 + 0.1


def test_no_place_is_no_map() -> None:
    assert drawing.chart([]) is None


def tokens(css: str) -> list[dict[str, str]]:
    """The colours of the light and of the dark scheme."""
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block)) for block in css.split(":root {")[1:3])
    return [light, light | dark]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("over", "under"),
    [
        *((text, ground) for text in ("text", "quiet", "link") for ground in ("page", "raised", "tint")),
        *((text, "raised") for text in ("fresh", "late", "silent", "warn")),
        ("on-strong", "strong"), ("text", "code"), ("page", "link"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", [0, 1])
def test_text_stands_out_from_its_ground_as_wcag_aa_asks(over: str, under: str, scheme: int) -> None:
    colours = tokens((PAGES / "static" / "site.css").read_text())[scheme]
    one, other = sorted((luminance(colours[over]), luminance(colours[under])), reverse=True)
    assert (one + 0.05) / (other + 0.05) >= 4.5
