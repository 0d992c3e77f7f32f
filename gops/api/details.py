"""What a problem says in the reader's language: a sentence by its code, and the members of the body after it.

In English the sentence is the one that the error was raised with, which knows most. In Korean it is that of the
code, and the body carries the raised one beside it as ``detail_en``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gops.api import times
from gops.api.korean import SENTENCES
from gops.api.titles import title

_COUNTED = {"characters": "자", "items": "개", "bytes": "바이트", "rows": "행", "levels": "단", "": ""}
_UNIT = r"(?: (characters|items|bytes|rows|levels))?"
_WORDS = {
    "true or false": "true 또는 false", "a whole number": "정수", "a number": "수", "a list": "목록",
    "an object": "객체", "a mail address": "메일 주소",
    "text": "글", "a text": "글", "a value": "값", "no parameter": "매개변수 없음",
    "a JSON object": "JSON 객체", "one value; several with commas": "값 하나, 여럿이면 쉼표로 나눔",
    "from earlier than to": "to보다 이른 from",
}  # fmt: skip
_WHOLE = {
    "west,south,east,north in degrees, such as 126.7,37.4,127.2,37.7; west beyond east crosses the 180th meridian":
        "도 단위의 서,남,동,북. 예: 126.7,37.4,127.2,37.7 (서쪽이 동쪽보다 크면 180도 경선을 넘음)",
    times.EXPECTED:
        "ISO 8601 시각. 예: 2026-03-01, 2026-03-01T14:00 (zone의 시각), 2026-03-01T14:00:00+09:00",
    "an IANA time zone such as Asia/Seoul or UTC": "IANA 시간대. 예: Asia/Seoul, UTC",
    "an IANA time zone such as Asia/Seoul": "IANA 시간대. 예: Asia/Seoul",
    "ids with commas between: 1,2,3": "쉼표로 나눈 번호. 예: 1,2,3",
    "a city or county: 수원, 수원시, suwon": "시나 군. 예: 수원, 수원시, suwon",
    "the key of an observed property, such as pm10": "관측 속성의 키. 예: pm10",
}  # fmt: skip
_FORMS = (
    (re.compile(rf"(?:from )?(-?[\d.]+) to (-?[\d.]+){_UNIT}"), "{0} 이상 {1}{u} 이하"),
    (re.compile(rf"at most (-?[\d.]+){_UNIT}"), "최대 {0}{u}"),
    (re.compile(rf"at least (-?[\d.]+){_UNIT}"), "최소 {0}{u}"),
)
_CHOICES = re.compile(r"(?:text, )?(?:one of|one or more of|some of) (.+)", re.DOTALL)
_SETTING = re.compile(r" \((GOPS_[A-Z0-9_]+)\)$")


@dataclass(frozen=True)
class Members:
    """What the body of a problem says beside its sentence; ``reason`` is what a person gave."""

    field: str | None = None
    found: Any = None
    expected: str | None = None
    reason: str | None = None


def korean_detail(code: str, status_code: str, members: Members) -> str:
    """A code without a sentence of its own has the title of its status."""
    sentence = SENTENCES.get(code) or title(code, status_code, "ko")
    parts = {
        "사유": members.reason,
        "항목": members.field,
        "받은 값": members.found,
        "필요한 것": None if members.expected is None else korean(members.expected),
    }
    told = ", ".join(f"{name}: {_plain(one)}" for name, one in parts.items() if one is not None)
    return f"{sentence}. {told}" if told else f"{sentence}."


def korean(expected: str) -> str:
    """What was expected in Korean, where it is of a regular form or often told; else as it is. Names, numbers stay."""
    if expected in _WHOLE:
        return _WHOLE[expected]
    choices = _CHOICES.fullmatch(expected)
    if choices is not None:
        return f"{choices[1]} 중에서"
    setting = _SETTING.search(expected)
    parts = _SETTING.sub("", expected).split(", ")
    said = [_part(one) for one in parts]
    if None in said:
        return expected
    return ", ".join(filter(None, said)) + (f" ({setting[1]})" if setting else "")


def _part(text: str) -> str | None:
    for form, words in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            *numbers, unit = found.groups()
            return words.format(*numbers, u=_COUNTED[unit or ""])
    return _WORDS.get(text)


def _plain(one: Any) -> str:
    return str(one).lower() if isinstance(one, bool) else str(one)
