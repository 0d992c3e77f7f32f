"""The list of datasets that data.go.kr keeps of an organisation: 목록개방현황, its columns in its order. Pure.

The names of the columns are those of the list that the portal publishes of all its entries. What GOPS does not know
(telephone, basis of possession, next date of registration, kinds of review) is left empty for the organisation to fill
in; what only the portal knows (its keys, its counts) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import pyarrow as pa

from gops.catalog.facts import DatasetFacts, Span
from gops.catalog.licences import Licence
from gops.catalog.model import FILES, LIVE
from gops.clock import from_micros

COLUMNS = (
    "목록유형", "목록명", "파일데이터명", "분류체계", "제공기관",
    "관리 부서명", "관리부서 전화번호", "보유근거", "수집방법", "업데이트 주기",
    "차기 등록 예정일", "매체유형", "전체행", "확장자(데이터포맷)", "키워드",
    "등록일", "수정일", "데이터 한계", "제공형태", "설명",
    "기타 유의사항", "공간범위", "시간범위", "비용부과유무", "비용부과기준 및 단위",
    "이용허락범위", "API 유형", "신청가능 트래픽", "심의 유형", "목록 URL",
)  # fmt: skip
TYPES: Mapping[str, str] = {LIVE: "API", FILES: "FILE"}
COLLECTED: Mapping[str, str] = {LIVE: "센서 및 개방 데이터 수집", FILES: "파일 등록"}
UNLIMITED = "이용허락범위 제한 없음"


def table(datasets: Sequence[DatasetFacts], rows: Mapping[int, int], zone: ZoneInfo) -> pa.Table:
    """A row for each dataset, all text. ``rows`` are those of datasets of files, by id."""
    made = [_row(one, rows.get(one.id), zone) for one in datasets]
    return pa.table({name: pa.array([row.get(name, "") for row in made], pa.string()) for name in COLUMNS})


def _row(of: DatasetFacts, rows: int | None, zone: ZoneInfo) -> dict[str, str]:
    forms = dict.fromkeys(one.file_type.key.upper() for one in of.distributions if one.file_type.key)
    return {
        "목록유형": TYPES.get(of.kind, "LINK"),
        "목록명": of.title.ko,
        "파일데이터명": of.title.ko if of.kind == FILES else "",
        "분류체계": of.theme.ko,
        "제공기관": of.publisher.name.ko,
        "관리 부서명": of.contact.name.ko,
        "수집방법": COLLECTED.get(of.kind, ""),
        "업데이트 주기": of.frequency.ko,
        "매체유형": "텍스트",
        "전체행": "" if rows is None else str(rows),
        "확장자(데이터포맷)": "+".join(forms),
        "키워드": ",".join(of.keywords),
        "등록일": _day(of.issued, zone),
        "수정일": _day(of.modified, zone),
        "설명": of.description.ko,
        "기타 유의사항": "" if of.deprecated is None else "더 이상 사용을 권하지 않는 데이터",
        "공간범위": _box(of.span),
        "시간범위": _times(of.span, zone),
        "비용부과유무": "무료",
        "이용허락범위": _licence(of.licence),
        "API 유형": "REST" if of.kind == LIVE else "",
        "목록 URL": of.page,
    }


def _licence(of: Licence) -> str:
    """In the portal's words where they are known: works of the public sector are named by their KOGL type."""
    if of.is_open and not of.attribution:
        return UNLIMITED
    return "공공저작물_출처표시" if of.id == "kogl-1" else of.ko


def _day(at: int, zone: ZoneInfo) -> str:
    return from_micros(at).astimezone(zone).date().isoformat()


def _times(of: Span, zone: ZoneInfo) -> str:
    if of.first is None or of.last is None:
        return ""
    return f"{_day(of.first, zone)}~{_day(of.last, zone)}"


def _box(of: Span) -> str:
    if of.bbox is None:
        return ""
    box = of.bbox
    return f"경도 {box.west:.2f}~{box.east:.2f}, 위도 {box.south:.2f}~{box.north:.2f}"
