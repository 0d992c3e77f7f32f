"""What speaks for and against a suggested site, in Korean and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gops.testbed import weeks
from gops.testbed.places.suggesting import Fit, Lack, Requirement
from gops.testbed.texts import RESOURCES


@dataclass(frozen=True)
class Reason:
    code: str
    ko: str
    en: str


def reasons(fit: Fit, asked: Requirement) -> list[Reason]:
    """Why a site does, what decides its rank first."""
    found = []
    if fit.distance_m is not None:
        found.append(Reason("near", f"{fit.distance_m:,} m 거리", f"{fit.distance_m:,} m away"))
    wide = asked.last_start - asked.first_start + 1
    monday = weeks.name(fit.start)
    if fit.starts == wide:
        found.append(Reason("every_start", f"모든 시작 주 가능, 가장 이른 주 {monday}", f"every start; first {monday}"))
    else:
        found.append(Reason("some_starts", f"시작 주 {wide}개 중 {fit.starts}개 가능, 가장 이른 주 {monday}",
                            f"{fit.starts} of {wide} starts; first {monday}"))  # fmt: skip
    for name, amount in fit.spare.items():
        korean, english, unit = _resource(name)
        found.append(Reason("spare", f"{korean} 여유 {amount:,} {unit}".strip(),
                            f"{amount:,} {unit} of {english} to spare".replace("  ", " ")))  # fmt: skip
    return found


def against(lack: Lack) -> Reason:
    """One thing that does not hold."""
    if lack.criterion == "weeks":
        return Reason(
            "weeks", f"시작 가능한 {lack.expected}주가 없음", f"no {lack.expected} free weeks among those starts"
        )
    if lack.criterion == "amount":
        korean, english, unit = _resource(lack.field.removeprefix("needs."))
        found, asked = (f"{one:,} {unit}".rstrip() for one in (lack.found, lack.expected))
        return Reason("amount", f"{korean} {found}, 필요 {asked}", f"{found} of {english}, asked {asked}")
    if lack.criterion == "distance":
        return Reason("distance", f"{lack.found:,} m 거리, 기준 {lack.expected:,} m 미만",
                      f"{lack.found:,} m away, asked less than {lack.expected:,}")  # fmt: skip
    korean = _KOREAN[lack.criterion]
    return Reason(lack.criterion, f"{korean}: {_list(lack.found, '없음')}, 요구 {_list(lack.expected, '없음')}",
                  f"{lack.field} {_list(lack.found, 'none')}, asked {_list(lack.expected, 'none')}")  # fmt: skip


_KOREAN: Mapping[str, str] = {
    "kind": "부지 유형",
    "organisation": "지방자치단체",
    "band": "주파수 대역",
    "tags": "특성",
    "equipment": "장비",
}


def _list(value: Any, nothing: str) -> str:
    return ", ".join(map(str, value)) or nothing if isinstance(value, list) else str(value)


def _resource(name: str) -> tuple[str, str, str]:
    return RESOURCES.get(name, (name, name, ""))
