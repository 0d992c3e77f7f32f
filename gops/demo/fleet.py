"""The demo's devices: what they are called, where they stand, how often they send.

The twenty of Suwon and Seongnam send every ten seconds; those of all municipalities (``hourly``) once an hour.
"""

from __future__ import annotations

from dataclasses import dataclass

from gops.demo.instruments import AIR, NOISE, PEOPLE, RIVER, WEATHER, Fields, car_park
from gops.demo.province import MUNICIPALITIES, Municipality

PERIOD_SECONDS = 10
"""How often a live device sends."""


@dataclass(frozen=True)
class DemoDevice:
    city: Municipality
    name: str
    name_ko: str
    name_en: str
    longitude: float
    latitude: float
    fields: Fields
    period: int = PERIOD_SECONDS

    @property
    def address(self) -> str:
        return f"{self.city.slug}/{self.name}"

    @property
    def is_live(self) -> bool:
        return self.period == PERIOD_SECONDS

    @property
    def slot(self) -> int:
        """Seconds in which it has one fault or none: ten minutes of a live device, six hours of another."""
        return 60 * PERIOD_SECONDS if self.is_live else 6 * self.period


SUWON, SEONGNAM = MUNICIPALITIES[:2]

FLEET = (
    DemoDevice(SUWON, "air-ingye", "인계동 대기측정소", "Air station Ingye-dong", 127.0287, 37.2634, AIR),
    DemoDevice(SUWON, "air-gwanggyo", "광교 대기측정소", "Air station Gwanggyo", 127.0520, 37.2880, AIR),
    DemoDevice(SUWON, "air-station", "수원역 대기측정소", "Air station Suwon Station", 127.0001, 37.2660, AIR),
    DemoDevice(SUWON, "weather-paldal", "팔달산 기상관측소", "Weather station Paldalsan", 127.0104, 37.2777, WEATHER),
    DemoDevice(SUWON, "weather-yeongtong", "영통 기상관측소", "Weather station Yeongtong", 127.0711, 37.2516, WEATHER),
    DemoDevice(SUWON, "noise-haenggung", "행궁동 소음측정기", "Noise meter Haenggung-dong", 127.0137, 37.2818, NOISE),
    DemoDevice(SUWON, "noise-station", "수원역 소음측정기", "Noise meter Suwon Station", 127.0003, 37.2668, NOISE),
    DemoDevice(SUWON, "parking-cityhall", "시청 주차장", "Car park City Hall", 127.0292, 37.2628, car_park(420, 11)),
    DemoDevice(
        SUWON, "parking-hwaseong", "화성행궁 주차장", "Car park Hwaseong", 127.0150, 37.2826, car_park(180, 14.5)
    ),
    DemoDevice(SUWON, "river-suwoncheon", "수원천 수위계", "River gauge Suwoncheon", 127.0180, 37.2778, RIVER),
    DemoDevice(SUWON, "people-nammun", "남문시장 보행량 계수기", "People counter Nammun", 127.0169, 37.2766, PEOPLE),
    DemoDevice(SEONGNAM, "air-pangyo", "판교 대기측정소", "Air station Pangyo", 127.1086, 37.4021, AIR),
    DemoDevice(SEONGNAM, "air-moran", "모란 대기측정소", "Air station Moran", 127.1291, 37.4322, AIR),
    DemoDevice(SEONGNAM, "weather-pangyo", "판교 기상관측소", "Weather station Pangyo", 127.1112, 37.3948, WEATHER),
    DemoDevice(SEONGNAM, "noise-pangyo", "판교역 소음측정기", "Noise meter Pangyo Station", 127.1110, 37.3950, NOISE),
    DemoDevice(SEONGNAM, "noise-seohyeon", "서현역 소음측정기", "Noise meter Seohyeon", 127.1234, 37.3850, NOISE),
    DemoDevice(SEONGNAM, "parking-pangyo", "판교 공영주차장", "Car park Pangyo", 127.1076, 37.4013, car_park(260, 12)),
    DemoDevice(
        SEONGNAM, "parking-jeongja", "정자 공영주차장", "Car park Jeongja", 127.1083, 37.3661, car_park(150, 20)
    ),
    DemoDevice(SEONGNAM, "river-tancheon", "탄천 수위계", "River gauge Tancheon", 127.1240, 37.4105, RIVER),
    DemoDevice(SEONGNAM, "people-pangyo", "판교 보행량 계수기", "People counter Pangyo", 127.1118, 37.3944, PEOPLE),
)
