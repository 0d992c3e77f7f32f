"""A catalog to search in: seven datasets of each of Gyeonggi's 31 cities and counties, and a few of the province."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.catalog.datasets import new_draft
from gops.catalog.states import PUBLISHED
from gops.demo.province import MUNICIPALITIES

DAY = 86_400_000_000


@dataclass(frozen=True)
class Topic:
    key: str
    title_ko: str
    title_en: str
    theme: str
    keywords: tuple[str, ...]
    licence: str
    description_ko: str


def _topics(text: str) -> tuple[Topic, ...]:
    rows = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    return tuple(
        Topic(key, ko, en, theme, tuple(words.split(",")), licence, about)
        for key, ko, en, theme, words, licence, about in rows
    )


TOPICS = _topics("""
air | 대기질 측정값 | Air quality | environment | 미세먼지,PM10,초미세먼지,오존 | kogl-1 | 대기오염 측정소의 시간 평균
noise | 도로변 소음도 | Roadside noise | environment | 소음,데시벨 | kogl-1 | 도로변에서 잰 등가소음도
parking | 공영주차장 현황 | Public car parks | transport | 주차,주차면 | kogl-0 | 공영주차장의 위치와 주차면 수, 요금
bus | 버스 정류소 위치 | Bus stops | transport | 대중교통,정류장 | kogl-1 | 시내버스와 마을버스가 서는 곳
river | 하천 수위 | River water levels | environment | 홍수,수위,강 | kogl-1 | 하천 수위와 강수량
library | 공공도서관 목록 | Public libraries | education | 도서관,책 | cc-by-4.0 | 도서관 이름, 주소, 열람석 수
budget | 세출예산 | Budget of expenditure | economy | 예산,재정 | kogl-2 | 부서별, 사업별 세출예산
""")
EXTRA = _topics("""
tap-water | 상수원보호구역 | Protected drinking water areas | environment | 수돗물,상수도 | kogl-1 | 마실 물을 지키는 곳
cats | 길고양이 중성화 사업 | Neutering of stray cats | health | 고양이,동물 | kogl-1 | 구조하고 돌본 고양이 수
charging | 전기차 충전소 | EV charging stations | energy | 전기차,충전기 | kogl-1 | 급속과 완속 충전기의 위치
dust-school | 초미세먼지 교실 측정 | PM2.5 in classrooms | health | PM2.5,학교 | kogl-1 | 교실 안의 공기
solar | 태양광 발전량 | Solar power output | energy | 신재생에너지,발전 | kogl-1 | 발전소별 시간당 발전량
crime-light | 보안등 설치 현황 | Security lights | justice | 안전,골목 | kogl-1 | 골목길 보안등의 위치
smog | 미세먼지 저감 벤치 | Benches that filter air | environment | 벤치 | kogl-1 | 설치된 벤치의 위치
""")


def fill(session: Session, homes: int = 32) -> dict[str, int]:
    """Write what ``homes`` publish, by default all; the ids by slug. Later ones are newer by a day."""
    ids: dict[str, int] = {}
    owners = [(one.slug, one.name_ko, one.name_en, TOPICS) for one in MUNICIPALITIES]
    owners.append(("gyeonggi", "경기도", "Gyeonggi Province", EXTRA))
    for slug, name_ko, name_en, topics in owners[:homes]:
        owner = Organisation(slug=slug, kind="municipality", name_ko=name_ko, name_en=name_en, created_at=DAY)
        session.add(owner)
        session.flush()
        for topic in topics:
            at = DAY * (len(ids) + 1)
            row = new_draft(
                at, owner.id, f"{slug}-{topic.key}",
                title_ko=f"{name_ko} {topic.title_ko}", title_en=f"{topic.title_en} of {name_en}",
                description_ko=topic.description_ko, description_en=f"{topic.title_en}, published by {name_en}",
                theme=topic.theme, keywords=list(topic.keywords), licence=topic.licence,
            )  # fmt: skip
            row.state, row.published_at = PUBLISHED, at
            session.add(row)
            session.flush()
            ids[row.slug] = row.id
    return ids
