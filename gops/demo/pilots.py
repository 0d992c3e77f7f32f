"""Companies and pilots of the demo's allocated call. All names are invented."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gops.demo.signals import chance
from gops.demo.sites import DemoSite

APPLICATIONS = 60
CALL_WEEKS = 26
BANDS = ("lora-920", "wifi-5g", "uwb-6g")


@dataclass(frozen=True)
class Company:
    slug: str
    name_ko: str
    name_en: str

    @property
    def applicant(self) -> str:
        return f"pilot@{self.slug}.example"


@dataclass(frozen=True)
class Pilot:
    """``sites`` by English name, the best first; starts count from the call's first week; ``score`` 0..10000."""

    company: Company
    title: str
    sites: tuple[str, ...]
    needs: Mapping[str, int]
    duration: int
    first_start: int
    last_start: int
    trl: int
    band: str | None
    score: int

    @property
    def nonce(self) -> str:
        return hashlib.sha256(f"demo {self.company.slug} {self.title}".encode()).hexdigest()[:32]


COMPANIES: tuple[Company, ...] = tuple(
    Company(*line.split())
    for line in """\
hangilro 한길로 Hangilro
nuribot 누리봇 Nuribot
mulgyeol 물결랩 Mulgyeol-Lab
daramgi 다람기술 Daramgi-Tech
onsaemiro 온새미로 Onsaemiro
haneulnet 하늘넷 Haneulnet
barumae 바름애 Barumae
gaonsense 가온센스 Gaon-Sense
solbaram 솔바람 Solbaram
dasomcare 다솜케어 Dasom-Care
maroedge 마루엣지 Maru-Edge
byeolbit 별빛모빌리티 Byeolbit-Mobility
areumgil 아름길 Areumgil
seodam 서담데이터 Seodam-Data
narae 나래드론 Narae-Drone
pureunsoop 푸른숲 Pureunsoop
tteullan 뜰안 Tteullan
moamoa 모아모아 Moamoa
ieum 이음시스템 Ieum-Systems
chorong 초롱라이팅 Chorong-Lighting
garam 가람워터 Garam-Water
dodam 도담로보틱스 Dodam-Robotics
sebyeok 새벽에너지 Saebyeok-Energy
yeoul 여울센서 Yeoul-Sensors
bomnal 봄날헬스 Bomnal-Health
jadu 자두소프트 Jadu-Soft
kkumteo 꿈터 Kkumteo
raon 라온비전 Raon-Vision
hyean 혜안에이아이 Hyean-AI
deulnyeok 들녘애그 Deulnyeok-Agri
sanmaru 산마루 Sanmaru
eoullim 어울림 Eoullim
nalgae 날개항공 Nalgae-Air
teojeon 터전플랫폼 Teojeon-Platform
mireu 미르보안 Mireu-Security
galmuri 갈무리 Galmuri
hwasal 화살표 Hwasalpyo
jandi 잔디그린 Jandi-Green
baltto 발또 Baltto
sorimaeul 소리마을 Sorimaeul
""".splitlines()
)
TITLES = tuple(
    """\
배리어프리 보행 안내
공유 킥보드 주차 감지
하천 수위 예측
골목길 미세먼지 저감 벤치
전통시장 화재 조기 감지
독거 어르신 안부 확인 센서
빈 점포 무인 편의점
자율주행 청소 로봇
스마트 가로등 밝기 조절
불법 주정차 계도 알림
어린이 보호구역 접근 경보
빗물받이 막힘 감지
도심 열섬 쿨링포그
보행량 기반 상권 분석
태양광 버스 쉼터
전동 휠체어 충전소
공원 수목 건강 진단
소음 지도와 음향 쉼터
재활용품 자동 분류함
노면 결빙 예보
실내 길찾기 비콘
드론 긴급 물품 배송
지하차도 침수 경보
교차로 우회전 보행자 감지
골목 배송 로봇
공공자전거 재배치 최적화
노후 건물 균열 감시
스마트 화분 마을 정원
악취 발생원 추적
전기차 화재 감시 주차면
""".splitlines()
)


def pilots(sites: Sequence[DemoSite]) -> Iterator[Pilot]:
    """Sixty for these sites, of which some are far more wanted than others."""
    for number in range(APPLICATIONS):
        company = COMPANIES[number % len(COMPANIES)]
        title = TITLES[number % len(TITLES)] + (" 확대 실증" if number >= len(TITLES) else "")
        yield _pilot(number, company, title, sites)


def _pilot(number: int, company: Company, title: str, sites: Sequence[DemoSite]) -> Pilot:
    def drawn(what: str) -> float:
        return chance("pilot", number, what)

    places = dict.fromkeys(int(drawn(f"site {rank}") ** 2 * len(sites)) for rank in range(4))
    ranked = [sites[place] for place in places]
    duration = 8 + int(drawn("duration") * 11)
    first = int(drawn("first") * 5)
    last = min(first + int(drawn("window") * 7), CALL_WEEKS - duration)
    needs = {"area_m2": max(10, int(ranked[0].capacity["area_m2"] * (0.15 + 0.5 * drawn("area"))))}
    if drawn("powered") < 0.7 and ranked[0].capacity["power_w"] >= 100:
        needs["power_w"] = max(100, 100 * int(ranked[0].capacity["power_w"] * (0.1 + 0.5 * drawn("power")) / 100))
    return Pilot(
        company,
        title,
        tuple(site.name_en for site in ranked if all(need <= site.capacity[name] for name, need in needs.items())),
        needs,
        duration,
        first,
        max(first, last),
        trl=3 if drawn("trl") < 0.04 else 5 + int(drawn("trl") * 4),
        band=BANDS[int(drawn("which") * len(BANDS))] if drawn("radio") < 0.35 else None,
        score=4200 + int(drawn("score") * 5400),
    )
