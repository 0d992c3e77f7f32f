"""What examples of requests have where a schema says no more than a type: Korean first, as most who read them do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BY_TYPE: Mapping[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "null": None}
BY_FORMAT: Mapping[str, str] = {
    "date": "2026-03-02",
    "date-time": "2026-03-01T14:00:00+09:00",
    "email": "you@example.org",
    "uri": "https://data.example.kr/",
    "binary": "",
}
AMOUNTS = {"area_m2": 120, "power_w": 800}
BY_NAME: Mapping[str, Any] = {
    "slug": "suwon",
    "organisation": "suwon",
    "name": "air-1",
    "key": "pm10",
    "sha256": "0" * 64,
    "zone": "Asia/Seoul",
    "reason": "현장 점검에서 확인되었습니다",
    "observed_property": "pm10",
    "datastream": "1",
    "device": "air-1",
    "site": "12",
    "q": "미세먼지",
    "pseudonym": "5f0c2a9be1d37846",
    "kind": "consent",
    "unit": "ug/m3",
    "field": "pm10",
    "label": "분석용 키",
    "from": "2026-03-01T00:00:00+09:00",
    "delay": "PT1H",
    "retention": "P1825D",
    "address": "https://example.org/hooks/gops",
    "url": "https://example.org/hooks/gops",
    "title": "보도를 쓰는 청소 로봇",
    "title_ko": "어두운 골목길을 밝힐 방법이 필요합니다",
    "title_en": "A dark alley needs light",
    "goal": "clean-streets",
    "solution": "sweeping-robots",
    "needs": AMOUNTS,
    "amounts": AMOUNTS,
}
"""By the name of a member, or by the last word of it."""
IN_QUERY: Mapping[str, str] = {"needs": "area_m2:120,power_w:800"}
_RECTANGLE = [[127.108, 37.366], [127.11, 37.366], [127.11, 37.368], [127.108, 37.368], [127.108, 37.366]]
_AREA = {"type": "Polygon", "coordinates": [_RECTANGLE]}
_CRITERIA = [{"name": "시민 체감 효과", "weight": 60}, {"name": "기술 완성도", "weight": 40}]
_RULES = {"organisation_kinds": ["company"], "trl_min": 4, "duration_max": 12}
BY_SCHEMA: Mapping[str, Mapping[str, Any]] = {
    "PropertyNew": {"key": "pm4", "name_ko": "미세먼지(PM4)", "name_en": "Particulate matter (PM4)"},
    "OrganisationNew": {"name_ko": "수원시", "name_en": "Suwon"},
    "HarvestSourceNew": {
        "url": "https://data.example.kr/catalog.ttl",
        "name": "시청 데이터 포털",
        "theme": "environment",
    },
    "SiteNew": {
        "name_ko": "정자동 주민광장",
        "name_en": "Jeongja-dong plaza",
        "area": _AREA,
        "capacity": {"area_m2": 400, "power_w": 5000},
    },
    "SiteChange": {"name_ko": "정자동 주민광장"},
    "CallNew": {
        "slug": "spring",
        "title_ko": "봄 실증 공모",
        "title_en": "Spring call",
        "opens_at": "2027-01-04T09:00:00+09:00",
        "closes_at": "2027-01-29T18:00:00+09:00",
        "terms": {
            "first_week": "2027-03-01",
            "weeks": 26,
            "mechanism": "ranked",
            "sites": [12, 7],
            "criteria": _CRITERIA,
            "rules": _RULES,
        },
    },
    "CallChange": {"title_ko": "봄 실증 공모"},
    "ApplicationNew": {
        "sites": [12, 7],
        "duration": 8,
        "first_start": "2027-03-01",
        "last_start": "2027-04-26",
        "trl": 6,
    },
    "MicroNew": {"first_week": "2027-03-01", "weeks": 2},
    "SlotNew": {"first_week": "2027-03-01", "weeks": 8},
    "QuestionNew": {"text": "전기는 밤에도 쓸 수 있습니까?"},
    "Answer": {"answer": "예, 하루 종일 쓸 수 있습니다."},
    "ErratumNew": {"text_ko": "마감 시각을 잘못 적었습니다", "text_en": "The closing time was wrong"},
    "ReviewIn": {"scores": {"시민 체감 효과": 8, "기술 완성도": 7}},
    "CheckNew": {"rule": "도로교통법 제2조", "question": "보도에서 로봇이 사람과 함께 다닙니다"},
    "CheckAnswer": {"text": "이 실증에 적용되는 규정이 없습니다"},
    "ExemptionNew": {"law": "도로교통법 제13조의2", "need": "보도 통행, 시속 6km 이하"},
    "AppealNew": {"text": "둘째 평가 항목의 점수에 이유가 없습니다"},
    "AppealAnswer": {"text": "평가위원이 다시 읽고 점수를 고쳤습니다"},
    "AppealRuling": {"text": "평가위원이 다시 읽고 점수를 고쳤습니다"},
    "SuperclusterNew": {"title_ko": "깨끗한 거리", "title_en": "Clean streets"},
}
"""By the schema of a body: what takes the place of its members, or is added."""
