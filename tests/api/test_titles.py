"""Titles of problem codes: every code that GOPS raises has one, in both languages."""

from __future__ import annotations

import ast
from pathlib import Path

import gops
from gops import errors
from gops.api.korean import SENTENCES
from gops.api.remedies import OWN, remedy
from gops.api.titles import TITLES

ROOT = Path(gops.__file__).parent
# Of commands and files alone: no HTTP leads there.
BESIDE = ("cli/", "keeping/", "records/", "ingest/csv_mapping.py", "ingest/provisioning/", "ingest/replay.py",
          "ingest/seats.py", "testbed/allocation/documents.py")  # fmt: skip
AT_START = {"unknown_setting"}  # these stop the start, before there is HTTP
CLASSES = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.GopsError)}


def raised(path: Path) -> set[str]:
    """Codes in calls of error classes: ``Invalid(..., code="bad_time")``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    found.add(keyword.value.value)
    return found


def test_every_code_that_is_raised_has_a_title() -> None:
    served = [path for path in ROOT.rglob("*.py") if not path.relative_to(ROOT).as_posix().startswith(BESIDE)]
    codes = {code for path in served for code in raised(path)}
    codes |= {getattr(errors, name).code for name in CLASSES}
    assert len(codes) > 20
    assert sorted(codes - set(TITLES) - AT_START) == []  # what stands here needs a title in gops/api/titles.py


def test_every_title_says_something_in_both_languages() -> None:
    for code, (korean, english) in TITLES.items():
        assert any("가" <= letter <= "힣" for letter in korean), code
        assert english.isascii(), code


def test_every_code_has_a_sentence_in_korean() -> None:
    """A code that is missing here needs one in gops/api/korean.py: what is wrong, in full, ending in 다."""
    assert set(SENTENCES) == set(TITLES)
    for code, sentence in SENTENCES.items():
        assert sentence.endswith(("다", "수 있습니다")), code
        assert sentence != TITLES[code][0], code


def test_every_code_says_what_to_do_in_both_languages() -> None:
    assert set(OWN) <= set(TITLES)
    for code in TITLES:
        korean, english = remedy(code)
        assert any("가" <= letter <= "힣" for letter in korean), code
        assert english.isascii(), code
